// From rows of data to items of a task: prompts, choices and gold answers, byte for byte as lm-eval
// renders them (lm_eval/api/task.py, version 0.4.13), few-shot examples included.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_ITEM_BUILDER_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_ITEM_BUILDER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/task.h"
#include "core/eval/task_file/data_rows.h"
#include "core/eval/task_file/task_config.h"

namespace plumbline {

// An item and what its checker needs besides.
struct BuiltItem {
  TaskItem item;
  std::vector<std::string> targets;  // kGenerate: the right answers; one unless the row has a list
  std::vector<std::string> choices;  // kMultipleChoice: without the target delimiter
  std::vector<std::string> named_choices;  // the row's field "choices", for filters that need it
  std::string where;                       // the row, for messages
};

// `splits` holds the rows of every split that the config names. Errors name the row and the key.
absl::StatusOr<std::vector<BuiltItem>> BuildItems(
    const TaskConfig& config, const std::map<std::string, std::vector<DataRow>>& splits);

// The key of a row: `key_field`, or "key" where the row has it, or its number.
absl::StatusOr<std::string> RowKey(const TaskConfig& config, const DataRow& row, size_t number);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_ITEM_BUILDER_H_
