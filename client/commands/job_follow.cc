// `plumbline job watch`, and what `submit --wait` does after the job was made.
#include <cctype>
#include <iostream>

#include "client/commands/job_commands.h"
#include "client/job_text.h"
#include "client/progress.h"

namespace plumbline::client {
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

void FollowJob(CommandContext& context, const FollowOptions& options) {
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
              std::cout << VerdictLine(event.verdict()) << std::endl;
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
    PrintError("job " + id + " ended " + EnumName(result.job.state()) +
               (result.job.has_error() ? ": " + result.job.error().message() : ""));
    return;
  }
  if (!options.report_at_end) return;
  v1::GetReportRequest request;
  request.set_id(id);
  v1::Report report;
  if (FetchReport(context, request, &report)) PrintReport(context, report, {});
}

void AddJobWatchCommand(CLI::App& job, CommandContext& context) {
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
    FollowJob(context, arguments->follow);
  });
}

}  // namespace plumbline::client
