// The commands below `plumbline job`, one file a concern, and the pieces they share.
#ifndef PLUMBLINE_CLIENT_COMMANDS_JOB_COMMANDS_H_
#define PLUMBLINE_CLIENT_COMMANDS_JOB_COMMANDS_H_

#include <chrono>
#include <string>

#include "client/commands/command.h"
#include "client/job_watcher.h"
#include "client/report_text.h"

namespace plumbline::client {

void AddJobSubmitCommand(CLI::App& job, CommandContext& context);
void AddJobWatchCommand(CLI::App& job, CommandContext& context);
void AddJobReportCommand(CLI::App& job, CommandContext& context);
void AddJobVerdictsCommand(CLI::App& job, CommandContext& context);
void AddJobExportCommand(CLI::App& job, CommandContext& context);

// "90", "90s", "15m", "2h", "500ms" to milliseconds; throws CLI::ValidationError otherwise.
std::chrono::milliseconds ParseDuration(const std::string& text);

// On standard output, as text or JSON.
void PrintJob(const CommandContext& context, const v1::Job& job);
void PrintReport(const CommandContext& context, const v1::Report& report,
                 const ReportTextOptions& options);

// False after an error, which is printed and in the exit code then.
bool FetchReport(CommandContext& context, const v1::GetReportRequest& request, v1::Report* report);

struct FollowOptions {
  WatchOptions watch;
  bool print_verdicts = false;  // a line each on standard output
  bool report_at_end = false;   // of a job that succeeded
};
// Follows a job and sets the exit code by how it ended.
void FollowJob(CommandContext& context, const FollowOptions& options);

}  // namespace plumbline::client

#endif  // PLUMBLINE_CLIENT_COMMANDS_JOB_COMMANDS_H_
