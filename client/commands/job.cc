// `plumbline job`: list, get, cancel and delete; the other verbs have files of their own.
#include <google/protobuf/util/time_util.h>

#include <cctype>
#include <iostream>

#include "client/commands/job_commands.h"
#include "client/job_text.h"

namespace plumbline::client {
namespace {

using google::protobuf::util::TimeUtil;

void AddList(CLI::App& job, CommandContext& context) {
  auto request = std::make_shared<v1::ListJobsRequest>();
  auto limit = std::make_shared<int>(50);
  CLI::App* list = job.add_subcommand("list", "List jobs, the newest first");
  list->add_option_function<std::string>(
          "--state",
          [request](const std::string& v) {
            v1::JobState state;
            std::string name = "JOB_STATE_";
            for (const char c : v)
              name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
            if (v1::JobState_Parse(name, &state)) request->set_state(state);
          },
          "pending, running, succeeded, failed or cancelled")
      ->check(CLI::IsMember({"pending", "running", "succeeded", "failed", "cancelled"},
                            CLI::ignore_case));
  list->add_option("--limit", *limit, "At most this many")->check(AtLeast(1));
  list->callback([&context, request, limit] {
    std::vector<v1::Job> jobs;
    v1::ListJobsResponse page;
    do {
      request->set_page_size(std::min(1000, *limit - static_cast<int>(jobs.size())));
      request->set_page_token(page.next_page_token());
      page.Clear();
      if (!context.Call("list jobs", [&](grpc::ClientContext* c) {
            return context.connection().evaluations().ListJobs(c, *request, &page);
          })) {
        return;
      }
      jobs.insert(jobs.end(), page.jobs().begin(), page.jobs().end());
    } while (!page.next_page_token().empty() && static_cast<int>(jobs.size()) < *limit);
    if (context.json()) {
      auto array = nlohmann::ordered_json::array();
      for (const auto& j : jobs) array.push_back(ToJson(j));
      std::cout << Dump(array) << "\n";
      return;
    }
    Table table(
        {"ID", "STATE", "MODEL", "SUBJECTS", "VERDICTS", "ERRORS", "GATE", "CREATED", "NAME"});
    for (const auto& j : jobs) {
      table.AddRow({j.id(), EnumName(j.state()), j.model(), std::to_string(j.subjects_size()),
                    std::to_string(j.done_verdicts()) + "/" + std::to_string(j.total_verdicts()),
                    std::to_string(j.error_verdicts()), GateName(j.gate_status()),
                    TimeUtil::ToString(j.create_time()), OneLine(j.display_name(), 40)});
    }
    std::cout << table.ToString();
  });
}

// A verb that takes a job's id and answers with the job.
template <typename Request>
void AddJobVerb(CLI::App& job, CommandContext& context, const std::string& verb,
                const std::string& description,
                grpc::Status (v1::EvaluationService::Stub::*method)(grpc::ClientContext*,
                                                                    const Request&, v1::Job*)) {
  auto request = std::make_shared<Request>();
  CLI::App* command = job.add_subcommand(verb, description);
  command
      ->add_option_function<std::string>("id",
                                         [request](const std::string& v) { request->set_id(v); })
      ->required();
  command->callback([&context, request, verb, method] {
    v1::Job response;
    if (context.Call(verb + " job " + request->id(), [&](grpc::ClientContext* c) {
          return (context.connection().evaluations().*method)(c, *request, &response);
        })) {
      PrintJob(context, response);
    }
  });
}

}  // namespace

void PrintJob(const CommandContext& context, const v1::Job& job) {
  std::cout << (context.json() ? Dump(ToJson(job)) + "\n" : JobToText(job));
}

void AddJobCommands(CLI::App& app, CommandContext& context) {
  CLI::App* job = app.add_subcommand("job", "Evaluation jobs")->require_subcommand(1);
  AddJobSubmitCommand(*job, context);
  AddJobWatchCommand(*job, context);
  AddList(*job, context);
  AddJobVerb<v1::GetJobRequest>(*job, context, "get", "One job",
                                &v1::EvaluationService::Stub::GetJob);
  AddJobVerb<v1::CancelJobRequest>(*job, context, "cancel", "Stop a job; its verdicts so far stay",
                                   &v1::EvaluationService::Stub::CancelJob);
  AddJobReportCommand(*job, context);
  AddJobVerdictsCommand(*job, context);
  AddJobExportCommand(*job, context);

  auto request = std::make_shared<v1::DeleteJobRequest>();
  CLI::App* remove = job->add_subcommand("delete", "Delete a finished job and its verdicts");
  remove
      ->add_option_function<std::string>("id",
                                         [request](const std::string& v) { request->set_id(v); })
      ->required();
  remove->callback([&context, request] {
    v1::DeleteJobResponse response;
    context.Call("delete job " + request->id(), [&](grpc::ClientContext* c) {
      return context.connection().evaluations().DeleteJob(c, *request, &response);
    });
  });
}

}  // namespace plumbline::client
