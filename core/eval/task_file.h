// Tasks from files: our YAML (lm-eval's keys where they mean the same; docs/tasks.md) with data in
// JSONL, JSON or CSV beside it, and IFEval's, IFBench's and Multi-IF's own JSONL as they are
// published.
//
// A file is read whole, validated row by row and turned into an immutable Task. Anything that would
// not be honoured is an error that names the file, the line or row, the key and the remedy; nothing
// is skipped. Limits: 1 MiB for a task's YAML, 256 MiB for its data, 100,000 rows, 4 MiB a row.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/task.h"

namespace plumbline {

// A task file and the data files it names, in memory: what UploadTask carries and what a server
// keeps so that a task survives the folder it came from.
struct TaskBundle {
  std::string file;                          // the task file's name: "gsm8k.yaml", "ifeval.jsonl"
  std::map<std::string, std::string> files;  // relative name → content; holds `file` itself
};

// Builds the task. `bundle.file` ends in .yaml or .yml (a task file) or in .jsonl (IFEval's or
// IFBench's rows; the instruction ids say which).
// `name`, when not empty, overrides the name in or of the file. NotFound names a data file that the
// bundle lacks.
absl::StatusOr<Task> ParseTask(const TaskBundle& bundle, absl::string_view name = "");

// Reads a task file and the data files it names, which must lie in its folder or below ("..",
// absolute paths and links that lead out are refused). NotFound and PermissionDenied name the path.
absl::StatusOr<TaskBundle> ReadTaskBundle(const std::string& path);

// ParseTask(ReadTaskBundle(path)).
absl::StatusOr<Task> LoadTaskFile(const std::string& path);

// The same of the content of a JSONL file: `plumbline check --task ifeval --prompts FILE`. `file`
// stands in messages.
absl::StatusOr<Task> ParseIfevalTask(absl::string_view content, absl::string_view file,
                                     absl::string_view name);

// The task files (.yaml, .yml, .jsonl) of a folder, sorted, not of its subfolders. A .jsonl that is
// no IFEval file, or that a task file beside it names as its data, is left out. NotFound names the
// folder.
absl::StatusOr<std::vector<std::string>> ListTaskFiles(const std::string& folder);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_H_
