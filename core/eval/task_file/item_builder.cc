#include "core/eval/task_file/item_builder.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/task_file/doc_reader.h"
#include "core/eval/task_file/fewshot.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

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
    ABSL_ASSIGN_OR_RETURN(FewshotExamples examples, FewshotExamples::Make(config, splits));
    ItemBuilder builder(config, std::move(examples));
    const std::vector<DataRow>& rows = splits.at(config.eval_split);
    ABSL_ASSIGN_OR_RETURN(builder.reader_,
                          DocReader::Make(config, config.doc_to_text, config.doc_to_target,
                                          config.doc_to_choice, rows));
    ABSL_RETURN_IF_ERROR(builder.ReadShape(rows.front()));
    std::vector<BuiltItem> items;
    std::set<std::string> keys;
    for (const DataRow& row : rows) {
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
  ItemBuilder(const TaskConfig& config, FewshotExamples examples)
      : config_(config),
        examples_(std::move(examples)),
        needs_choices_(std::any_of(config.filters.begin(), config.filters.end(),
                                   [](const auto& filter) { return filter.needs_choices(); })) {}

  absl::Status ReadShape(const DataRow& first);
  absl::Status CheckShape(const DataRow& row, const DocValue& text, const DocValue& target) const;
  absl::StatusOr<BuiltItem> Build(const DataRow& row);
  absl::Status BuildTargets(const DataRow& row, const DocValue& target, BuiltItem& built) const;
  absl::StatusOr<std::vector<int>> Golds(const DataRow& row, const DocValue& target,
                                         const std::vector<std::string>& choices) const;
  absl::Status BuildContextChoice(const DataRow& row, const DocValue& text, const DocValue& target,
                                  const std::string& description, const std::vector<Turn>& turns,
                                  BuiltItem& built) const;
  // What stands before a choice. In a chat the template separates the turns.
  std::string ChoiceDelimiter() const {
    return config_.format == PromptFormat::kChat ? "" : config_.target_delimiter;
  }
  Prompt MakePrompt(const std::string& description, const std::vector<Turn>& turns,
                    const std::string& question, const std::string& prefix,
                    absl::string_view delimiter) const;

  const TaskConfig& config_;
  FewshotExamples examples_;
  DocReader reader_;
  const bool needs_choices_;
  // As lm-eval does, the first row decides for all.
  bool contexts_ = false;         // doc_to_text gives an index: the choices are contexts
  bool several_targets_ = false;  // doc_to_target gives a list
};

absl::Status ItemBuilder::ReadShape(const DataRow& first) {
  ABSL_ASSIGN_OR_RETURN(const DocValue text, reader_.Text(first));
  ABSL_ASSIGN_OR_RETURN(const DocValue target, reader_.Target(first));
  contexts_ = !text.is_string();
  several_targets_ = target.is_array();
  return absl::OkStatus();
}

