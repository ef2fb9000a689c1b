#include <google/protobuf/util/time_util.h>

#include <cctype>
#include <iostream>

#include "client/commands/command.h"
#include "client/job_watcher.h"
#include "client/progress.h"
#include "client/report_text.h"

namespace plumbline::client {
namespace {

using google::protobuf::util::TimeUtil;

std::string StateName(v1::JobState state) {
  const std::string prefix = "JOB_STATE_";
  return v1::JobState_Name(state).substr(prefix.size());
}

std::string GateName(v1::GateStatus status) {
  const std::string prefix = "GATE_STATUS_";
  return status == v1::GATE_STATUS_UNSPECIFIED ? "-"
                                               : v1::GateStatus_Name(status).substr(prefix.size());
}

std::string SubjectName(const std::string& adapter) { return adapter.empty() ? "base" : adapter; }

// "90", "90s", "15m", "2h", "500ms" to milliseconds; throws CLI::ValidationError otherwise.
std::chrono::milliseconds ParseDuration(const std::string& text) {
  size_t digits = 0;
  while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits])) != 0)
    ++digits;
  const std::string unit = text.substr(digits);
  const int64_t factor = unit == "ms"                  ? 1
                         : unit.empty() || unit == "s" ? 1000
                         : unit == "m"                 ? 60'000
                         : unit == "h"                 ? 3'600'000
                                                       : 0;
  if (digits == 0 || digits > 9 || factor == 0) {
    throw CLI::ValidationError("duration \"" + text +
                               "\": want a number with ms, s, m or h, for example 90s");
  }
  return std::chrono::milliseconds(std::stoll(text.substr(0, digits)) * factor);
}

void PrintJob(const CommandContext& context, const v1::Job& job) {
  if (context.json()) {
    std::cout << Dump(ToJson(job)) << "\n";
    return;
  }
  Table table({"FIELD", "VALUE"});
  table.AddRow({"id", job.id()});
  if (!job.display_name().empty()) table.AddRow({"name", job.display_name()});
  table.AddRow({"state", StateName(job.state())});
  table.AddRow({"model", job.model()});
  std::string subjects;
  for (const auto& s : job.subjects())
    subjects += (subjects.empty() ? "" : ", ") + SubjectName(s.adapter());
  table.AddRow({"subjects", subjects});
  std::string tasks;
  for (const auto& t : job.tasks())
    tasks += (tasks.empty() ? "" : ", ") + t.name() + " (" + std::to_string(t.prompts()) + ")";
  table.AddRow({"tasks", tasks});
  table.AddRow({"verdicts", std::to_string(job.done_verdicts()) + " of " +
                                std::to_string(job.total_verdicts()) + ", " +
                                std::to_string(job.error_verdicts()) + " execution errors"});
  table.AddRow({"gate", GateName(job.gate_status())});
  if (job.has_create_time()) table.AddRow({"created", TimeUtil::ToString(job.create_time())});
  if (job.has_end_time()) table.AddRow({"ended", TimeUtil::ToString(job.end_time())});
  if (job.has_error()) table.AddRow({"error", job.error().message()});
  std::cout << table.ToString();
}

std::string VerdictMark(const v1::Verdict& verdict) {
  if (verdict.has_error()) return "ERROR";
  return verdict.passed() ? "pass" : "fail";
}

// Why it failed: the first instruction that was not followed, or the answer found.
std::string VerdictReason(const v1::Verdict& verdict) {
  if (verdict.has_error()) return verdict.error().message();
  for (const auto& outcome : verdict.outcomes()) {
    if (!outcome.strict()) return outcome.id() + ": " + outcome.explanation();
  }
  return verdict.extracted().empty() ? "" : "answer " + verdict.extracted();
}

void PrintVerdictLine(const v1::Verdict& verdict) {
  std::cout << verdict.sequence() << "\t" << verdict.task() << "\t"
            << SubjectName(verdict.adapter()) << "\t" << verdict.key() << "\t"
            << VerdictMark(verdict) << "\t" << OneLine(VerdictReason(verdict), 120) << std::endl;
}

