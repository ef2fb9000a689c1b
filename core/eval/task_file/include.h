// The key `include` of a task file: other task files whose keys count where the file has none.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_INCLUDE_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_INCLUDE_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/config_node.h"

namespace plumbline {

// Reads `file` and what it includes, as lm-eval does: of several included files the later one's
// keys win, the file's own win over all, and no file comes twice. `content` gives a file by its
// path relative to the first one's folder. Errors name the file and the line of the include.
absl::StatusOr<ConfigNode> ReadTaskYaml(
    const std::string& file,
    const std::function<absl::StatusOr<std::string>(const std::string&)>& content);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_INCLUDE_H_