// A row of another shape than the first is none that lm-eval could score.
absl::Status ItemBuilder::CheckShape(const DataRow& row, const DocValue& text,
                                     const DocValue& target) const {
  if (contexts_ == text.is_string()) {
    return reader_.FailText(row, contexts_ ? "gives a text here, and an index in the first row"
                                           : "gives an index here, and a text in the first row");
  }
  if (several_targets_ && !target.is_array()) {
    return reader_.FailTarget(row, "gives no list here, and one in the first row");
  }
  if (!several_targets_ && target.is_array() && reader_.has_choices()) {
    return reader_.FailTarget(row, "gives a list here, and none in the first row");
  }
  return absl::OkStatus();
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
  ABSL_ASSIGN_OR_RETURN(std::vector<Turn> turns, examples_.Next(row, contexts_));
  ABSL_ASSIGN_OR_RETURN(std::string description, reader_.Description(row));
  ABSL_ASSIGN_OR_RETURN(DocValue text, reader_.Text(row));
  ABSL_ASSIGN_OR_RETURN(DocValue target, reader_.Target(row));
  ABSL_RETURN_IF_ERROR(CheckShape(row, text, target));
  if (reader_.has_choices()) {
    ABSL_ASSIGN_OR_RETURN(built.choices, reader_.Choices(row));
  }
  if (contexts_) {
    if (config_.output_type != OutputType::kMultipleChoice) {
      return reader_.FailText(row, "gives an index, which only multiple_choice can use");
    }
    ABSL_RETURN_IF_ERROR(BuildContextChoice(row, text, target, description, turns, built));
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
  ABSL_RETURN_IF_ERROR(BuildTargets(row, target, built));
  return built;
}

// The indices of the right choices, each once: `target` is one or a list, or the text of a choice.
absl::StatusOr<std::vector<int>> ItemBuilder::Golds(const DataRow& row, const DocValue& target,
                                                    const std::vector<std::string>& choices) const {
  const DocValue list = target.is_array() ? target : DocValue::array({target});
  std::vector<int> golds;
  for (const DocValue& element : list) {
    int64_t gold = -1;
    if (element.is_boolean()) {
      gold = element.get<bool>() ? 1 : 0;
    } else if (element.is_number_integer()) {
      gold = element.get<int64_t>();
    } else if (element.is_string() && !target.is_array()) {
      const auto found = std::find(choices.begin(), choices.end(), element.get<std::string>());
      if (found != choices.end()) gold = found - choices.begin();
    } else {
      return reader_.FailTarget(
          row, absl::StrCat(target.is_array() ? "has in its list a value that is " : "is ",
                            element.type_name(), ", want ",
                            target.is_array() ? "indices" : "an index or one of the choices"));
    }
    if (gold < 0 || gold >= static_cast<int64_t>(choices.size())) {
      ABSL_ASSIGN_OR_RETURN(std::string shown, DocValueText(element));
      return reader_.FailTarget(
          row, absl::StrCat("\"", shown.substr(0, 80), "\" is not one of the ", choices.size(),
                            " choices nor an index of one"));
    }
    if (std::find(golds.begin(), golds.end(), gold) == golds.end()) {
      golds.push_back(static_cast<int>(gold));
    }
  }
  if (golds.empty()) return reader_.FailTarget(row, "is an empty list: no choice would be right");
  return golds;
}

// The gold answers, and for multiple_choice the continuations.
absl::Status ItemBuilder::BuildTargets(const DataRow& row, const DocValue& target,
                                       BuiltItem& built) const {
  ABSL_ASSIGN_OR_RETURN(built.item.doc_target, DocValueText(target));
  if (!built.choices.empty()) {
    const bool choice = config_.output_type == OutputType::kMultipleChoice;
    if (target.is_array() && !choice) {
      return reader_.FailTarget(row, "is a list; with doc_to_choice a generated answer has one");
    }
    ABSL_ASSIGN_OR_RETURN(const std::vector<int> golds, Golds(row, target, built.choices));
    built.item.target = built.choices[static_cast<size_t>(golds[0])];
    built.targets = {built.item.target};
    if (!choice) return absl::OkStatus();
    built.item.gold_choice = golds[0];
    built.item.other_gold_choices.assign(golds.begin() + 1, golds.end());
    for (const std::string& text : built.choices) {
      built.item.choices.push_back(absl::StrCat(ChoiceDelimiter(), text));
    }
    return absl::OkStatus();
  }
  // Where the first row has no list, a text that reads as one ("[1, 2]") is a text.
  const DocValue list = several_targets_ ? target : DocValue::array({target});
  for (const DocValue& element : list) {
    if (element.is_null() || element.is_object() || (element.is_array() && several_targets_)) {
      return reader_.FailTarget(row, absl::StrCat("is ", element.type_name(), ", want a text"));
    }
    ABSL_ASSIGN_OR_RETURN(std::string text, DocValueText(element));
    built.targets.push_back(std::move(text));
  }
  if (built.targets.empty()) return reader_.FailTarget(row, "is an empty list");
  built.item.target = built.targets[0];
  return absl::OkStatus();
}

// WinoGrande's form: doc_to_text is the index of the right choice, the choices are contexts and
// doc_to_target is what continues them.
absl::Status ItemBuilder::BuildContextChoice(const DataRow& row, const DocValue& text,
                                             const DocValue& target, const std::string& description,
                                             const std::vector<Turn>& turns,
                                             BuiltItem& built) const {
  const int64_t gold = text.get<int64_t>();
  if (gold < 0 || gold >= static_cast<int64_t>(built.choices.size())) {
    return reader_.FailText(row,
                            absl::StrCat("index ", gold, " of ", built.choices.size(), " choices"));
  }
  if (target.is_null() || target.is_structured()) {
    return reader_.FailTarget(row, absl::StrCat("is ", target.type_name(), ", want a text"));
  }
  ABSL_ASSIGN_OR_RETURN(built.item.target, DocValueText(target));
  built.item.gold_choice = static_cast<int>(gold);
  ABSL_ASSIGN_OR_RETURN(const std::string prefix, reader_.Prefix(row));
  for (const std::string& context : built.choices) {
    built.item.choice_prompts.push_back(MakePrompt(description, turns, context, prefix, ""));
    built.item.choices.push_back(absl::StrCat(ChoiceDelimiter(), built.item.target));
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
