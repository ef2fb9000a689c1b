// Task files in memory, for tests.
#ifndef PLUMBLINE_TESTS_EVAL_TASK_FILE_TASK_FILE_FIXTURE_H_
#define PLUMBLINE_TESTS_EVAL_TASK_FILE_TASK_FILE_FIXTURE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/eval/task_file.h"

namespace plumbline {

inline constexpr char kIfevalRow[] =
    R"({"key": 1, "prompt": "No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]})";

// t.yaml with its data.
inline absl::StatusOr<Task> Parse(absl::string_view yaml, absl::string_view data,
                                  absl::string_view data_name = "d.jsonl") {
  TaskBundle bundle;
  bundle.file = "t.yaml";
  bundle.files["t.yaml"] = std::string(yaml);
  bundle.files[std::string(data_name)] = std::string(data);
  return ParseTask(bundle);
}

// Three lines that name the data, then `more`.
inline std::string Yaml(absl::string_view more) {
  return absl::StrCat(
      "dataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: test\n",
      more);
}

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_EVAL_TASK_FILE_TASK_FILE_FIXTURE_H_
