// Few-shot examples: the rows that lm-eval draws for each prompt, and how it reads them.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_FEWSHOT_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_FEWSHOT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/task_file/data_rows.h"
#include "core/eval/task_file/doc_reader.h"
#include "core/eval/task_file/python_random.h"
#include "core/eval/task_file/task_config.h"

namespace plumbline {

// A question and its answer, as a few-shot example shows them.
struct Turn {
  std::string question, answer;
  std::string prefix;  // what the answer begins with (gen_prefix)
};

// Draws the examples of one row after the other, in the order of the rows: the draws depend on each
// other. Thread-compatible.
class FewshotExamples {
 public:
  // `config` must outlive it. InvalidArgument where there are fewer rows than num_fewshot needs.
  static absl::StatusOr<FewshotExamples> Make(
      const TaskConfig& config, const std::map<std::string, std::vector<DataRow>>& splits);

  // num_fewshot of them for the next row, which is never among them where both come from one split.
  // `contexts`: the task's choices are contexts, and doc_to_text gives the index of one.
  absl::StatusOr<std::vector<Turn>> Next(const DataRow& row, bool contexts);

 private:
  explicit FewshotExamples(const TaskConfig& config);

  // Indices into rows_.
  std::vector<size_t> Draw(const DataRow& row);
  absl::StatusOr<Turn> Read(const DataRow& row, bool contexts) const;
  absl::StatusOr<std::string> Answer(const DataRow& row,
                                     const std::vector<std::string>& choices) const;

  const TaskConfig* config_;
  PythonRandom random_;
  std::vector<DataRow> rows_;
  DocReader reader_;
  bool leave_out_own_row_ = false;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_FEWSHOT_H_
