#include "core/eval/task_lint.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/eval/task_hints.h"

namespace plumbline {
namespace {

constexpr size_t kShownKeys = 10;
constexpr size_t kFewItems = 50;

// Adds a finding for the items that `concerns` picks.
void Collect(const Task& task, absl::string_view code, absl::string_view what,
             const std::function<bool(const TaskItem&)>& concerns,
             std::vector<LintFinding>& findings) {
  LintFinding finding;
  finding.code = std::string(code);
  for (const TaskItem& item : task.items) {
    if (!concerns(item)) continue;
    ++finding.count;
    if (finding.keys.size() < kShownKeys) finding.keys.push_back(item.key);
  }
  if (finding.count == 0) return;
  finding.message =
      absl::StrCat(finding.count, finding.count == 1 ? " item" : " items", ": ", what);
  findings.push_back(std::move(finding));
}

// The hints of the task's own prompts, as findings.
void LintPrompts(const Task& task, std::vector<LintFinding>& findings) {
  for (TaskHint& hint : FindTaskHints({{&task, task.items.size()}})) {
    const char* what =
        hint.kind == TaskHint::kDuplicatePrompt  ? "the prompt is there more than once"
        : hint.kind == TaskHint::kAnswerInPrompt ? "the right answer is written in the question"
                                                 : "a few-shot example asks the same question";
    findings.push_back(
        {std::string(TaskHintName(hint.kind)),
         absl::StrCat(hint.prompts, hint.prompts == 1 ? " item" : " items", ": ", what),
         hint.prompts, std::move(hint.keys)});
  }
}

// Whether a list of right choices has a 0 or 1 (False or True) for each choice: lm-eval takes them
// for indices, so that 0 and 1 are right.
bool IsMask(const TaskItem& item) {
  absl::string_view list = item.doc_target;
  if (item.choices.size() < 3 || !absl::ConsumePrefix(&list, "[")) return false;
  if (!absl::ConsumeSuffix(&list, "]")) return false;
  const std::vector<absl::string_view> flags = absl::StrSplit(list, ", ");
  return flags.size() == item.choices.size() &&
         std::all_of(flags.begin(), flags.end(), [](absl::string_view flag) {
           return flag == "0" || flag == "1" || flag == "True" || flag == "False";
         });
}

void LintChoices(const Task& task, std::vector<LintFinding>& findings) {
  Collect(
      task, "duplicate_choice", "the choices are not all different",
      [](const TaskItem& item) {
        if (!item.choice_prompts.empty()) return false;
        return std::set<std::string>(item.choices.begin(), item.choices.end()).size() !=
               item.choices.size();
      },
      findings);
  Collect(
      task, "double_space", "the target delimiter and a choice both bring a space",
      [](const TaskItem& item) {
        return std::any_of(item.choices.begin(), item.choices.end(), [](const std::string& choice) {
          return absl::StartsWith(choice, "  ");
        });
      },
      findings);
  Collect(task, "gold_mask",
          "the right choices are a list of 0 and 1 for each, and are read as indices", IsMask,
          findings);
  std::map<int, size_t> places;
  for (const TaskItem& item : task.items) ++places[item.gold_choice];
  for (const auto& [place, count] : places) {
    if (task.items.size() < 20 || count * 10 <= task.items.size() * 9) continue;
    findings.push_back({"one_sided_gold",
                        absl::StrCat("the right choice is number ", place, " (from 0) in ", count,
                                     " of ", task.items.size(), " items"),
                        count,
                        {}});
  }
}

}  // namespace

std::string ShowPrompt(const Prompt& prompt) {
  if (prompt.format == PromptFormat::kPlain) return prompt.text;
  std::string text;
  for (const ChatMessage& message : prompt.messages) {
    absl::StrAppend(&text, text.empty() ? "" : "\n\n", "<", message.role, ">\n", message.content);
  }
  return text;
}

std::string ShowItem(const TaskItem& item) {
  std::string text = ShowPrompt(item.prompt);
  for (size_t turn = 1; turn <= item.follow_ups.size(); ++turn) {
    absl::StrAppend(&text, "\n\n<assistant>\n[response ", turn, "]\n\n<user>\n",
                    item.follow_ups[turn - 1]);
  }
  if (!item.follow_ups.empty()) {
    absl::StrAppend(&text, "\n\n<assistant>\n[response ", item.follow_ups.size() + 1, "]");
  }
  return text;
}

std::vector<LintFinding> LintTask(const Task& task) {
  std::vector<LintFinding> findings;
  const bool choice = task.output_type == OutputType::kMultipleChoice;
  LintPrompts(task, findings);
  if (choice) LintChoices(task, findings);
  Collect(
      task, "trailing_space", "the prompt ends with a space",
      [](const TaskItem& item) {
        return item.prompt.format == PromptFormat::kPlain && absl::EndsWith(item.prompt.text, " ");
      },
      findings);
  if (task.items.size() < kFewItems) {
    findings.push_back({"few_items",
                        absl::StrCat("only ", task.items.size(),
                                     " items: intervals will be wide (plumbline plan says how "
                                     "many an effect needs)"),
                        task.items.size(),
                        {}});
  }
  if (!choice && task.decoding.stop.empty() &&
      task.items.front().prompt.format == PromptFormat::kPlain) {
    findings.push_back({"no_stop",
                        "plain prompts and no stop string (generation_kwargs.until): responses "
                        "may run to the token limit",
                        task.items.size(),
                        {}});
  }
  if (task.capability == "other") {
    findings.push_back({"no_capability",
                        "capability is \"other\": the task takes no part in label verdicts",
                        task.items.size(),
                        {}});
  }
  return findings;
}

}  // namespace plumbline