bool FetchReport(CommandContext& context, const v1::GetReportRequest& request, v1::Report* report) {
  return context.Call("report of " + request.id(), [&](grpc::ClientContext* c) {
    return context.connection().evaluations().GetReport(c, request, report);
  });
}

void PrintReport(const CommandContext& context, const v1::Report& report,
                 const ReportTextOptions& options) {
  std::cout << (context.json() ? Dump(ToJson(report)) + "\n" : ReportToText(report, options));
}

struct FollowOptions {
  WatchOptions watch;
  bool print_verdicts = false;
  bool report_at_end = false;
};

// Follows a job and sets the exit code by how it ended.
void Follow(CommandContext& context, const FollowOptions& options) {
  const bool terminal = StderrIsTerminal();
  int64_t done = 0;
  int64_t errors = 0;
  int64_t total = 0;
  WatchResult result;
  {
    Progress progress(terminal, context.quiet);
    result = WatchJob(
        context.connection(), *context.interrupt, options.watch,
        [&](const v1::JobEvent& event) {
          if (event.has_state_change()) {
            done = std::max(done, event.state_change().done_verdicts());
            errors = std::max(errors, event.state_change().error_verdicts());
            total = event.state_change().total_verdicts();
          } else if (event.has_verdict()) {
            ++done;
            if (event.verdict().has_error()) ++errors;
          }
          if (options.print_verdicts) {
            progress.Clear();
            if (context.json()) {
              std::cout << Dump(ToJson(event), false) << std::endl;
            } else if (event.has_verdict()) {
              PrintVerdictLine(event.verdict());
            }
          }
          progress.Update(done, total, errors);
        },
        [&progress](const std::string& sentence) { progress.Notice(sentence); });
  }
  const std::string& id = options.watch.job_id;
  const std::string again = "re-attach with: plumbline job watch " + id + " --after " +
                            std::to_string(result.last_sequence);
  switch (result.end) {
    case WatchEnd::kInterrupted:
      return context.Fail("detached; job " + id + " goes on; " + again, kExitInterrupted);
    case WatchEnd::kTimedOut:
      return context.Fail("job " + id + " has not ended in time; it goes on; " + again,
                          kExitWaitTimedOut);
    case WatchEnd::kError:
      return context.Fail(
          "watch job " + id + ": " + DescribeError(result.error, context.connection().address()),
          ExitCodeOf(result.error));
    case WatchEnd::kTerminal:
      break;
  }
  context.exit_code = ExitCodeOf(result.job);
  if (result.job.state() != v1::JOB_STATE_SUCCEEDED) {
    PrintError("job " + id + " ended " + StateName(result.job.state()) +
               (result.job.has_error() ? ": " + result.job.error().message() : ""));
    return;
  }
  if (!options.report_at_end) return;
  v1::GetReportRequest request;
  request.set_id(id);
  v1::Report report;
  if (FetchReport(context, request, &report)) PrintReport(context, report, {});
}

struct SubmitArguments {
  v1::CreateJobRequest request;
  std::vector<std::string> adapters;
  std::vector<std::string> tasks;
  std::string gate_file;
  std::string timeout;
  bool wait = false;
};

bool PrepareRequest(CommandContext& context, SubmitArguments& arguments) {
  const auto model = ModelOrOnlyOne(context, arguments.request.model());
  if (!model) return false;
  arguments.request.set_model(*model);
  for (const auto& adapter : arguments.adapters) arguments.request.add_adapters(adapter);
  for (const auto& task : arguments.tasks) arguments.request.add_tasks(task);
  if (arguments.gate_file.empty()) return true;
  const auto policy = ReadFileOrFail(context, arguments.gate_file);
  if (policy) arguments.request.set_gate_policy(*policy);
  return policy.has_value();
}

void Submit(CommandContext& context, SubmitArguments& arguments) {
  if (!PrepareRequest(context, arguments)) return;
  v1::Job job;
  if (!context.Call("submit job", [&](grpc::ClientContext* c) {
        return context.connection().evaluations().CreateJob(c, arguments.request, &job);
      })) {
    return;
  }
  if (!arguments.wait || arguments.request.validate_only()) {
    if (context.json() || arguments.request.validate_only()) return PrintJob(context, job);
    std::cout << job.id() << "\n";
    return;
  }
  if (!context.quiet) std::cerr << "job " << job.id() << std::endl;
  FollowOptions options;
  options.watch.job_id = job.id();
  if (!arguments.timeout.empty()) options.watch.timeout = ParseDuration(arguments.timeout);
  options.report_at_end = true;
  Follow(context, options);
}

