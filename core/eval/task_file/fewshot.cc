#include "core/eval/task_file/fewshot.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

// lm-eval's default seed for few-shot sampling.
constexpr uint32_t kFewshotSeed = 1234;

const DocExpression& Or(const DocExpression& first, const DocExpression& second) {
  return first.empty() ? second : first;
}

absl::StatusOr<std::string> ChoiceAt(const DataRow& row, const std::vector<std::string>& choices,
                                     int64_t index) {
  if (index < 0 || index >= static_cast<int64_t>(choices.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        row.where, ": index ", index, " of ", choices.size(), " choices in a few-shot example"));
  }
  return choices[static_cast<size_t>(index)];
}

}  // namespace

FewshotExamples::FewshotExamples(const TaskConfig& config)
    : config_(&config), random_(kFewshotSeed) {}

absl::StatusOr<FewshotExamples> FewshotExamples::Make(
    const TaskConfig& config, const std::map<std::string, std::vector<DataRow>>& splits) {
  FewshotExamples result(config);
  if (config.num_fewshot == 0) return result;
  std::vector<DataRow>& rows = result.rows_;
  if (config.has_fewshot_samples) {
    for (const DocValue& sample : config.fewshot_samples) {
      rows.push_back({sample, absl::StrCat("fewshot_config.samples[", rows.size(), "]")});
    }
  } else {
    std::string split = config.fewshot_split;
    for (const std::string& other :
         {config.training_split, config.validation_split, config.test_split}) {
      if (split.empty()) split = other;
    }
    rows = splits.at(split);
  }
  // lm-eval compares the two names as they are written.
  result.leave_out_own_row_ = config.fewshot_split == config.test_split;
  const size_t needed = static_cast<size_t>(config.num_fewshot) +
                        (result.leave_out_own_row_ && !config.fewshot_first_n ? 1 : 0);
  if (rows.size() < needed) {
    return absl::InvalidArgumentError(absl::StrCat("num_fewshot is ", config.num_fewshot,
                                                   ", which needs ", needed,
                                                   " rows to draw from; there are ", rows.size()));
  }
  ABSL_ASSIGN_OR_RETURN(
      result.reader_,
      DocReader::Make(config, Or(config.fewshot_doc_to_text, config.doc_to_text),
                      Or(config.fewshot_doc_to_target, config.doc_to_target),
                      Or(config.fewshot_doc_to_choice, config.doc_to_choice), rows));
  return result;
}

std::vector<size_t> FewshotExamples::Draw(const DataRow& row) {
  const size_t count = static_cast<size_t>(config_->num_fewshot);
  auto is_own = [&](size_t i) { return leave_out_own_row_ && rows_[i].value == row.value; };
  std::vector<size_t> drawn;
  if (config_->fewshot_first_n) {
    for (size_t i = 0; i < rows_.size() && drawn.size() < count; ++i) {
      if (!is_own(i)) drawn.push_back(i);
    }
  } else {
    for (size_t i : random_.Sample(rows_.size(), count + (leave_out_own_row_ ? 1 : 0))) {
      if (!is_own(i) && drawn.size() < count) drawn.push_back(i);
    }
    if (drawn.size() < count) {
      // The row is there more than once: draw again from the others.
      std::vector<size_t> pool;
      for (size_t i = 0; i < rows_.size(); ++i) {
        if (!is_own(i)) pool.push_back(i);
      }
      drawn.clear();
      if (pool.size() >= count) {
        for (size_t i : random_.Sample(pool.size(), count)) drawn.push_back(pool[i]);
      }
    }
  }
  return drawn;
}

absl::StatusOr<std::vector<Turn>> FewshotExamples::Next(const DataRow& row, bool contexts) {
  std::vector<Turn> turns;
  const size_t count = static_cast<size_t>(config_->num_fewshot);
  if (count == 0) return turns;
  const std::vector<size_t> drawn = Draw(row);
  if (drawn.size() < count) {
    return absl::InvalidArgumentError(absl::StrCat(row.where, ": only ", drawn.size(),
                                                   " few-shot rows differ from this one, ",
                                                   "num_fewshot is ", count));
  }
  for (size_t i : drawn) {
    ABSL_ASSIGN_OR_RETURN(Turn turn, Read(rows_[i], contexts));
    turns.push_back(std::move(turn));
  }
  return turns;
}

absl::StatusOr<Turn> FewshotExamples::Read(const DataRow& row, bool contexts) const {
  Turn turn;
  ABSL_ASSIGN_OR_RETURN(turn.prefix, reader_.Prefix(row));
  ABSL_ASSIGN_OR_RETURN(DocValue text, reader_.Text(row));
  std::vector<std::string> choices;
  if (reader_.has_choices()) {
    ABSL_ASSIGN_OR_RETURN(choices, reader_.Choices(row));
  }
  if (text.is_string() == contexts) {
    return reader_.FailText(row, contexts
                                     ? "gives a text in a few-shot example, and an index in the "
                                       "rows that are asked"
                                     : "gives an index in a few-shot example, and a text in "
                                       "the rows that are asked");
  }
  if (contexts) {
    ABSL_ASSIGN_OR_RETURN(turn.question, ChoiceAt(row, choices, text.get<int64_t>()));
    choices.clear();  // what continues a context is a text
  } else {
    turn.question = text.get<std::string>();
  }
  ABSL_ASSIGN_OR_RETURN(turn.answer, Answer(row, choices));
  return turn;
}

absl::StatusOr<std::string> FewshotExamples::Answer(const DataRow& row,
                                                    const std::vector<std::string>& choices) const {
  ABSL_ASSIGN_OR_RETURN(DocValue target, reader_.Target(row));
  if (target.is_array()) {
    if (target.empty()) return reader_.FailTarget(row, "is an empty list");
    // lm-eval shows the first of several texts, and has no form for several indices.
    if (choices.empty() && !target[0].is_string()) {
      return reader_.FailTarget(row, "is a list in a few-shot example, and its first is no text");
    }
    target = DocValue(target[0]);
  }
  if (target.is_boolean() && !choices.empty()) target = DocValue(target.get<bool>() ? 1 : 0);
  if (target.is_number_integer() && !choices.empty()) {
    return ChoiceAt(row, choices, target.get<int64_t>());
  }
  if (target.is_null()) return std::string();
  return DocValueText(target);
}

}  // namespace plumbline
