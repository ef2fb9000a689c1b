// `plumbline history`: the versions of one adapter over time, each against the first and the one
// before it. The verdicts come from the server's finished jobs; the statistics are core/eval's, the
// same as a report's.
#include "core/eval/report/history.h"

#include <algorithm>
#include <iostream>
#include <set>

#include "client/commands/command.h"
#include "core/eval/report/report_json.h"

namespace plumbline::client {
namespace {

struct Arguments {
  std::string model;
  std::string adapter;
  std::vector<std::string> tasks;
  int jobs = 200;
};

// One version and the newest finished job that evaluated it.
struct Step {
  std::string version;
  v1::Job job;
};

// The adapter's versions, oldest first, by the jobs that evaluated them.
std::optional<std::vector<Step>> FindSteps(CommandContext& context, const Arguments& arguments) {
  std::vector<Step> steps;  // newest first while collecting
  std::set<std::string> seen;
  v1::ListJobsRequest request;
  request.set_state(v1::JOB_STATE_SUCCEEDED);
  v1::ListJobsResponse page;
  int looked_at = 0;
  do {
    request.set_page_size(std::min(100, arguments.jobs - looked_at));
    request.set_page_token(page.next_page_token());
    page.Clear();
    if (!context.Call("list jobs", [&](grpc::ClientContext* c) {
          return context.connection().evaluations().ListJobs(c, request, &page);
        })) {
      return std::nullopt;
    }
    looked_at += page.jobs_size();
    for (const v1::Job& job : page.jobs()) {
      if (job.model() != arguments.model) continue;
      for (const v1::Subject& subject : job.subjects()) {
        if (subject.adapter() == arguments.adapter &&
            seen.insert(subject.adapter_version()).second) {
          steps.push_back({subject.adapter_version(), job});
        }
      }
    }
  } while (!page.next_page_token().empty() && looked_at < arguments.jobs);
  std::reverse(steps.begin(), steps.end());
  return steps;
}

// Tasks that every step evaluated in the same version and size: anything else is not comparable.
std::vector<v1::PinnedTask> CommonTasks(const Arguments& arguments,
                                        const std::vector<Step>& steps) {
  std::vector<v1::PinnedTask> common;
  for (const v1::PinnedTask& task : steps.front().job.tasks()) {
    if (!arguments.tasks.empty() && std::find(arguments.tasks.begin(), arguments.tasks.end(),
                                              task.name()) == arguments.tasks.end()) {
      continue;
    }
    const bool everywhere = std::all_of(steps.begin(), steps.end(), [&task](const Step& step) {
      return std::any_of(
          step.job.tasks().begin(), step.job.tasks().end(), [&task](const v1::PinnedTask& other) {
            return other.name() == task.name() && other.version() == task.version() &&
                   other.prompts() == task.prompts() && other.samples() == task.samples();
          });
    });
    if (everywhere) common.push_back(task);
  }
  return common;
}

// The names of a task's metrics, the primary one first. A version of a task that was deleted since
// is a NotFound of the server.
bool FillTask(CommandContext& context, const v1::PinnedTask& pinned, ReportInput& input) {
  v1::GetTaskRequest request;
  request.set_name(pinned.name());
  v1::Task task;
  if (!context.Call("get task \"" + pinned.name() + "\"", [&](grpc::ClientContext* c) {
        return context.connection().tasks().GetTask(c, request, &task);
      })) {
    return false;
  }
  input.tasks.push_back({.name = pinned.name(),
                         .version = pinned.version(),
                         .capability = pinned.capability(),
                         .metrics = {task.metrics().begin(), task.metrics().end()},
                         .prompts = pinned.prompts(),
                         .samples = pinned.samples()});
  return true;
}

bool FetchVerdicts(CommandContext& context, const Step& step, int subject, int task,
                   const std::string& adapter, ReportInput& input) {
  v1::ListVerdictsRequest request;
  request.set_id(step.job.id());
  request.set_adapter(adapter);
  request.set_task(input.tasks[static_cast<size_t>(task)].name);
  request.set_page_size(1000);
  v1::ListVerdictsResponse page;
  do {
    request.set_page_token(page.next_page_token());
    page.Clear();
    if (!context.Call("verdicts of " + step.job.id(), [&](grpc::ClientContext* c) {
          return context.connection().evaluations().ListVerdicts(c, request, &page);
        })) {
      return false;
    }
    for (const v1::Verdict& verdict : page.verdicts()) {
      ReportVerdict& added = input.verdicts.emplace_back();
      added.subject = subject;
      added.task = task;
      added.key = verdict.key();
      added.sample = verdict.sample();
      added.execution_error = verdict.has_error();
      for (const v1::Observation& o : verdict.observations()) {
        added.observations.push_back({o.metric(), o.successes(), o.trials(), o.among(), o.vote()});
      }
    }
  } while (!page.next_page_token().empty());
  return true;
}

std::string DeltaText(const std::vector<ReportDelta>& deltas, int task) {
  for (const ReportDelta& delta : deltas) {
    if (delta.task != task || !delta.primary) continue;
    const bool significant = delta.p_holm < 0.05;
    return FormatDelta(delta.value) + " [" + FormatDelta(delta.lower) + ", " +
           FormatDelta(delta.upper) + "]" + (significant ? " !" : "");
  }
  return "-";
}

void PrintText(const ReportInput& input, const std::vector<Step>& steps,
               const plumbline::History& history) {
  for (size_t t = 0; t < input.tasks.size(); ++t) {
    const int task = static_cast<int>(t);
    std::cout << (t > 0 ? "\n" : "") << input.tasks[t].name << ": "
              << input.tasks[t].metrics.front() << "\n";
    Table table({"VERSION", "JOB", "VALUE [95 %]", "AGAINST THE FIRST", "AGAINST THE PREVIOUS"});
    for (const HistoryStep& step : history.steps) {
      const auto s = static_cast<size_t>(step.subject);
      std::string value = "-";
      for (const ReportCell& cell : step.cells) {
        if (cell.task != task || !cell.primary) continue;
        value = FormatScore(cell.value) + " [" + FormatScore(cell.lower) + ", " +
                FormatScore(cell.upper) + "]";
      }
      table.AddRow({steps[s].version.substr(0, 12), steps[s].job.id(), value,
                    DeltaText(step.to_first, task), DeltaText(step.to_previous, task)});
    }
    std::cout << table.ToString();
  }
  std::cout << "! significant at 5 % after Holm's correction over tasks and steps\n";
}

nlohmann::ordered_json ToJson(const std::vector<Step>& steps, const plumbline::History& history) {
  auto json = ReportToJson(history.to_first);
  json["steps"] = nlohmann::ordered_json::array();
  for (const HistoryStep& step : history.steps) {
    const auto s = static_cast<size_t>(step.subject);
    nlohmann::ordered_json entry = {{"version", steps[s].version}, {"job", steps[s].job.id()}};
    entry["to_first"] = nlohmann::ordered_json::array();
    entry["to_previous"] = nlohmann::ordered_json::array();
    for (const ReportDelta& delta : step.to_first)
      entry["to_first"].push_back(ReportDeltaToJson(delta));
    for (const ReportDelta& delta : step.to_previous)
      entry["to_previous"].push_back(ReportDeltaToJson(delta));
    json["steps"].push_back(std::move(entry));
  }
  return json;
}

void History(CommandContext& context, Arguments& arguments) {
  const auto model = ModelOrOnlyOne(context, arguments.model);
  if (!model) return;
  arguments.model = *model;
  const auto steps = FindSteps(context, arguments);
  if (!steps) return;
  if (steps->empty()) {
    return context.Fail("no finished job evaluated adapter \"" + arguments.adapter +
                        "\" on model \"" + arguments.model + "\"");
  }
  ReportInput input;
  for (const v1::PinnedTask& task : CommonTasks(arguments, *steps)) {
    if (!FillTask(context, task, input)) return;
  }
  if (input.tasks.empty()) {
    return context.Fail(
        "the versions have no task in common (same name, version and number of prompts); narrow "
        "with --task or --jobs");
  }
  for (size_t s = 0; s < steps->size(); ++s) {
    const Step& step = (*steps)[s];
    input.subjects.push_back(
        {.model = arguments.model, .adapter = arguments.adapter, .adapter_version = step.version});
    for (size_t t = 0; t < input.tasks.size(); ++t) {
      if (!FetchVerdicts(context, step, static_cast<int>(s), static_cast<int>(t), arguments.adapter,
                         input))
        return;
    }
  }
  const absl::StatusOr<plumbline::History> history = BuildHistory(input);
  if (!history.ok()) return context.Fail(std::string(history.status().message()));
  if (context.json()) {
    std::cout << Dump(ToJson(*steps, *history)) << "\n";
  } else {
    PrintText(input, *steps, *history);
  }
}

}  // namespace

void AddHistoryCommand(CLI::App& app, CommandContext& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* history = app.add_subcommand(
      "history", "Versions of one adapter over time, each against the first and the previous");
  history->footer("Example:\n  plumbline history support --task ifeval");
  history->add_option("adapter", arguments->adapter, "Alias")->required();
  history->add_option("-m,--model", arguments->model, "Default: the only one hosted");
  history->add_option("-t,--task", arguments->tasks, "Only these tasks; repeat or list with commas")
      ->delimiter(',');
  history->add_option("--jobs", arguments->jobs, "Look at this many of the newest finished jobs")
      ->capture_default_str()
      ->check(AtLeast(1));
  history->callback([&context, arguments] { History(context, *arguments); });
}

}  // namespace plumbline::client
