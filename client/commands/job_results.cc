// `plumbline job report` and `plumbline job verdicts`.
#include <iostream>

#include "client/commands/job_commands.h"
#include "client/job_text.h"

namespace plumbline::client {
bool FetchReport(CommandContext& context, const v1::GetReportRequest& request, v1::Report* report) {
  return context.Call("report of " + request.id(), [&](grpc::ClientContext* c) {
    return context.connection().evaluations().GetReport(c, request, report);
  });
}

void PrintReport(const CommandContext& context, const v1::Report& report,
                 const ReportTextOptions& options) {
  std::cout << (context.json() ? Dump(ToJson(report)) + "\n" : ReportToText(report, options));
}

void AddJobReportCommand(CLI::App& job, CommandContext& context) {
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
      if (!policy || !IsUtf8OrFail(context, arguments->gate_file, *policy)) return;
      arguments->request.set_gate_policy(*policy);
    }
    v1::Report response;
    if (!FetchReport(context, arguments->request, &response)) return;
    PrintReport(context, response, arguments->text);
    context.exit_code = ExitCodeOf(response.gate().status());
  });
}

void AddJobVerdictsCommand(CLI::App& job, CommandContext& context) {
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
          std::cout << VerdictLine(verdict) << "\n";
        }
      }
    } while (!page.next_page_token().empty());
  });
}

}  // namespace plumbline::client
