#include "core/eval/task_file/item_builder.h"

#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/task_file/python_literal.h"
#include "core/eval/task_file/python_random.h"
#include "core/text/python_unicode.h"
#include "core/text/template.h"

namespace plumbline {
namespace {

using Json = nlohmann::ordered_json;

// lm-eval's default seed for few-shot sampling.
constexpr uint32_t kFewshotSeed = 1234;

// What a DocExpression gives for one row, in lm-eval's types: text, an index, or a list.
using Value = Json;

// A DocExpression made ready for the rows of one table.
class Evaluator {
 public:
  static absl::StatusOr<Evaluator> Make(const DocExpression& expression,
                                        const std::set<std::string>& fields) {
    Evaluator result;
    result.where_ = expression.where;
    if (const auto* list = std::get_if<std::vector<std::string>>(&expression.value)) {
      result.constant_ = Value(*list);
      result.has_constant_ = true;
    } else if (const auto* index = std::get_if<int64_t>(&expression.value)) {
      result.constant_ = Value(*index);
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

  bool empty() const { return !has_constant_ && field_.empty() && template_ == nullptr; }
  bool is_template() const { return template_ != nullptr; }
  const std::string& where() const { return where_; }

  absl::StatusOr<Value> Evaluate(const DataRow& row) const {
    if (has_constant_) return constant_;
    if (!field_.empty()) {
      const auto found = row.value.find(field_);
      return found == row.value.end() ? Value(nullptr) : Value(*found);
    }
    auto text = template_->Render(row.value);
    if (!text.ok()) return Annotate(text.status(), absl::StrCat(row.where, ": ", where_));
    return Value(*std::move(text));
  }

 private:
  std::string where_;
  Value constant_;
  bool has_constant_ = false;
  std::string field_;
  std::shared_ptr<const TextTemplate> template_;
};

bool IsDigits(const std::string& text) {
  // str.isdigit with ast.literal_eval behind it: only what both take.
  return !text.empty() && text.size() < 10 && (text.size() == 1 || text[0] != '0') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Python's str(value), for targets that are numbers or booleans.
absl::StatusOr<std::string> AsText(const Value& value) {
  if (value.is_string()) return value.get<std::string>();
  static const TextTemplate& print = *TextTemplate::Compile("{{ value }}", "value")->release();
  Json variables;
  variables["value"] = value;
  return print.Render(variables);
}

// The three expressions of one table (the evaluated rows, or the few-shot examples).
class DocReader {
 public:
  static absl::StatusOr<DocReader> Make(const TaskConfig& config, const DocExpression& text,
                                        const DocExpression& target, const DocExpression& choice,
                                        const std::vector<DataRow>& rows) {
    std::set<std::string> fields;
    for (const DataRow& row : rows) {
      for (const auto& [key, value] : row.value.items()) fields.insert(key);
    }
    DocReader reader;
    ABSL_ASSIGN_OR_RETURN(reader.text_, Evaluator::Make(text, fields));
    ABSL_ASSIGN_OR_RETURN(reader.target_, Evaluator::Make(target, fields));
    ABSL_ASSIGN_OR_RETURN(reader.choice_, Evaluator::Make(choice, fields));
    ABSL_ASSIGN_OR_RETURN(reader.description_, Evaluator::Make(config.description, fields));
    ABSL_ASSIGN_OR_RETURN(reader.prefix_, Evaluator::Make(config.gen_prefix, fields));
    return reader;
  }

  bool has_choices() const { return !choice_.empty(); }

  // Text, or the index of a choice for tasks whose choices are contexts.
  absl::StatusOr<Value> Text(const DataRow& row) const {
    ABSL_ASSIGN_OR_RETURN(Value value, text_.Evaluate(row));
    if (value.is_string() && text_.is_template() && has_choices() &&
        IsDigits(value.get<std::string>())) {
      return Value(std::stoll(value.get<std::string>()));
    }
    if (value.is_string() || (value.is_number_integer() && has_choices())) return value;
    return Fail(row, text_, absl::StrCat("is ", value.type_name(), ", want text"));
  }

  // Text, an index or a list of texts.
  absl::StatusOr<Value> Target(const DataRow& row) const {
    ABSL_ASSIGN_OR_RETURN(Value value, target_.Evaluate(row));
    if (!value.is_string() || !target_.is_template()) return value;
    const std::string text = value.get<std::string>();
    if (IsDigits(text) && has_choices()) return Value(std::stoll(text));
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
      auto list = ParsePythonLiteral(text);
      if (list.ok()) return *std::move(list);
    }
    return value;
  }

  absl::StatusOr<std::vector<std::string>> Choices(const DataRow& row) const {
    ABSL_ASSIGN_OR_RETURN(Value value, choice_.Evaluate(row));
    if (value.is_string() && choice_.is_template()) {
      auto list = ParsePythonLiteral(value.get<std::string>());
      if (!list.ok()) return Fail(row, choice_, list.status().message());
      value = *std::move(list);
    }
    std::vector<std::string> choices;
    if (value.is_array()) {
      for (const Json& choice : value) {
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

  absl::StatusOr<std::string> Description(const DataRow& row) const {
    return OptionalText(row, description_);
  }
  absl::StatusOr<std::string> Prefix(const DataRow& row) const {
    return OptionalText(row, prefix_);
  }

  absl::Status FailTarget(const DataRow& row, absl::string_view message) const {
    return Fail(row, target_, message);
  }
  absl::Status FailText(const DataRow& row, absl::string_view message) const {
    return Fail(row, text_, message);
  }

 private:
  // Empty where the key is absent.
  static absl::StatusOr<std::string> OptionalText(const DataRow& row, const Evaluator& evaluator) {
    if (evaluator.empty()) return std::string();
    ABSL_ASSIGN_OR_RETURN(Value value, evaluator.Evaluate(row));
    if (!value.is_string()) return Fail(row, evaluator, "gives no text");
    return value.get<std::string>();
  }
  static absl::Status Fail(const DataRow& row, const Evaluator& evaluator,
                           absl::string_view message) {
    return absl::InvalidArgumentError(
        absl::StrCat(row.where, ": ", evaluator.where(), ": ", message));
  }

  Evaluator text_, target_, choice_, description_, prefix_;
};

// A question and its answer, as a few-shot example shows them.
struct Turn {
  std::string question, answer;
  std::string prefix;  // what the answer begins with (gen_prefix)
};

// lm-eval's rule for two texts side by side: no delimiter where either has a blank at the seam.
bool WantsDelimiter(absl::string_view left, absl::string_view right) {
  if (left.empty() || right.empty()) return false;
  const std::u32string before = python::ToCodePoints(left), behind = python::ToCodePoints(right);
  return !python::IsSpace(before.back()) && !python::IsSpace(behind.front());
}

// What lm-eval's multi_choice_regex reads: doc["choices"].
absl::StatusOr<std::vector<std::string>> NamedChoices(const DataRow& row) {
  std::vector<std::string> choices;
  const auto found = row.value.find("choices");
  const bool list = found != row.value.end() && found->is_array();
  for (size_t i = 0; list && i < found->size(); ++i) {
    if ((*found)[i].is_string()) choices.push_back((*found)[i].get<std::string>());
  }
  if (list && choices.size() == found->size() && !choices.empty() && choices.size() <= 26)
    return choices;
  return absl::InvalidArgumentError(
      absl::StrCat(row.where,
                   ": the filter multi_choice_regex wants a field \"choices\" with a list "
                   "of 1 to 26 texts"));
}

// Where the question stands in its prompt, and whether an example before it is the same.
void NoteQuestion(const std::vector<Turn>& turns, const std::string& question,
                  const std::string& prefix, absl::string_view delimiter, TaskItem& item) {
  if (item.prompt.format == PromptFormat::kPlain) {
    const size_t between = WantsDelimiter(question, prefix) ? delimiter.size() : 0;
    item.question_offset = item.prompt.text.size() - prefix.size() - between - question.size();
  }
  item.example_is_question = std::any_of(
      turns.begin(), turns.end(), [&](const Turn& turn) { return turn.question == question; });
}

class ItemBuilder {
 public:
  static absl::StatusOr<std::vector<BuiltItem>> Run(
      const TaskConfig& config, const std::map<std::string, std::vector<DataRow>>& splits) {
    ItemBuilder builder(config);
    builder.rows_ = &splits.at(config.eval_split);
    ABSL_ASSIGN_OR_RETURN(builder.reader_,
                          DocReader::Make(config, config.doc_to_text, config.doc_to_target,
                                          config.doc_to_choice, *builder.rows_));
    if (config.num_fewshot > 0) ABSL_RETURN_IF_ERROR(builder.PrepareFewshot(splits));
    std::vector<BuiltItem> items;
    std::set<std::string> keys;
    for (const DataRow& row : *builder.rows_) {
      ABSL_ASSIGN_OR_RETURN(BuiltItem item, builder.Build(row));
      ABSL_ASSIGN_OR_RETURN(item.item.key, RowKey(config, row, items.size()));
      if (!keys.insert(item.item.key).second) {
        return absl::InvalidArgumentError(
            absl::StrCat(row.where, ": the key \"", item.item.key, "\" is there twice"));
      }
      items.push_back(std::move(item));
    }
    return items;
  }

 private:
  explicit ItemBuilder(const TaskConfig& config)
      : config_(config),
        random_(kFewshotSeed),
        needs_choices_(std::any_of(config.filters.begin(), config.filters.end(),
                                   [](const auto& filter) { return filter.needs_choices(); })) {}

  absl::Status PrepareFewshot(const std::map<std::string, std::vector<DataRow>>& splits);
  absl::StatusOr<std::vector<Turn>> Examples(const DataRow& row);
  absl::StatusOr<Turn> Example(const DataRow& row) const;
  absl::StatusOr<BuiltItem> Build(const DataRow& row);
  absl::Status BuildChoice(const DataRow& row, BuiltItem& built, const Value& text) const;
  absl::Status BuildContextChoice(const DataRow& row, BuiltItem& built, const Value& text,
                                  const std::string& description,
                                  const std::vector<Turn>& turns) const;
  Prompt MakePrompt(const std::string& description, const std::vector<Turn>& turns,
                    const std::string& question, const std::string& prefix,
                    absl::string_view delimiter) const;

  const TaskConfig& config_;
  PythonRandom random_;
  const std::vector<DataRow>* rows_ = nullptr;
  DocReader reader_;
  std::vector<DataRow> examples_;
  DocReader example_reader_;
  bool leave_out_own_row_ = false;
  const bool needs_choices_;
};

const DocExpression& Or(const DocExpression& first, const DocExpression& second) {
  return first.empty() ? second : first;
}

absl::Status ItemBuilder::PrepareFewshot(
    const std::map<std::string, std::vector<DataRow>>& splits) {
  if (config_.has_fewshot_samples) {
    for (const Json& sample : config_.fewshot_samples) {
      examples_.push_back({sample, absl::StrCat("fewshot_config.samples[", examples_.size(), "]")});
    }
  } else {
    std::string split = config_.fewshot_split;
    for (const std::string& other :
         {config_.training_split, config_.validation_split, config_.test_split}) {
      if (split.empty()) split = other;
    }
    examples_ = splits.at(split);
  }
  // lm-eval compares the two names as they are written.
  leave_out_own_row_ = config_.fewshot_split == config_.test_split;
  const size_t needed = static_cast<size_t>(config_.num_fewshot) +
                        (leave_out_own_row_ && !config_.fewshot_first_n ? 1 : 0);
  if (examples_.size() < needed) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_fewshot is ", config_.num_fewshot, ", which needs ", needed,
                     " rows to draw from; there are ", examples_.size()));
  }
  ABSL_ASSIGN_OR_RETURN(
      example_reader_,
      DocReader::Make(config_, Or(config_.fewshot_doc_to_text, config_.doc_to_text),
                      Or(config_.fewshot_doc_to_target, config_.doc_to_target),
                      Or(config_.fewshot_doc_to_choice, config_.doc_to_choice), examples_));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Turn>> ItemBuilder::Examples(const DataRow& row) {
  std::vector<Turn> turns;
  const size_t count = static_cast<size_t>(config_.num_fewshot);
  if (count == 0) return turns;
  auto is_own = [&](size_t i) { return leave_out_own_row_ && examples_[i].value == row.value; };
  std::vector<size_t> drawn;
  if (config_.fewshot_first_n) {
    for (size_t i = 0; i < examples_.size() && drawn.size() < count; ++i) {
      if (!is_own(i)) drawn.push_back(i);
    }
  } else {
    for (size_t i : random_.Sample(examples_.size(), count + (leave_out_own_row_ ? 1 : 0))) {
      if (!is_own(i) && drawn.size() < count) drawn.push_back(i);
    }
    if (drawn.size() < count) {
      // The row is there more than once: draw again from the others.
      std::vector<size_t> pool;
      for (size_t i = 0; i < examples_.size(); ++i) {
        if (!is_own(i)) pool.push_back(i);
      }
      drawn.clear();
      if (pool.size() >= count) {
        for (size_t i : random_.Sample(pool.size(), count)) drawn.push_back(pool[i]);
      }
    }
  }
  if (drawn.size() < count) {
    return absl::InvalidArgumentError(absl::StrCat(row.where, ": only ", drawn.size(),
                                                   " few-shot rows differ from this one, ",
                                                   "num_fewshot is ", count));
  }
  for (size_t i : drawn) {
    ABSL_ASSIGN_OR_RETURN(Turn turn, Example(examples_[i]));
    turns.push_back(std::move(turn));
  }
  return turns;
}

absl::StatusOr<Turn> ItemBuilder::Example(const DataRow& row) const {
  Turn turn;
  ABSL_ASSIGN_OR_RETURN(turn.prefix, example_reader_.Prefix(row));
  ABSL_ASSIGN_OR_RETURN(Value text, example_reader_.Text(row));
  std::vector<std::string> choices;
  if (example_reader_.has_choices()) {
    ABSL_ASSIGN_OR_RETURN(choices, example_reader_.Choices(row));
  }
  auto choice = [&](const Value& index) -> absl::StatusOr<std::string> {
    const int64_t i = index.get<int64_t>();
    if (i < 0 || i >= static_cast<int64_t>(choices.size())) {
      return absl::InvalidArgumentError(absl::StrCat(
          row.where, ": index ", i, " of ", choices.size(), " choices in a few-shot example"));
    }
    return choices[static_cast<size_t>(i)];
  };
  ABSL_ASSIGN_OR_RETURN(Value target, example_reader_.Target(row));
  if (text.is_string()) {
    turn.question = text.get<std::string>();
    if (target.is_number_integer() && !choices.empty()) {
      ABSL_ASSIGN_OR_RETURN(turn.answer, choice(target));
      return turn;
    }
  } else {
    ABSL_ASSIGN_OR_RETURN(turn.question, choice(text));
  }
  if (target.is_array()) {
    if (target.empty()) return example_reader_.FailTarget(row, "is an empty list");
    target = Value(target[0]);
  }
  ABSL_ASSIGN_OR_RETURN(turn.answer, AsText(target));
  return turn;
}

// `delimiter` stands between the question and its prefix.
Prompt ItemBuilder::MakePrompt(const std::string& description, const std::vector<Turn>& turns,
                               const std::string& question, const std::string& prefix,
                               absl::string_view delimiter) const {
  Prompt prompt;
  prompt.format = config_.format;
  if (config_.format == PromptFormat::kChat) {
    if (!description.empty()) prompt.messages.push_back({"system", description});
    for (const Turn& turn : turns) {
      prompt.messages.push_back({"user", turn.question});
      if (!turn.answer.empty()) prompt.messages.push_back({"assistant", turn.answer});
    }
    prompt.messages.push_back({"user", question});
    return prompt;
  }
  prompt.text = description;
  for (const Turn& turn : turns) {
    const bool spaced =
        turn.prefix.empty() ? !turn.answer.empty() : WantsDelimiter(turn.question, turn.prefix);
    absl::StrAppend(&prompt.text, turn.question, spaced ? config_.target_delimiter : "",
                    turn.prefix);
    if (turn.answer.empty()) continue;
    absl::StrAppend(&prompt.text, WantsDelimiter(turn.prefix, turn.answer) ? " " : "", turn.answer,
                    config_.fewshot_delimiter);
  }
  absl::StrAppend(&prompt.text, question, WantsDelimiter(question, prefix) ? delimiter : "",
                  prefix);
  return prompt;
}

absl::StatusOr<BuiltItem> ItemBuilder::Build(const DataRow& row) {
  BuiltItem built;
  built.where = row.where;
  built.item.doc = RowJson(row);
  if (needs_choices_) {
    ABSL_ASSIGN_OR_RETURN(built.named_choices, NamedChoices(row));
  }
  ABSL_ASSIGN_OR_RETURN(std::vector<Turn> turns, Examples(row));
  ABSL_ASSIGN_OR_RETURN(std::string description, reader_.Description(row));
  ABSL_ASSIGN_OR_RETURN(Value text, reader_.Text(row));
  if (reader_.has_choices()) {
    ABSL_ASSIGN_OR_RETURN(built.choices, reader_.Choices(row));
  }
  if (!text.is_string()) {
    if (config_.output_type != OutputType::kMultipleChoice) {
      return reader_.FailText(row, "gives an index, which only multiple_choice can use");
    }
    ABSL_RETURN_IF_ERROR(BuildContextChoice(row, built, text, description, turns));
    return built;
  }
  ABSL_ASSIGN_OR_RETURN(const std::string prefix, reader_.Prefix(row));
  built.item.prompt =
      MakePrompt(description, turns, text.get<std::string>(), prefix, config_.target_delimiter);
  NoteQuestion(turns, text.get<std::string>(), prefix, config_.target_delimiter, built.item);
  if (config_.format == PromptFormat::kPlain && built.item.prompt.text.empty() &&
      config_.output_type == OutputType::kGenerate) {
    return reader_.FailText(row, "gives an empty prompt");
  }
  ABSL_RETURN_IF_ERROR(BuildChoice(row, built, text));
  return built;
}

// The gold answer, and for multiple_choice the continuations.
absl::Status ItemBuilder::BuildChoice(const DataRow& row, BuiltItem& built, const Value&) const {
  ABSL_ASSIGN_OR_RETURN(Value target, reader_.Target(row));
  const bool choice = config_.output_type == OutputType::kMultipleChoice;
  if (!built.choices.empty()) {
    int64_t gold = -1;
    if (target.is_number_integer()) {
      gold = target.get<int64_t>();
    } else if (target.is_string()) {
      const auto found =
          std::find(built.choices.begin(), built.choices.end(), target.get<std::string>());
      if (found != built.choices.end()) gold = found - built.choices.begin();
    } else {
      return reader_.FailTarget(
          row, absl::StrCat("is ", target.type_name(), ", want an index or one of the choices"));
    }
    if (gold < 0 || gold >= static_cast<int64_t>(built.choices.size())) {
      ABSL_ASSIGN_OR_RETURN(std::string shown, AsText(target));
      return reader_.FailTarget(row,
                                absl::StrCat("\"", shown.substr(0, 80), "\" is not one of the ",
                                             built.choices.size(), " choices nor an index of one"));
    }
    built.item.gold_choice = choice ? static_cast<int>(gold) : -1;
    built.item.target = built.choices[static_cast<size_t>(gold)];
    built.targets = {built.item.target};
    if (!choice) return absl::OkStatus();
    // In a chat the template separates the turns, so no delimiter is added.
    const std::string delimiter =
        config_.format == PromptFormat::kChat ? "" : config_.target_delimiter;
    for (const std::string& text : built.choices) {
      built.item.choices.push_back(absl::StrCat(delimiter, text));
    }
    return absl::OkStatus();
  }
  const Value list = target.is_array() ? target : Value::array({target});
  for (const Value& element : list) {
    if (element.is_null() || element.is_structured()) {
      return reader_.FailTarget(row, absl::StrCat("is ", element.type_name(), ", want a text"));
    }
    ABSL_ASSIGN_OR_RETURN(std::string text, AsText(element));
    built.targets.push_back(std::move(text));
  }
  if (built.targets.empty()) return reader_.FailTarget(row, "is an empty list");
  built.item.target = built.targets[0];
  return absl::OkStatus();
}

// WinoGrande's form: doc_to_text is the index of the right choice, the choices are contexts and
// doc_to_target is what continues them.
absl::Status ItemBuilder::BuildContextChoice(const DataRow& row, BuiltItem& built,
                                             const Value& text, const std::string& description,
                                             const std::vector<Turn>& turns) const {
  const int64_t gold = text.get<int64_t>();
  if (gold < 0 || gold >= static_cast<int64_t>(built.choices.size())) {
    return reader_.FailText(row,
                            absl::StrCat("index ", gold, " of ", built.choices.size(), " choices"));
  }
  ABSL_ASSIGN_OR_RETURN(Value target, reader_.Target(row));
  if (!target.is_string()) return reader_.FailTarget(row, "want a text");
  const std::string delimiter =
      config_.format == PromptFormat::kChat ? "" : config_.target_delimiter;
  built.item.target = target.get<std::string>();
  built.item.gold_choice = static_cast<int>(gold);
  ABSL_ASSIGN_OR_RETURN(const std::string prefix, reader_.Prefix(row));
  for (const std::string& context : built.choices) {
    built.item.choice_prompts.push_back(MakePrompt(description, turns, context, prefix, ""));
    built.item.choices.push_back(absl::StrCat(delimiter, built.item.target));
  }
  built.item.prompt = built.item.choice_prompts[static_cast<size_t>(gold)];
  NoteQuestion(turns, built.choices[static_cast<size_t>(gold)], prefix, "", built.item);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> RowKey(const TaskConfig& config, const DataRow& row, size_t number) {
  const std::string field = config.key_field.empty() ? "key" : config.key_field;
  const auto found = row.value.find(field);
  if (found == row.value.end()) {
    if (config.key_field.empty()) return absl::StrCat(number);
    return absl::InvalidArgumentError(
        absl::StrCat(row.where, ": the field \"", field, "\" (key_field) is missing"));
  }
  if (found->is_number_integer()) return found->dump();
  if (found->is_string() && !found->get_ref<const std::string&>().empty()) {
    return found->get<std::string>();
  }
  return absl::InvalidArgumentError(absl::StrCat(row.where, ": the field \"", field, "\" is ",
                                                 found->type_name(),
                                                 ", want an integer or a text that is not empty"));
}

absl::StatusOr<std::vector<BuiltItem>> BuildItems(
    const TaskConfig& config, const std::map<std::string, std::vector<DataRow>>& splits) {
  return ItemBuilder::Run(config, splits);
}

}  // namespace plumbline
