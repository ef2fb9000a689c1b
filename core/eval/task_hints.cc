#include "core/eval/task_hints.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

constexpr size_t kShownKeys = 10;
constexpr size_t kShortestAnswer = 3;  // characters: "4" stands in half of all sums

// What must be equal for two items to be the same question. Few-shot examples are left out: they
// are drawn anew for each item.
std::string Identity(const TaskItem& item) {
  std::string identity(QuestionOf(item));
  for (const std::string& choice : item.choices) absl::StrAppend(&identity, "\x1e", choice);
  for (const std::string& turn : item.follow_ups) absl::StrAppend(&identity, "\x1e", turn);
  return identity;
}

bool AnswerInPrompt(const Task& task, const TaskItem& item) {
  if (task.output_type != OutputType::kGenerate) return false;  // choices stand in their question
  const absl::string_view answer = python::Strip(item.target);
  return python::Length(answer) >= kShortestAnswer && absl::StrContains(QuestionOf(item), answer);
}

class Finder {
 public:
  explicit Finder(const std::vector<AskedTask>& tasks) : tasks_(tasks) {
    for (const AskedTask& asked : tasks) {
      sizes_.push_back(std::min(asked.items, asked.task->items.size()));
    }
  }

  std::vector<TaskHint> Run() {
    IndexQuestions();
    for (size_t t = 0; t < tasks_.size(); ++t) {
      const Task& task = *tasks_[t].task;
      std::unordered_map<std::string, int> seen;
      for (size_t i = 0; i < sizes_[t]; ++i) ++seen[Identity(task.items[i])];
      Collect(t, TaskHint::kDuplicatePrompt, -1,
              [&](const TaskItem& item) { return seen[Identity(item)] > 1; });
      Collect(t, TaskHint::kAnswerInPrompt, -1,
              [&](const TaskItem& item) { return AnswerInPrompt(task, item); });
      Collect(t, TaskHint::kExampleIsPrompt, -1,
              [](const TaskItem& item) { return item.example_is_question; });
      for (size_t other = 0; other < tasks_.size(); ++other) {
        if (other == t) continue;
        Collect(t, TaskHint::kPromptInOtherTask, static_cast<int>(other),
                [&](const TaskItem& item) {
                  return questions_[other].count(std::string(python::Strip(QuestionOf(item)))) > 0;
                });
      }
    }
    return std::move(hints_);
  }

 private:
  void IndexQuestions() {
    questions_.resize(tasks_.size());
    if (tasks_.size() < 2) return;
    for (size_t t = 0; t < tasks_.size(); ++t) {
      for (size_t i = 0; i < sizes_[t]; ++i) {
        questions_[t].emplace(python::Strip(QuestionOf(tasks_[t].task->items[i])));
      }
    }
  }

  template <typename Concerns>
  void Collect(size_t task, TaskHint::Kind kind, int other, Concerns concerns) {
    TaskHint hint;
    hint.kind = kind;
    hint.task = static_cast<int>(task);
    hint.other_task = other;
    for (size_t i = 0; i < sizes_[task]; ++i) {
      const TaskItem& item = tasks_[task].task->items[i];
      if (!concerns(item)) continue;
      ++hint.prompts;
      if (hint.keys.size() < kShownKeys) hint.keys.push_back(item.key);
    }
    if (hint.prompts > 0) hints_.push_back(std::move(hint));
  }

  const std::vector<AskedTask>& tasks_;
  std::vector<size_t> sizes_;
  std::vector<std::unordered_set<std::string>> questions_;  // by task, stripped
  std::vector<TaskHint> hints_;
};

}  // namespace

absl::string_view TaskHintName(TaskHint::Kind kind) {
  switch (kind) {
    case TaskHint::kDuplicatePrompt:
      return "duplicate_prompt";
    case TaskHint::kAnswerInPrompt:
      return "answer_in_prompt";
    case TaskHint::kExampleIsPrompt:
      return "example_is_prompt";
    case TaskHint::kPromptInOtherTask:
      return "prompt_in_other_task";
  }
  return "";
}

std::vector<TaskHint> FindTaskHints(const std::vector<AskedTask>& tasks) {
  return Finder(tasks).Run();
}

}  // namespace plumbline
