// Python regular expressions, run by RE2: linear time, whatever the pattern's author intended. What
// RE2 would read differently from Python without saying so is refused by name.
#ifndef PLUMBLINE_CORE_LORA_PYTHON_REGEX_H_
#define PLUMBLINE_CORE_LORA_PYTHON_REGEX_H_

#include <re2/re2.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// Compiles `prefix` + `pattern` + `suffix`; the pattern is Python's, the other two are ours.
// InvalidArgument: not a regular expression. Unimplemented: Python syntax that RE2 lacks
// (look-around, back-references, atomic groups) or reads differently.
absl::StatusOr<std::unique_ptr<RE2>> CompilePythonRegex(absl::string_view pattern,
                                                        absl::string_view prefix = "",
                                                        absl::string_view suffix = "");

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_LORA_PYTHON_REGEX_H_
