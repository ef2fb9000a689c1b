// What is suspicious in a task that loads: for `plumbline task lint`. A file that does not load is
// an error of the loader, not a finding here.
#ifndef PLUMBLINE_CORE_EVAL_TASK_LINT_H_
#define PLUMBLINE_CORE_EVAL_TASK_LINT_H_

#include <string>
#include <vector>

#include "core/eval/task.h"

namespace plumbline {

struct LintFinding {
  std::string code;               // "duplicate_prompt", stable, for scripts
  std::string message;            // one sentence with the number of items
  size_t count = 0;               // items concerned
  std::vector<std::string> keys;  // the first 10 of them
};

// In a fixed order; empty for a task without a blemish:
//   duplicate_prompt  the same prompt (and choices) more than once: n is smaller than it looks
//   answer_in_prompt  the right answer is written in the question itself (generated answers of 3
//                     characters or more; examples before it do not count)
//   duplicate_choice  an item whose choices are not all different
//   double_space      the target delimiter and a choice both bring the space between them
//   gold_mask         the right choices are a list of 0 and 1 for each, and are read as indices
//   one_sided_gold    the right choice is at the same place in more than 90 % of 20 items or more
//   trailing_space    a plain prompt ends with a space, which most tokenizers then split badly
//   few_items         under 50 items: intervals are wider than ±14 points
//   no_stop           a plain prompt without a stop string: responses run to the token limit
//   no_capability     capability is "other": the task takes no part in label verdicts
std::vector<LintFinding> LintTask(const Task& task);

// The prompt as text, for showing: plain text as it is, a chat as "<role>\n<content>" blocks.
std::string ShowPrompt(const Prompt& prompt);

// The same of an item: behind the prompt its later turns, with "[response N]" where the model's
// answer to turn N goes (of an item of one turn it goes to the end, and nothing is shown).
std::string ShowItem(const TaskItem& item);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_LINT_H_
