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

  absl::StatusOr<BuiltItem> Build(const DataRow& row);
  absl::Status BuildChoice(const DataRow& row, BuiltItem& built) const;
  absl::Status BuildContextChoice(const DataRow& row, BuiltItem& built, const DocValue& text,
                                  const std::string& description,
                                  const std::vector<Turn>& turns) const;
  Prompt MakePrompt(const std::string& description, const std::vector<Turn>& turns,
                    const std::string& question, const std::string& prefix,
                    absl::string_view delimiter) const;

  const TaskConfig& config_;
  FewshotExamples examples_;
  DocReader reader_;
  const bool needs_choices_;
};

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
  ABSL_ASSIGN_OR_RETURN(std::vector<Turn> turns, examples_.Next(row));
  ABSL_ASSIGN_OR_RETURN(std::string description, reader_.Description(row));
  ABSL_ASSIGN_OR_RETURN(DocValue text, reader_.Text(row));
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
  ABSL_RETURN_IF_ERROR(BuildChoice(row, built));
  return built;
}

// The gold answer, and for multiple_choice the continuations.
absl::Status ItemBuilder::BuildChoice(const DataRow& row, BuiltItem& built) const {
  ABSL_ASSIGN_OR_RETURN(DocValue target, reader_.Target(row));
  ABSL_ASSIGN_OR_RETURN(built.item.doc_target, DocValueText(target));
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
      ABSL_ASSIGN_OR_RETURN(std::string shown, DocValueText(target));
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
  const DocValue list = target.is_array() ? target : DocValue::array({target});
  for (const DocValue& element : list) {
    if (element.is_null() || element.is_structured()) {
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
absl::Status ItemBuilder::BuildContextChoice(const DataRow& row, BuiltItem& built,
                                             const DocValue& text, const std::string& description,
                                             const std::vector<Turn>& turns) const {
  const int64_t gold = text.get<int64_t>();
  if (gold < 0 || gold >= static_cast<int64_t>(built.choices.size())) {
    return reader_.FailText(row,
                            absl::StrCat("index ", gold, " of ", built.choices.size(), " choices"));
  }
  ABSL_ASSIGN_OR_RETURN(DocValue target, reader_.Target(row));
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