void AddSubmit(CLI::App& job, CommandContext& context) {
  auto arguments = std::make_shared<SubmitArguments>();
  auto& request = arguments->request;
  CLI::App* submit = job.add_subcommand("submit", "Create an evaluation job; prints its id");
  submit->footer(
      "With --wait the exit code is the gate's: 0 pass (or no gate), 10 failed, 11 inconclusive, "
      "12 job failed or\n"
      "cancelled, 3 timed out, 130 interrupted (the job goes on).\n"
      "Examples:\n"
      "  plumbline job submit --adapter support --task ifeval --task gsm8k --wait\n"
      "  plumbline job submit -a v7 -t ifeval --gate gate.yaml --wait --timeout 30m --request-id "
      "\"$CI_JOB_ID\"");
  submit->add_option_function<std::string>(
      "-m,--model", [&request](const std::string& v) { request.set_model(v); },
      "Default: the only one hosted");
  submit
      ->add_option("-a,--adapter", arguments->adapters,
                   "Alias or version to compare with the base; repeat or list with commas")
      ->delimiter(',');
  submit->add_option("-t,--task", arguments->tasks, "Task name; repeat or list with commas")
      ->delimiter(',')
      ->required();
  submit->add_option("--gate", arguments->gate_file, "Gate policy file (docs/gate.md)");
  submit->add_option_function<int>(
      "--limit", [&request](const int& v) { request.set_limit(v); },
      "Only the first N prompts of each task");
  submit->add_option_function<uint64_t>(
      "--seed", [&request](const uint64_t& v) { request.set_seed(v); },
      "Overrides the tasks' own seed");
  submit->add_option_function<std::string>(
      "--request-id", [&request](const std::string& v) { request.set_request_id(v); },
      "Makes the call idempotent: the same id again returns the same job");
  submit->add_option_function<std::string>(
      "--name", [&request](const std::string& v) { request.set_display_name(v); },
      "A name for people");
  submit->add_option_function<int>(
      "--priority", [&request](const int& v) { request.set_priority(v); },
      "Higher runs first, -100 to 100");
  submit->add_flag_function(
      "--dry-run", [&request](int64_t) { request.set_validate_only(true); },
      "Check everything, make no job");
  submit->add_flag("-w,--wait,--watch", arguments->wait,
                   "Follow the job to its end and print the report");
  submit->add_option("--timeout", arguments->timeout,
                     "With --wait: stop waiting after e.g. 90s, 15m, 2h (exit code 3)");
  submit->callback([&context, arguments] { Submit(context, *arguments); });
}

