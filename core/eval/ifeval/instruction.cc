#include "core/eval/ifeval/instruction.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/eval/ifeval/checks.h"

namespace plumbline::ifeval {

const InstructionTable& IfevalTable() {
  static const auto& table = *new InstructionTable{
      {"keywords:existence", MakeKeywordExistence},
      {"keywords:frequency", MakeKeywordFrequency},
      {"keywords:forbidden_words", MakeForbiddenWords},
      {"keywords:letter_frequency", MakeLetterFrequency},
      {"language:response_language", MakeResponseLanguage},
      {"length_constraints:number_sentences", MakeNumberSentences},
      {"length_constraints:number_paragraphs", MakeNumberParagraphs},
      {"length_constraints:number_words", MakeNumberWords},
      {"length_constraints:nth_paragraph_first_word", MakeNthParagraphFirstWord},
      {"detectable_content:number_placeholders", MakeNumberPlaceholders},
      {"detectable_content:postscript", MakePostscript},
      {"detectable_format:number_bullet_lists", MakeNumberBulletLists},
      {"detectable_format:constrained_response", MakeConstrainedResponse},
      {"detectable_format:number_highlighted_sections", MakeNumberHighlightedSections},
      {"detectable_format:multiple_sections", MakeMultipleSections},
      {"detectable_format:json_format", MakeJsonFormat},
      {"detectable_format:title", MakeTitle},
      {"combination:two_responses", MakeTwoResponses},
      {"combination:repeat_prompt", MakeRepeatPrompt},
      {"startend:end_checker", MakeEndChecker},
      {"startend:quotation", MakeQuotation},
      {"change_case:capital_word_frequency", MakeCapitalWordFrequency},
      {"change_case:english_capital", MakeEnglishCapital},
      {"change_case:english_lowercase", MakeEnglishLowercase},
      {"punctuation:no_comma", MakeNoComma},
  };
  return table;
}

std::vector<std::string> InstructionIds(const InstructionTable& table) {
  std::vector<std::string> ids;
  for (const auto& [id, factory] : table) ids.push_back(id);
  return ids;
}

InstructionOr MakeInstruction(absl::string_view id, const nlohmann::json& kwargs) {
  return MakeInstruction(IfevalTable(), id, kwargs);
}

InstructionOr MakeInstruction(const InstructionTable& table, absl::string_view id,
                              const nlohmann::json& kwargs) {
  const auto found = table.find(std::string(id));
  if (found == table.end()) {
    return absl::InvalidArgumentError(absl::StrCat("unknown instruction id \"", id,
                                                   "\"; the ids are ",
                                                   absl::StrJoin(InstructionIds(table), ", ")));
  }
  if (!kwargs.is_object() && !kwargs.is_null()) {
    return absl::InvalidArgumentError(absl::StrCat("instruction \"", id, "\": kwargs are ",
                                                   kwargs.type_name(), ", want an object"));
  }
  const nlohmann::json object = kwargs.is_null() ? nlohmann::json::object() : kwargs;
  Kwargs reader(object);
  InstructionOr instruction = found->second(reader);
  absl::Status status = instruction.status();
  if (status.ok()) status = reader.Finish();
  if (!status.ok()) return Annotate(status, absl::StrCat("instruction \"", id, "\""));
  return instruction;
}

void ExplainCount(int64_t found, absl::string_view relation, int64_t wanted, absl::string_view noun,
                  std::string* why) {
  if (why == nullptr) return;
  *why = absl::StrCat("found ", found, " ", noun, found == 1 ? "" : "s", ", want ", relation,
                      relation.empty() ? "" : " ", wanted);
}

void ExplainBound(const Bound& bound, int64_t found, absl::string_view noun, std::string* why) {
  ExplainCount(found, bound.less_than ? "less than" : "at least", bound.threshold, noun, why);
}

}  // namespace plumbline::ifeval
