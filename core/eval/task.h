// A task: a capability, prompts, decoding and a checker, loaded whole and validated
// (core/eval/task_file.h). Immutable.
#ifndef PLUMBLINE_CORE_EVAL_TASK_H_
#define PLUMBLINE_CORE_EVAL_TASK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/language_model.h"
#include "core/eval/observation.h"
#include "core/eval/prompt.h"

namespace plumbline {

inline constexpr size_t kMaxGroups = 200;

enum class OutputType { kGenerate, kMultipleChoice };

// One row of a task.
struct TaskItem {
  std::string key;     // unique in the task; IFEval's integer keys are written in decimal
  Prompt prompt;       // kMultipleChoice: the context
  std::string target;  // the gold answer as the task file renders it; unused by ifeval
  std::vector<std::string>
      choices;           // kMultipleChoice: the continuations, target_delimiter included
  int gold_choice = -1;  // kMultipleChoice: index into choices; the first of several right ones
  std::vector<int> other_gold_choices;  // kMultipleChoice: further right ones, each once
  // kMultipleChoice, tasks whose choices are contexts (WinoGrande): the context of each choice,
  // whose continuation is choices[i]; `prompt` is then unused. Empty for all other tasks.
  std::vector<Prompt> choice_prompts;
  // Multi-turn (Multi-IF): the user's later messages. The conversation goes on behind `prompt`, a
  // chat, with the model's own response to each message before the next one.
  std::vector<std::string> follow_ups;
  // What doc_to_target gives, as Python prints it: an index, a text or a list of them (lm-eval's
  // `target`). For exports; no part of the version. Empty: `target`.
  std::string doc_target;
  std::string group;  // of Task::group_by; no part of the version
  std::string doc;    // the row as the data file has it, one JSON object; no part of the version
  // kPlain: where the prompt's own question begins, behind description and few-shot examples.
  size_t question_offset = 0;
  // One of its few-shot examples asks the same question: the answer is in the prompt.
  bool example_is_question = false;
};

// One instruction's (or other sub-check's) outcome, for people: which part of a verdict failed and
// why.
struct CheckOutcome {
  std::string id;       // e.g. "punctuation:no_comma"
  bool strict = false;  // policy `reference`
  bool loose = false;
  bool strict_fixed = false;  // policy `fixed`
  bool loose_fixed = false;
  std::string explanation;  // why it was not followed; empty when followed
};

// The item's own question, without description and few-shot examples: the last turn of a chat, the
// end of a plain prompt.
absl::string_view QuestionOf(const TaskItem& item);

// What a checker says of one response.
struct CheckResult {
  // Not OK: the response can't be scored (Unimplemented names what is missing); nothing else is
  // set. Never for what is wrong with the response itself.
  absl::Status error;
  std::vector<Observation> observations;
  std::vector<CheckOutcome> outcomes;  // ifeval and its kin; empty otherwise
  std::string
      extracted;  // numeric and filter tasks: the answer found, as compared; empty when none
};

// What one of lm-eval's filter pipelines makes of a response, before it is compared. For exports.
struct FilteredText {
  std::string filter;  // the pipeline's name; "none" where the task file names none
  std::string text;
};

// Scores responses to the items of the task it was made for. Immutable, thread-safe. Bad responses
// (empty, invalid UTF-8, huge) are scored, never an error.
class Checker {
 public:
  virtual ~Checker() = default;
  // Name and version of the semantics, e.g. "ifeval/1"; recorded in every verdict.
  virtual absl::string_view version() const = 0;
  // kGenerate. `index` is the item's place in Task::items.
  virtual CheckResult CheckResponse(size_t index, absl::string_view response) const = 0;
  // kGenerate. What the task's pipelines make of the response, in their order; a checker without
  // pipelines has none.
  virtual std::vector<FilteredText> Filter(size_t /*index*/, absl::string_view /*response*/) const {
    return {};
  }
  // An item with follow_ups: one response a turn.
  virtual CheckResult CheckTurns(size_t index, const std::vector<std::string>& responses) const {
    return CheckResponse(index, responses.at(0));
  }
  // kMultipleChoice: one log-likelihood a choice.
  virtual CheckResult CheckChoices(size_t index,
                                   const std::vector<LogLikelihood>& choices) const = 0;
};

// [A-Za-z0-9_.-]{1,128}; "a" and "A" are two tasks.
bool IsTaskName(absl::string_view name);

struct Task {
  std::string name;        // IsTaskName
  std::string version;     // SHA-256 of everything that determines a verdict; 64 hex digits
  std::string capability;  // one of Capabilities()
  std::string description;
  OutputType output_type = OutputType::kGenerate;
  Decoding decoding;                 // kGenerate
  int samples = 1;                   // responses a prompt (n)
  std::vector<TaskItem> items;       // not empty
  std::vector<std::string> metrics;  // the scores this task reports, the primary one first
  std::vector<MeanMetric> means;     // those of `metrics` that are means of others
  // The field of the rows by whose value scores are reported too (core/eval/report/groups.h);
  // empty: none. Every item has a group then, and there are at most kMaxGroups.
  std::string group_by;
  std::shared_ptr<const Checker> checker;
  // The task file's keys with lm-eval's defaults filled in, one JSON object: what lm-eval calls a
  // task's config. For exports; no part of the version.
  std::string config = "{}";
};

// The capability names a task and an adapter's label may use: instruction_following, numeric,
// knowledge, reasoning, code, style, language, safety, other.
const std::vector<std::string>& Capabilities();
// InvalidArgument lists the valid names.
absl::Status ValidateCapability(absl::string_view capability);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_H_
