// `plumbline check`: scores responses that someone else generated. Needs no server.
#include <iostream>
#include <thread>

#include "client/commands/command.h"
#include "client/report_text.h"
#include "core/eval/offline_check.h"
#include "core/eval/report/groups.h"
#include "core/eval/report/report.h"
#include "core/eval/report/report_json.h"
#include "core/eval/task_file.h"
#include "core/eval/task_hints.h"

namespace plumbline::client {
namespace {

struct Arguments {
  std::string task;
  std::string prompts_file;
  std::string responses_file;
  bool require_all = false;
};

// The benchmarks whose own JSONL is a task: --task names the benchmark, --prompts the file.
bool NeedsPrompts(const Arguments& arguments) {
  return arguments.task == "ifeval" || arguments.task == "ifbench";
}

absl::StatusOr<Task> LoadTask(const Arguments& arguments, const std::string& prompts) {
  if (NeedsPrompts(arguments)) {
    return ParseIfevalTask(prompts, arguments.prompts_file, arguments.task);
  }
  return LoadTaskFile(arguments.task);
}

// A matrix of one subject and one task: every metric with its interval, and those of the groups.
struct Summary {
  std::vector<ReportCell> cells;
  std::vector<ReportGroup> groups;
};

absl::StatusOr<Summary> Summarise(const Task& task, const OfflineCheck& check) {
  ReportInput input;
  input.subjects.push_back({.model = "responses"});
  input.tasks.push_back({.name = task.name,
                         .version = task.version,
                         .capability = task.capability,
                         .metrics = task.metrics,
                         .prompts = static_cast<int64_t>(check.items.size()),
                         .samples = task.samples});
  for (const OfflineItem& item : check.items) {
    if (item.sample_results.empty())
      input.verdicts.push_back({.key = item.key, .observations = item.result.observations});
    for (size_t i = 0; i < item.sample_results.size(); ++i) {
      const CheckResult& result = item.sample_results[i];
      input.verdicts.push_back({.key = item.key,
                                .sample = static_cast<int>(i),
                                .observations = result.observations,
                                .extracted = result.extracted});
    }
  }
  const absl::StatusOr<Report> report = BuildReport(input);
  if (!report.ok()) return report.status();
  absl::StatusOr<std::vector<ReportGroup>> groups = BuildGroups(input, {&task});
  if (!groups.ok()) return groups.status();
  return Summary{report->cells, *std::move(groups)};
}

nlohmann::ordered_json ItemToJson(const Task& task, const OfflineItem& item) {
  nlohmann::ordered_json json;
  json["key"] = item.key;
  // IFEval's own keys are integers; they go out as they came in.
  if (item.key.size() < 19 && !item.key.empty() &&
      item.key.find_first_not_of("0123456789") == std::string::npos &&
      (item.key[0] != '0' || item.key.size() == 1)) {
    json["key"] = std::stoll(item.key);
  }
  const CheckResult& result = item.result;
  if (!result.outcomes.empty()) {
    for (const char* list : {"strict", "loose", "strict_fixed", "loose_fixed"})
      json[list] = nlohmann::ordered_json::array();
    json["instructions"] = nlohmann::ordered_json::array();
    for (const CheckOutcome& outcome : result.outcomes) {
      json["strict"].push_back(outcome.strict);
      json["loose"].push_back(outcome.loose);
      json["strict_fixed"].push_back(outcome.strict_fixed);
      json["loose_fixed"].push_back(outcome.loose_fixed);
      json["instructions"].push_back({{"id", outcome.id}, {"explanation", outcome.explanation}});
    }
    return json;
  }
  json["target"] = task.items[item.index].target;
  json["extracted"] = result.extracted;
  for (const Observation& observation : result.observations)
    json["metrics"][observation.metric] = observation.successes;
  return json;
}

nlohmann::ordered_json CellToJson(const ReportCell& cell) {
  nlohmann::ordered_json json = {{"value", cell.value},     {"n", cell.trials},
                                 {"lower", cell.lower},     {"upper", cell.upper},
                                 {"primary", cell.primary}, {"validity", cell.validity}};
  if (cell.samples.has_value()) json["samples"] = SamplesToJson(*cell.samples);
  return json;
}

nlohmann::ordered_json GroupToJson(const ReportGroup& group) {
  nlohmann::ordered_json json = {{"by", group.by}, {"name", group.name}};
  json["headline"] = group.headline;
  for (const ReportCell& cell : group.cells) {
    json["metrics"][cell.metric] = CellToJson(cell);
    json["metrics"][cell.metric]["prompts"] = cell.prompts;
  }
  return json;
}

std::vector<TaskHint> Hints(const Task& task) {
  return FindTaskHints({{&task, task.items.size()}});
}

void PrintJson(const Task& task, const OfflineCheck& check, const Summary& summary) {
  nlohmann::ordered_json json;
  json["task"] = task.name;
  json["n"] = check.items.size();
  json["checker"] = std::string(task.checker->version());
  json["missing"] = check.missing;
  json["unmatched"] = check.unmatched;
  json["errors"] = check.errors;
  json["metrics"] = nlohmann::ordered_json::object();
  for (const ReportCell& cell : summary.cells) json["metrics"][cell.metric] = CellToJson(cell);
  for (const ReportGroup& group : summary.groups) json["groups"].push_back(GroupToJson(group));
  json["hints"] = nlohmann::ordered_json::array();
  for (const TaskHint& hint : Hints(task)) {
    json["hints"].push_back({{"kind", std::string(TaskHintName(hint.kind))},
                             {"prompts", hint.prompts},
                             {"keys", hint.keys}});
  }
  json["items"] = nlohmann::ordered_json::array();
  for (const OfflineItem& item : check.items) json["items"].push_back(ItemToJson(task, item));
  std::cout << Dump(json) << "\n";
}

// Several responses a prompt: what they come to together, over the prompts that have all.
void AddSampleRows(const SampleStats& stats, Table& table) {
  const std::string n = std::to_string(stats.samples), prompts = std::to_string(stats.prompts);
  const auto add = [&](const std::string& name, double value) {
    table.AddRow({name, FormatScore(value), "", prompts});
  };
  add("pass@1", stats.pass_at.front());
  add("pass@" + n, stats.pass_at.back());
  add("majority of " + n, stats.majority);
  if (stats.voted.has_value()) add("voted answer", *stats.voted);
  add("consistency", stats.consistency);
}

std::string Interval(const ReportCell& cell) {
  return "[" + FormatScore(cell.lower) + ", " + FormatScore(cell.upper) + "]";
}

void PrintGroups(const std::vector<ReportGroup>& groups) {
  if (groups.empty()) return;
  std::cout << "\nby " << groups.front().by << "\n";
  Table table({"GROUP", "METRIC", "VALUE", "95 % INTERVAL", "PROMPTS"});
  table.AlignRight(4);
  for (const ReportGroup& group : groups) {
    for (const std::string& metric : group.headline) {
      for (const ReportCell& cell : group.cells) {
        if (cell.metric != metric || cell.prompts == 0) continue;
        table.AddRow({OneLine(group.name, 40), metric, FormatScore(cell.value), Interval(cell),
                      std::to_string(cell.prompts)});
      }
    }
  }
  std::cout << table.ToString();
}

void PrintText(const Task& task, const OfflineCheck& check, const Summary& summary) {
  std::cout << task.name << ": " << check.items.size() << " responses checked by "
            << std::string(task.checker->version()) << "\n";
  Table table({"METRIC", "VALUE", "95 % INTERVAL", "N"});
  table.AlignRight(3);
  for (const ReportCell& cell : summary.cells) {
    table.AddRow({cell.metric + (cell.primary ? " *" : ""), FormatScore(cell.value), Interval(cell),
                  std::to_string(cell.trials)});
  }
  for (const ReportCell& cell : summary.cells) {
    if (cell.primary && cell.samples.has_value()) AddSampleRows(*cell.samples, table);
  }
  std::cout << table.ToString();
  PrintGroups(summary.groups);
  for (const TaskHint& hint : Hints(task)) {
    v1::TaskHint shown;
    shown.set_kind(std::string(TaskHintName(hint.kind)));
    shown.set_prompts(static_cast<int64_t>(hint.prompts));
    for (const std::string& key : hint.keys) shown.add_keys(key);
    std::cout << "- ! " << TaskHintText(shown) << "\n";
  }
}

void Warn(const CommandContext& context, const OfflineCheck& check) {
  if (context.quiet) return;
  if (check.errors > 0) {
    std::cerr
        << "warning: " << check.errors
        << " rows are execution errors; they are not scored, neither as passed nor as failed\n";
  }
  if (check.missing > 0) {
    std::cerr << "warning: " << check.missing
              << " prompts have no response (--require-all makes that an error); the first is key "
              << check.missing_keys[0] << "\n";
  }
  if (check.unmatched > 0) {
    std::cerr << "warning: " << check.unmatched
              << " responses belong to no prompt of the task; the first is "
              << check.unmatched_rows[0] << "\n";
  }
}

void Check(CommandContext& context, const Arguments& arguments) {
  if (NeedsPrompts(arguments) == arguments.prompts_file.empty()) {
    return context.Fail(
        "--prompts FILE goes with --task ifeval or ifbench, and only with them; a task file has "
        "prompts of its "
        "own",
        kExitUsage);
  }
  std::string prompts;
  if (!arguments.prompts_file.empty()) {
    const auto content = ReadFileOrFail(context, arguments.prompts_file);
    if (!content) return;
    prompts = *content;
  }
  const absl::StatusOr<Task> task = LoadTask(arguments, prompts);
  if (!task.ok()) return context.Fail(std::string(task.status().message()));
  const auto responses = ReadFileOrFail(context, arguments.responses_file, kMaxResponseFileBytes);
  if (!responses) return;
  OfflineOptions options;
  options.require_all = arguments.require_all;
  options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const absl::StatusOr<OfflineCheck> check =
      CheckResponses(*task, *responses, arguments.responses_file, options);
  if (!check.ok()) return context.Fail(std::string(check.status().message()));
  const absl::StatusOr<Summary> summary = Summarise(*task, *check);
  if (!summary.ok()) return context.Fail(std::string(summary.status().message()));
  Warn(context, *check);
  if (context.json()) {
    PrintJson(*task, *check, *summary);
  } else {
    PrintText(*task, *check, *summary);
  }
}

}  // namespace

void AddCheckCommand(CLI::App& app, CommandContext& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* check =
      app.add_subcommand("check", "Score responses that another tool generated; needs no server");
  check->footer(
      "Responses are JSONL rows {\"key\" or \"prompt\": ..., \"response\": ...}, of several turns "
      "or "
      "samples "
      "{\"key\": ..., \"responses\": [...]}\n(of samples also a row each); with "
      "\"finish_reason\": \"length\" or \"stop\" also for the share that was cut.\nWith -o json "
      "one object:\n"
      "  {task, n, metrics: {name: {value, n, lower, upper}}, items: [{key, strict: [bool], loose: "
      "[bool], ...}]}\n"
      "Examples:\n"
      "  plumbline check --task ifeval --prompts input_data.jsonl --responses responses.jsonl\n"
      "  plumbline check --task gsm8k.yaml --responses responses.jsonl -o json");
  check
      ->add_option("-t,--task", arguments->task,
                   "ifeval, ifbench, or a task file (.yaml or .jsonl)")
      ->required();
  check->add_option("--prompts", arguments->prompts_file,
                    "The benchmark's JSONL, with --task ifeval or ifbench");
  check->add_option("--responses", arguments->responses_file, "JSONL; - for standard input")
      ->required();
  check->add_flag("--require-all", arguments->require_all,
                  "A prompt without a response, or the reverse, is an error");
  check->callback([&context, arguments] { Check(context, *arguments); });
}

}  // namespace plumbline::client
