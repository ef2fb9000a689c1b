// What makes a task's scores worth less than they look, found in its prompts alone: duplicates and
// hints of contamination. Hints, not proofs: each is an exact comparison of texts, so what is found
// is there, and a paraphrase is not found (docs/tasks.md).
#ifndef PLUMBLINE_CORE_EVAL_TASK_HINTS_H_
#define PLUMBLINE_CORE_EVAL_TASK_HINTS_H_

#include <string>
#include <vector>

#include "core/eval/task.h"

namespace plumbline {

// The prompts a job asks of a task: its first `items`.
struct AskedTask {
  const Task* task = nullptr;  // not null
  size_t items = 0;            // more than the task has means all
};

struct TaskHint {
  enum Kind {
    kDuplicatePrompt,  // the same question, and choices, more than once: n is smaller than it looks
    kAnswerInPrompt,   // generated answers: the right one, of 3 characters or more, stands in the
                       // question verbatim
    kExampleIsPrompt,  // a few-shot example asks the same question, so the answer is above it
    kPromptInOtherTask,  // the same question in another task: the two scores are not independent
  } kind = kDuplicatePrompt;
  int task = 0;                   // index into what was asked
  int other_task = -1;            // kPromptInOtherTask
  size_t prompts = 0;             // concerned
  std::vector<std::string> keys;  // of the first ten
};
// "duplicate_prompt", "answer_in_prompt", "example_is_prompt", "prompt_in_other_task".
absl::string_view TaskHintName(TaskHint::Kind kind);

// By task, then kind. Linear in the prompts' bytes.
std::vector<TaskHint> FindTaskHints(const std::vector<AskedTask>& tasks);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_HINTS_H_
