#include "core/eval/task_file/doc_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/task_file/python_literal.h"

namespace plumbline {
namespace {

bool IsDigits(const std::string& text) {
  // str.isdigit with ast.literal_eval behind it: only what both take.
  return !text.empty() && text.size() < 10 && (text.size() == 1 || text[0] != '0') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

absl::Status Fail(const DataRow& row, const DocEvaluator& evaluator, absl::string_view message) {
  return absl::InvalidArgumentError(
      absl::StrCat(row.where, ": ", evaluator.where(), ": ", message));
}

}  // namespace

absl::StatusOr<std::string> DocValueText(const DocValue& value) {
  if (value.is_string()) return value.get<std::string>();
  static const TextTemplate& print = *TextTemplate::Compile("{{ value }}", "value")->release();
  DocValue variables;
  variables["value"] = value;
  return print.Render(variables);
}

absl::StatusOr<DocEvaluator> DocEvaluator::Make(const DocExpression& expression,
                                                const std::set<std::string>& fields) {
  DocEvaluator result;
  result.where_ = expression.where;
  if (const auto* constant = std::get_if<DocValue>(&expression.value)) {
    result.constant_ = *constant;
    result.has_constant_ = true;
  } else if (const auto* text = std::get_if<std::string>(&expression.value)) {
    if (fields.count(*text) > 0) {
      result.field_ = *text;
    } else {
      auto compiled = TextTemplate::Compile(*text, expression.where);
      if (!compiled.ok()) return Annotate(compiled.status(), expression.where);
      result.template_ = *std::move(compiled);
    }
  }
  return result;
}

absl::StatusOr<DocValue> DocEvaluator::Evaluate(const DataRow& row) const {
  if (has_constant_) return constant_;
  if (!field_.empty()) {
    const auto found = row.value.find(field_);
    return found == row.value.end() ? DocValue(nullptr) : DocValue(*found);
  }
  auto text = template_->Render(row.value);
  if (!text.ok()) return Annotate(text.status(), absl::StrCat(row.where, ": ", where_));
  return DocValue(*std::move(text));
}

absl::StatusOr<DocReader> DocReader::Make(const TaskConfig& config, const DocExpression& text,
                                          const DocExpression& target, const DocExpression& choice,
                                          const std::vector<DataRow>& rows) {
  std::set<std::string> fields;
  for (const DataRow& row : rows) {
    for (const auto& [key, value] : row.value.items()) fields.insert(key);
  }
  DocReader reader;
  ABSL_ASSIGN_OR_RETURN(reader.text_, DocEvaluator::Make(text, fields));
  ABSL_ASSIGN_OR_RETURN(reader.target_, DocEvaluator::Make(target, fields));
  ABSL_ASSIGN_OR_RETURN(reader.choice_, DocEvaluator::Make(choice, fields));
  ABSL_ASSIGN_OR_RETURN(reader.description_, DocEvaluator::Make(config.description, fields));
  ABSL_ASSIGN_OR_RETURN(reader.prefix_, DocEvaluator::Make(config.gen_prefix, fields));
  return reader;
}

absl::StatusOr<DocValue> DocReader::Text(const DataRow& row) const {
  ABSL_ASSIGN_OR_RETURN(DocValue value, text_.Evaluate(row));
  if (value.is_string() && text_.is_template() && has_choices() &&
      IsDigits(value.get<std::string>())) {
    return DocValue(std::stoll(value.get<std::string>()));
  }
  if (value.is_boolean() && has_choices()) return DocValue(value.get<bool>() ? 1 : 0);
  if (value.is_string() || (value.is_number_integer() && has_choices())) return value;
  return Fail(row, text_, absl::StrCat("is ", value.type_name(), ", want text"));
}

absl::StatusOr<DocValue> DocReader::Target(const DataRow& row) const {
  ABSL_ASSIGN_OR_RETURN(DocValue value, target_.Evaluate(row));
  if (!value.is_string() || !target_.is_template()) return value;
  const std::string text = value.get<std::string>();
  if (IsDigits(text) && has_choices()) return DocValue(std::stoll(text));
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    auto list = ParsePythonLiteral(text);
    if (list.ok()) return *std::move(list);
    if (absl::IsUnimplemented(list.status())) return Fail(row, target_, list.status().message());
  }
  return value;
}

absl::StatusOr<std::vector<std::string>> DocReader::Choices(const DataRow& row) const {
  ABSL_ASSIGN_OR_RETURN(DocValue value, choice_.Evaluate(row));
  if (value.is_string() && choice_.is_template()) {
    auto list = ParsePythonLiteral(value.get<std::string>());
    if (!list.ok()) return Fail(row, choice_, list.status().message());
    value = *std::move(list);
  }
  std::vector<std::string> choices;
  if (value.is_array()) {
    for (const DocValue& choice : value) {
      if (!choice.is_string() || choice.get_ref<const std::string&>().empty()) {
        return Fail(row, choice_,
                    absl::StrCat("choice ", choices.size(), " is ",
                                 choice.is_string() ? "empty" : "not a text"));
      }
      choices.push_back(choice.get<std::string>());
    }
  }
  if (choices.empty()) return Fail(row, choice_, "gives no list of choices");
  return choices;
}

absl::StatusOr<std::string> DocReader::OptionalText(const DataRow& row,
                                                    const DocEvaluator& evaluator) {
  if (evaluator.empty()) return std::string();
  ABSL_ASSIGN_OR_RETURN(DocValue value, evaluator.Evaluate(row));
  if (!value.is_string()) return Fail(row, evaluator, "gives no text");
  return value.get<std::string>();
}

absl::StatusOr<std::string> DocReader::Description(const DataRow& row) const {
  return OptionalText(row, description_);
}
absl::StatusOr<std::string> DocReader::Prefix(const DataRow& row) const {
  return OptionalText(row, prefix_);
}

absl::Status DocReader::FailTarget(const DataRow& row, absl::string_view message) const {
  return Fail(row, target_, message);
}
absl::Status DocReader::FailText(const DataRow& row, absl::string_view message) const {
  return Fail(row, text_, message);
}

}  // namespace plumbline
