// Multi-IF's three checks that differ from IFEval's: how sentences and words are counted depends on
// the language that langdetect finds in the response, and quotation marks have more forms.
#ifndef PLUMBLINE_CORE_EVAL_MULTI_IF_MULTILINGUAL_CHECKS_H_
#define PLUMBLINE_CORE_EVAL_MULTI_IF_MULTILINGUAL_CHECKS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "core/eval/ifeval/instruction.h"
#include "core/eval/ifeval/kwargs.h"

namespace plumbline::multi_if {

ifeval::InstructionOr MakeNumberSentences(ifeval::Kwargs& kwargs);
ifeval::InstructionOr MakeNumberWords(ifeval::Kwargs& kwargs);
ifeval::InstructionOr MakeQuotation(ifeval::Kwargs& kwargs);

// The reference's counts, by language. Thread-safe, linear time.
int64_t CountChineseJapaneseSentences(const std::string& utf8);
int64_t CountThaiSentences(absl::string_view utf8);
int64_t CountHindiSentences(const std::u32string& text);
int64_t CountChineseJapaneseWords(const std::u32string& text);

}  // namespace plumbline::multi_if

#endif  // PLUMBLINE_CORE_EVAL_MULTI_IF_MULTILINGUAL_CHECKS_H_
