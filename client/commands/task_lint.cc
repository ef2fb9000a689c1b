// `plumbline task lint`: what a task file makes of its data, before anything runs. Needs no server.
#include "core/eval/task_lint.h"

#include <algorithm>
#include <iostream>

#include "client/commands/command.h"
#include "core/eval/task_file.h"

namespace plumbline::client {
namespace {

using Json = nlohmann::ordered_json;

Json PromptToJson(const TaskItem& item) {
  Json json;
  json["key"] = item.key;
  if (item.choice_prompts.empty()) json["prompt"] = ShowItem(item);
  if (!item.follow_ups.empty()) json["turns"] = item.follow_ups.size() + 1;
  for (const Prompt& context : item.choice_prompts)
    json["choice_prompts"].push_back(ShowPrompt(context));
  json["target"] = item.target;
  if (item.choices.empty()) return json;
  json["choices"] = item.choices;
  json["gold_choice"] = item.gold_choice;
  if (!item.other_gold_choices.empty()) json["other_gold_choices"] = item.other_gold_choices;
  return json;
}

Json TaskToJson(const Task& task, size_t shown) {
  Json json;
  json["ok"] = true;
  json["task"] = {
      {"name", task.name},
      {"version", task.version},
      {"capability", task.capability},
      {"output_type",
       task.output_type == OutputType::kMultipleChoice ? "multiple_choice" : "generate_until"},
      {"checker", std::string(task.checker->version())},
      {"prompts", task.items.size()},
      {"samples", task.samples},
      {"metrics", task.metrics}};
  json["prompts"] = Json::array();
  for (size_t i = 0; i < std::min(shown, task.items.size()); ++i)
    json["prompts"].push_back(PromptToJson(task.items[i]));
  json["warnings"] = Json::array();
  for (const LintFinding& finding : LintTask(task)) {
    json["warnings"].push_back({{"code", finding.code},
                                {"message", finding.message},
                                {"count", finding.count},
                                {"keys", finding.keys}});
  }
  return json;
}

// Quoted, so that spaces and line breaks at the ends are seen.
std::string Quoted(const std::string& text) { return Dump(Json(text), false); }

bool IsRight(const TaskItem& item, int choice) {
  const std::vector<int>& others = item.other_gold_choices;
  return choice == item.gold_choice ||
         std::find(others.begin(), others.end(), choice) != others.end();
}

void PrintPrompt(const TaskItem& item) {
  std::cout << "\n--- prompt " << Quoted(item.key) << "\n";
  if (item.choice_prompts.empty()) std::cout << ShowItem(item) << "\n---\n";
  for (size_t i = 0; i < item.choices.size(); ++i) {
    std::cout << (IsRight(item, static_cast<int>(i)) ? "right  " : "choice ");
    if (!item.choice_prompts.empty())
      std::cout << Quoted(ShowPrompt(item.choice_prompts[i])) << " + ";
    std::cout << Quoted(item.choices[i]) << "\n";
  }
  if (item.choices.empty() && !item.target.empty())
    std::cout << "target " << Quoted(item.target) << "\n";
}

void PrintText(const Task& task, size_t shown) {
  std::string metrics;
  for (const std::string& metric : task.metrics) metrics += (metrics.empty() ? "" : ", ") + metric;
  std::cout << "task " << task.name << ": " << task.items.size() << " prompts";
  if (task.samples > 1) std::cout << " x " << task.samples << " samples";
  std::cout << ", capability " << task.capability << ", checker "
            << std::string(task.checker->version()) << ", metrics " << metrics << "\nversion "
            << task.version << "\n";
  for (size_t i = 0; i < std::min(shown, task.items.size()); ++i) PrintPrompt(task.items[i]);
  const std::vector<LintFinding> findings = LintTask(task);
  std::cout << "\n" << (findings.empty() ? "no warnings\n" : "");
  for (const LintFinding& finding : findings) {
    std::cout << "warning " << finding.code << ": " << finding.message;
    for (size_t i = 0; i < finding.keys.size(); ++i)
      std::cout << (i == 0 ? " (keys " : ", ") << finding.keys[i];
    if (!finding.keys.empty()) std::cout << (finding.count > finding.keys.size() ? ", ...)" : ")");
    std::cout << "\n";
  }
}

}  // namespace

void AddTaskLintCommand(CLI::App& task, CommandContext& context) {
  struct Arguments {
    std::string file;
    size_t shown = 3;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* lint = task.add_subcommand(
      "lint", "Validate a task file with its data, show its first prompts, warn (no server)");
  lint->footer(
      "Exit code 1 when the file would not load; warnings (docs/tasks.md) leave it 0.\n"
      "Example:\n  plumbline task lint my_task.yaml --prompts 1");
  lint->add_option("file", arguments->file, "Task file (.yaml or .jsonl)")->required();
  lint->add_option("--prompts", arguments->shown, "How many prompts to show")
      ->check(AtLeast(0))
      ->capture_default_str();
  lint->callback([&context, arguments] {
    const absl::StatusOr<Task> loaded = LoadTaskFile(arguments->file);
    if (!loaded.ok()) {
      const std::string error(loaded.status().message());
      if (context.json()) std::cout << Dump(Json{{"ok", false}, {"error", error}}) << "\n";
      return context.Fail(error);
    }
    if (context.json()) {
      std::cout << Dump(TaskToJson(*loaded, arguments->shown)) << "\n";
    } else {
      PrintText(*loaded, arguments->shown);
    }
  });
}

}  // namespace plumbline::client