void AddWatch(CLI::App& job, CommandContext& context) {
  struct Arguments {
    FollowOptions follow;
    std::string timeout;
    bool no_verdicts = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* watch =
      job.add_subcommand("watch", "Follow a job: a line for every verdict, until it ends");
  watch->footer(
      "Columns: sequence, task, subject, key, pass|fail|ERROR, why. With -o json one event a "
      "line.\n"
      "A lost connection is taken up again after the last verdict seen.\n"
      "Example:\n  plumbline job watch job-0123456789abcdef --after 120");
  watch->add_option("id", arguments->follow.watch.job_id, "Job id")->required();
  watch->add_option("--after", arguments->follow.watch.after_sequence,
                    "Only events after this sequence");
  watch->add_option("--timeout", arguments->timeout,
                    "Stop waiting after e.g. 90s, 15m, 2h (exit code 3)");
  watch->add_flag("--no-verdicts", arguments->no_verdicts, "Only the progress and the exit code");
  watch->add_flag("--report", arguments->follow.report_at_end, "Print the report at the end");
  watch->callback([&context, arguments] {
    if (!arguments->timeout.empty())
      arguments->follow.watch.timeout = ParseDuration(arguments->timeout);
    arguments->follow.print_verdicts = !arguments->no_verdicts;
    Follow(context, arguments->follow);
  });
}

void AddReport(CLI::App& job, CommandContext& context) {
  struct Arguments {
    v1::GetReportRequest request;
    std::string gate_file;
    ReportTextOptions text;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* report = job.add_subcommand(
      "report", "The matrix with its uncertainty, drift, label verdicts and gate");
  report->footer(
      "The exit code is the gate's: 0 pass (or no gate), 10 failed, 11 inconclusive.\n"
      "Example:\n  plumbline job report job-0123456789abcdef --markdown >> "
      "\"$GITHUB_STEP_SUMMARY\"");
  report
      ->add_option_function<std::string>(
          "id", [arguments](const std::string& v) { arguments->request.set_id(v); })
      ->required();
  report->add_option("--gate", arguments->gate_file,
                     "Evaluate this policy instead of the job's own");
  report->add_flag("--all-metrics", arguments->text.all_metrics,
                   "Also the metrics under the policy `fixed`");
  report->add_flag("--markdown", arguments->text.markdown, "Markdown instead of plain text");
  report->callback([&context, arguments] {
    if (!arguments->gate_file.empty()) {
      const auto policy = ReadFileOrFail(context, arguments->gate_file);
      if (!policy) return;
      arguments->request.set_gate_policy(*policy);
    }
    v1::Report response;
    if (!FetchReport(context, arguments->request, &response)) return;
    PrintReport(context, response, arguments->text);
    context.exit_code = ExitCodeOf(response.gate().status());
  });
}

void AddVerdicts(CLI::App& job, CommandContext& context) {
  auto request = std::make_shared<v1::ListVerdictsRequest>();
  CLI::App* verdicts = job.add_subcommand("verdicts", "List recorded verdicts, filtered");
  verdicts->footer(
      "Example: what an adapter broke, with the responses\n"
      "  plumbline job verdicts job-0123456789abcdef -a v7 --flipped --failed -o json");
  verdicts
      ->add_option_function<std::string>("id",
                                         [request](const std::string& v) { request->set_id(v); })
      ->required();
  verdicts->add_option_function<std::string>(
      "-a,--adapter", [request](const std::string& v) { request->set_adapter(v); },
      "Only of this adapter; \"base\": of the base");
  verdicts->add_option_function<std::string>(
      "-t,--task", [request](const std::string& v) { request->set_task(v); }, "Only of this task");
  verdicts->add_flag_function(
      "--failed", [request](int64_t) { request->set_failed_only(true); },
      "Only those that did not pass");
  verdicts->add_flag_function(
      "--flipped", [request](int64_t) { request->set_flipped_only(true); },
      "Only those that differ from the base's");
  verdicts->callback([&context, request] {
    request->set_include_prompts(context.json());
    v1::ListVerdictsResponse page;
    do {
      request->set_page_token(page.next_page_token());
      page.Clear();
      if (!context.Call("verdicts of " + request->id(), [&](grpc::ClientContext* c) {
            return context.connection().evaluations().ListVerdicts(c, *request, &page);
          })) {
        return;
      }
      for (const auto& verdict : page.verdicts()) {
        if (context.json()) {
          std::cout << Dump(ToJson(verdict), false) << "\n";
        } else {
          PrintVerdictLine(verdict);
        }
      }
    } while (!page.next_page_token().empty());
  });
}

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
  list->add_option("--limit", *limit, "At most this many")->check(CLI::PositiveNumber);
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
      table.AddRow({j.id(), StateName(j.state()), j.model(), std::to_string(j.subjects_size()),
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

void AddJobCommands(CLI::App& app, CommandContext& context) {
  CLI::App* job = app.add_subcommand("job", "Evaluation jobs")->require_subcommand(1);
  AddSubmit(*job, context);
  AddWatch(*job, context);
  AddList(*job, context);
  AddJobVerb<v1::GetJobRequest>(*job, context, "get", "One job",
                                &v1::EvaluationService::Stub::GetJob);
  AddJobVerb<v1::CancelJobRequest>(*job, context, "cancel", "Stop a job; its verdicts so far stay",
                                   &v1::EvaluationService::Stub::CancelJob);
  AddReport(*job, context);
  AddVerdicts(*job, context);
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
