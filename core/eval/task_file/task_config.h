// A task's YAML, read and validated: every key that is there means something here, and everything
// that would not be honoured is refused by name. docs/tasks.md describes the keys.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_TASK_CONFIG_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_TASK_CONFIG_H_

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/config_node.h"
#include "core/eval/filters/exact_match.h"
#include "core/eval/filters/filter_pipeline.h"
#include "core/eval/language_model.h"
#include "core/eval/numeric/number.h"
#include "core/eval/prompt.h"
#include "core/eval/task.h"

namespace plumbline {

enum class CheckerKind { kExactMatch, kChoice, kIfeval, kIfbench, kMultiIf, kNumeric, kMath };

// Checkers whose rows say themselves what is asked and checked.
inline bool HasInstructionRows(CheckerKind checker) {
  return checker == CheckerKind::kIfeval || checker == CheckerKind::kIfbench ||
         checker == CheckerKind::kMultiIf;
}

// A field's name or a Jinja template; or a constant: a list, an index, for doc_to_target a boolean.
struct DocExpression {
  std::variant<std::monostate, std::string, nlohmann::ordered_json> value;
  std::string where;  // "file:line: key", for messages
  bool empty() const { return std::holds_alternative<std::monostate>(value); }
};

struct TaskConfig {
  std::string name;  // may be empty: the file's name decides
  std::string summary;
  std::string capability;
  CheckerKind checker = CheckerKind::kExactMatch;
  OutputType output_type = OutputType::kGenerate;
  PromptFormat format = PromptFormat::kPlain;

  std::map<std::string, std::vector<std::string>> data_files;  // split → files
  std::string data_field;
  std::string eval_split, training_split, validation_split, test_split, fewshot_split;
  std::string key_field;  // empty: "key" where the rows have it, else the row's number from 0
  std::string group_by;   // empty: none given

  DocExpression doc_to_text, doc_to_target, doc_to_choice, description;
  DocExpression gen_prefix;  // kPlain: what the response begins with, behind the prompt
  std::string target_delimiter = " ";
  std::string fewshot_delimiter = "\n\n";
  int num_fewshot = 0;
  bool fewshot_first_n = false;
  std::vector<nlohmann::ordered_json> fewshot_samples;
  bool has_fewshot_samples = false;
  DocExpression fewshot_doc_to_text, fewshot_doc_to_target, fewshot_doc_to_choice;

  Decoding decoding;
  int samples = 1;

  std::vector<FilterPipeline> filters;  // empty: none given
  std::vector<std::string> metrics;     // lm-eval's names; empty: the checker's own
  ExactMatchOptions comparison;         // of metric exact_match
  bool has_comparison = false;
  ExactNumber tolerance, relative_tolerance;

  // What of the above determines a verdict and is in no item: for the task's version.
  nlohmann::json fingerprint;
};

absl::StatusOr<TaskConfig> ParseTaskConfig(const ConfigNode& root);

// Task::config: the file's keys as they are written, then lm-eval's defaults (and the decoding in
// effect) for those that are absent.
std::string ConfigForExport(const ConfigNode& root, const TaskConfig& config);
// The same of IFEval's JSONL, which has no keys.
std::string ConfigForExport(const Task& task);

// [A-Za-z0-9_.-]{1,128}; InvalidArgument says so.
absl::Status ValidateTaskName(absl::string_view name);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_TASK_CONFIG_H_
