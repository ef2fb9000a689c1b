// The factories of the 25 checks, by family; instruction.cc puts them in one table.
#ifndef PLUMBLINE_CORE_EVAL_IFEVAL_CHECKS_H_
#define PLUMBLINE_CORE_EVAL_IFEVAL_CHECKS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/eval/ifeval/instruction.h"
#include "core/eval/ifeval/kwargs.h"

namespace plumbline::ifeval {

// keyword_checks.cc
InstructionOr MakeKeywordExistence(Kwargs& kwargs);
InstructionOr MakeKeywordFrequency(Kwargs& kwargs);
InstructionOr MakeForbiddenWords(Kwargs& kwargs);
InstructionOr MakeLetterFrequency(Kwargs& kwargs);
// length_checks.cc
InstructionOr MakeNumberSentences(Kwargs& kwargs);
InstructionOr MakeNumberParagraphs(Kwargs& kwargs);
InstructionOr MakeNumberWords(Kwargs& kwargs);
InstructionOr MakeNthParagraphFirstWord(Kwargs& kwargs);
// format_checks.cc
InstructionOr MakeNumberPlaceholders(Kwargs& kwargs);
InstructionOr MakePostscript(Kwargs& kwargs);
InstructionOr MakeNumberBulletLists(Kwargs& kwargs);
InstructionOr MakeConstrainedResponse(Kwargs& kwargs);
InstructionOr MakeNumberHighlightedSections(Kwargs& kwargs);
InstructionOr MakeMultipleSections(Kwargs& kwargs);
InstructionOr MakeJsonFormat(Kwargs& kwargs);
InstructionOr MakeTitle(Kwargs& kwargs);
// form_checks.cc
InstructionOr MakeResponseLanguage(Kwargs& kwargs);
InstructionOr MakeTwoResponses(Kwargs& kwargs);
InstructionOr MakeRepeatPrompt(Kwargs& kwargs);
InstructionOr MakeEndChecker(Kwargs& kwargs);
InstructionOr MakeQuotation(Kwargs& kwargs);
InstructionOr MakeCapitalWordFrequency(Kwargs& kwargs);
InstructionOr MakeEnglishCapital(Kwargs& kwargs);
InstructionOr MakeEnglishLowercase(Kwargs& kwargs);
InstructionOr MakeNoComma(Kwargs& kwargs);

// "found 3 sentences, want at least 5", into *why when it is not null.
void ExplainBound(const Bound& bound, int64_t found, absl::string_view noun, std::string* why);
// "found 3 bullets, want exactly 5".
void ExplainCount(int64_t found, absl::string_view relation, int64_t wanted, absl::string_view noun,
                  std::string* why);

}  // namespace plumbline::ifeval

#endif  // PLUMBLINE_CORE_EVAL_IFEVAL_CHECKS_H_
