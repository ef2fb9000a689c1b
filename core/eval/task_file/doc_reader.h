// What the expressions of a task file (doc_to_text, doc_to_target, doc_to_choice, ...) give for a
// row, in lm-eval's types and with its conversions (lm_eval/api/task.py, 0.4.13): a template that
// prints digits is an index where there are choices, one that prints a Python list is that list.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_DOC_READER_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_DOC_READER_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/task_file/data_rows.h"
#include "core/eval/task_file/task_config.h"
#include "core/text/template.h"

namespace plumbline {

// What an expression gives for one row: text, an index, or a list.
using DocValue = nlohmann::ordered_json;

// Python's str(value).
absl::StatusOr<std::string> DocValueText(const DocValue& value);

// One expression made ready for the rows of one table. Immutable, thread-safe.
class DocEvaluator {
 public:
  // `fields` are the table's: an expression that is the name of one reads it, else it is a
  // template.
  static absl::StatusOr<DocEvaluator> Make(const DocExpression& expression,
                                           const std::set<std::string>& fields);

  bool empty() const { return !has_constant_ && field_.empty() && template_ == nullptr; }
  bool is_template() const { return template_ != nullptr; }
  const std::string& where() const { return where_; }

  absl::StatusOr<DocValue> Evaluate(const DataRow& row) const;

 private:
  std::string where_;
  DocValue constant_;
  bool has_constant_ = false;
  std::string field_;
  std::shared_ptr<const TextTemplate> template_;
};

// The expressions of one table: the rows that are asked, or the few-shot examples. Errors name row
// and key. Immutable, thread-safe.
class DocReader {
 public:
  DocReader() = default;  // of no table
  static absl::StatusOr<DocReader> Make(const TaskConfig& config, const DocExpression& text,
                                        const DocExpression& target, const DocExpression& choice,
                                        const std::vector<DataRow>& rows);

  bool has_choices() const { return !choice_.empty(); }

  // Text, or the index of a choice for tasks whose choices are contexts.
  absl::StatusOr<DocValue> Text(const DataRow& row) const;
  // Text, an index (a boolean is one), or a list of either.
  absl::StatusOr<DocValue> Target(const DataRow& row) const;
  // Not empty, and no choice is.
  absl::StatusOr<std::vector<std::string>> Choices(const DataRow& row) const;
  // Empty where the key is absent.
  absl::StatusOr<std::string> Description(const DataRow& row) const;
  absl::StatusOr<std::string> Prefix(const DataRow& row) const;

  absl::Status FailTarget(const DataRow& row, absl::string_view message) const;
  absl::Status FailText(const DataRow& row, absl::string_view message) const;

 private:
  static absl::StatusOr<std::string> OptionalText(const DataRow& row,
                                                  const DocEvaluator& evaluator);

  DocEvaluator text_, target_, choice_, description_, prefix_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_DOC_READER_H_
