// `plumbline job submit`.
#include <iostream>

#include "client/commands/job_commands.h"
#include "client/job_text.h"
#include "core/eval/gate/gate_lint.h"

namespace plumbline::client {
namespace {

struct SubmitArguments {
  v1::CreateJobRequest request;
  std::vector<std::string> adapters;
  std::vector<std::string> tasks;
  std::string gate_file;
  std::string timeout;
  bool wait = false;
};

// Well-formed or not is found here, with the file's name; whether its names are the job's, by the
// server, which also knows what its warnings are about (a dry run prints those).
bool ReadPolicy(CommandContext& context, SubmitArguments& arguments) {
  const auto text = ReadFileOrFail(context, arguments.gate_file);
  if (!text) return false;
  const absl::StatusOr<GatePolicy> policy = ParseGatePolicy(*text);
  if (!policy.ok()) {
    context.Fail(arguments.gate_file + ": " + std::string(policy.status().message()));
    return false;
  }
  if (!context.quiet && !arguments.request.validate_only()) {
    for (const std::string& warning : DescribeGate(*policy).warnings)
      std::cerr << "warning: " << arguments.gate_file << ": " << warning << "\n";
  }
  arguments.request.set_gate_policy(*text);
  return true;
}

bool PrepareRequest(CommandContext& context, SubmitArguments& arguments) {
  const auto model = ModelOrOnlyOne(context, arguments.request.model());
  if (!model) return false;
  arguments.request.set_model(*model);
  for (const auto& adapter : arguments.adapters) arguments.request.add_adapters(adapter);
  for (const auto& task : arguments.tasks) arguments.request.add_tasks(task);
  return arguments.gate_file.empty() || ReadPolicy(context, arguments);
}

void Submit(CommandContext& context, SubmitArguments& arguments) {
  if (!PrepareRequest(context, arguments)) return;
  v1::Job job;
  if (!context.Call("submit job", [&](grpc::ClientContext* c) {
        return context.connection().evaluations().CreateJob(c, arguments.request, &job);
      })) {
    return;
  }
  if (arguments.request.validate_only() && !context.json()) {
    std::cout << PlanToText(job);
    return;
  }
  if (!arguments.wait || arguments.request.validate_only()) {
    if (context.json()) return PrintJob(context, job);
    std::cout << job.id() << "\n";
    return;
  }
  if (!context.quiet) std::cerr << "job " << job.id() << std::endl;
  FollowOptions options;
  options.watch.job_id = job.id();
  if (!arguments.timeout.empty()) options.watch.timeout = ParseDuration(arguments.timeout);
  options.report_at_end = true;
  FollowJob(context, options);
}

}  // namespace

void AddJobSubmitCommand(CLI::App& job, CommandContext& context) {
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
      "Check everything, print what would run and how the gate reads; make no job");
  submit->add_flag("-w,--wait,--watch", arguments->wait,
                   "Follow the job to its end and print the report");
  submit->add_option("--timeout", arguments->timeout,
                     "With --wait: stop waiting after e.g. 90s, 15m, 2h (exit code 3)");
  submit->callback([&context, arguments] { Submit(context, *arguments); });
}

}  // namespace plumbline::client
