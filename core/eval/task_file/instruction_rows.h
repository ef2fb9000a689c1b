// Tasks whose rows say themselves what is asked and checked: IFEval's, IFBench's, Multi-IF's.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_INSTRUCTION_ROWS_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_INSTRUCTION_ROWS_H_

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/status.h"
#include "core/eval/task.h"
#include "core/eval/task_file/data_rows.h"
#include "core/eval/task_file/task_config.h"

namespace plumbline {

// Whose rows these are: Multi-IF's by their fields, IFBench's as soon as one instruction is
// IFBench's (no id is in both), else IFEval's.
CheckerKind InstructionRowsOf(const std::vector<DataRow>& rows);

// "IFEval", "IFBench" or "Multi-IF".
absl::string_view BenchmarkName(CheckerKind checker);

// Fills items, checker and metrics of `task`; adds to `fingerprint` what the checks know beyond the
// items. `checker` is one with instruction rows. Errors name the row, the key and what is wrong.
absl::Status AddInstructionRows(CheckerKind checker, const std::vector<DataRow>& rows,
                                PromptFormat format, Task& task, nlohmann::json& fingerprint);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_INSTRUCTION_ROWS_H_
