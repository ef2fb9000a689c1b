// The part of Python's ast.literal_eval that task files need: lm-eval renders a template and reads
// its text as a list of choices or targets ("['yes', 'no']").
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_PYTHON_LITERAL_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_PYTHON_LITERAL_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// Strings (with the prefixes r and u, in triple quotes too), integers, floats, True, False, None,
// lists and tuples (a tuple becomes an array), nested at most 16 deep. The message names the byte.
// InvalidArgument: Python refuses it as well. Unimplemented: Python reads it, but it is no value
// here (bytes, sets, dicts, complex numbers, "...", half surrogates, numbers beyond 64 bits, deeper
// nesting), or its form is not read here (\N{...}, -(1)).
absl::StatusOr<nlohmann::ordered_json> ParsePythonLiteral(absl::string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_PYTHON_LITERAL_H_
