#include "core/eval/task_lint.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/text/python_unicode.h"

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

// The question without the examples before it, as far as that can be told: the last turn of a chat,
// the last part of a plain prompt.
std::string Question(const Task& task, const TaskItem& item) {
  if (item.prompt.format == PromptFormat::kChat) return item.prompt.messages.back().content;
  const std::string& text = item.prompt.text;
  size_t begin = 0;
  for (const TaskItem& other : {std::cref(task.items.front()), std::cref(task.items.back())}) {
    // Examples are what two prompts share in front.
    if (&other == &item || other.prompt.format == PromptFormat::kChat) continue;
    const std::string& shared = other.prompt.text;
    size_t same = 0;
    while (same < text.size() && same < shared.size() && text[same] == shared[same]) ++same;
    begin = std::max(begin, same);
  }
  const size_t blank = text.rfind("\n\n");
  if (blank != std::string::npos) begin = std::max(begin, blank);
  return text.substr(std::min(begin, text.size()));
}

std::string Identity(const TaskItem& item) {
  std::string identity = ShowPrompt(item.prompt);
  for (const std::string& choice : item.choices) absl::StrAppend(&identity, "\x1e", choice);
  for (const Prompt& prompt : item.choice_prompts) {
    absl::StrAppend(&identity, "\x1e", ShowPrompt(prompt));
  }
  return identity;
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

std::vector<LintFinding> LintTask(const Task& task) {
  std::vector<LintFinding> findings;
  std::map<std::string, size_t> seen;
  for (const TaskItem& item : task.items) ++seen[Identity(item)];
  Collect(
      task, "duplicate_prompt", "the prompt is there more than once",
      [&](const TaskItem& item) { return seen[Identity(item)] > 1; }, findings);
  const bool choice = task.output_type == OutputType::kMultipleChoice;
  if (!choice) {
    Collect(
        task, "answer_in_prompt", "the right answer is written in the question",
        [&](const TaskItem& item) {
          const std::string answer(python::Strip(item.target));
          return python::Length(answer) >= 3 && absl::StrContains(Question(task, item), answer);
        },
        findings);
  }
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
