// The part of Python's ast.literal_eval that task files need: lm-eval renders a template and reads
// its text as a list of choices or targets ("['yes', 'no']").
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_PYTHON_LITERAL_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_PYTHON_LITERAL_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// Strings, integers, floats, True, False, None, lists and tuples (a tuple becomes an array), nested
// at most 16 deep. InvalidArgument names the position for anything else.
absl::StatusOr<nlohmann::ordered_json> ParsePythonLiteral(absl::string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_PYTHON_LITERAL_H_
