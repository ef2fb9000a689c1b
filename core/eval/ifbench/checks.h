// The factories of the 58 constraints, by family; ifbench.cc puts them in one table.
#ifndef PLUMBLINE_CORE_EVAL_IFBENCH_CHECKS_H_
#define PLUMBLINE_CORE_EVAL_IFBENCH_CHECKS_H_

#include "core/eval/ifeval/instruction.h"
#include "core/eval/ifeval/kwargs.h"

namespace plumbline::ifbench {

using ifeval::InstructionOr;
using ifeval::Kwargs;

// count_checks.cc
InstructionOr MakeWordCountRange(Kwargs& kwargs);
InstructionOr MakeUniqueWordCount(Kwargs& kwargs);
InstructionOr MakeConjunctions(Kwargs& kwargs);
InstructionOr MakePersonNames(Kwargs& kwargs);
InstructionOr MakeNumbers(Kwargs& kwargs);
InstructionOr MakePunctuation(Kwargs& kwargs);
InstructionOr MakePronouns(Kwargs& kwargs);
InstructionOr MakeWordsJapanese(Kwargs& kwargs);
InstructionOr MakeKeywordsMultiple(Kwargs& kwargs);
// ratio_checks.cc
InstructionOr MakeStopWords(Kwargs& kwargs);
InstructionOr MakeSentenceType(Kwargs& kwargs);
InstructionOr MakeSentenceBalance(Kwargs& kwargs);
InstructionOr MakeOverlap(Kwargs& kwargs);
InstructionOr MakeSentenceWords(Kwargs& kwargs);
// word_checks.cc
InstructionOr MakeAlphabet(Kwargs& kwargs);
InstructionOr MakeVowel(Kwargs& kwargs);
InstructionOr MakeConsonants(Kwargs& kwargs);
InstructionOr MakePalindrome(Kwargs& kwargs);
InstructionOr MakePrimeLengths(Kwargs& kwargs);
InstructionOr MakeStartVerb(Kwargs& kwargs);
InstructionOr MakeRepeats(Kwargs& kwargs);
InstructionOr MakeOddEvenSyllables(Kwargs& kwargs);
InstructionOr MakeLastFirst(Kwargs& kwargs);
InstructionOr MakeParagraphLastFirst(Kwargs& kwargs);
InstructionOr MakeNoConsecutive(Kwargs& kwargs);
InstructionOr MakeKeywordsSpecificPosition(Kwargs& kwargs);
InstructionOr MakeWordsPosition(Kwargs& kwargs);
// sentence_checks.cc
InstructionOr MakeAlliterationIncrement(Kwargs& kwargs);
InstructionOr MakeSentenceKeyword(Kwargs& kwargs);
InstructionOr MakeSentenceIncrement(Kwargs& kwargs);
InstructionOr MakeSentenceAlphabet(Kwargs& kwargs);
// format_checks.cc
InstructionOr MakeParentheses(Kwargs& kwargs);
InstructionOr MakeQuotes(Kwargs& kwargs);
InstructionOr MakeOptions(Kwargs& kwargs);
InstructionOr MakeNewline(Kwargs& kwargs);
InstructionOr MakeEmoji(Kwargs& kwargs);
InstructionOr MakeTitleCase(Kwargs& kwargs);
InstructionOr MakeOutputTemplate(Kwargs& kwargs);
InstructionOr MakeNoWhitespace(Kwargs& kwargs);
InstructionOr MakeQuoteUnquote(Kwargs& kwargs);
// list_checks.cc
InstructionOr MakeLineIndent(Kwargs& kwargs);
InstructionOr MakeList(Kwargs& kwargs);
InstructionOr MakeThesis(Kwargs& kwargs);
InstructionOr MakeSubBullets(Kwargs& kwargs);
InstructionOr MakeNoBulletsBullets(Kwargs& kwargs);
// custom_checks.cc
InstructionOr MakeMultiples(Kwargs& kwargs);
InstructionOr MakeMcqCountLength(Kwargs& kwargs);
InstructionOr MakeReverseNewline(Kwargs& kwargs);
InstructionOr MakeWordReverse(Kwargs& kwargs);
InstructionOr MakeCharacterReverse(Kwargs& kwargs);
InstructionOr MakeEuropeanCapitalsSort(Kwargs& kwargs);
InstructionOr MakeDateFormatList(Kwargs& kwargs);
// csv_checks.cc
InstructionOr MakeCsvCity(Kwargs& kwargs);
InstructionOr MakeCsvSpecialCharacter(Kwargs& kwargs);
InstructionOr MakeCsvQuotes(Kwargs& kwargs);
// repeat_checks.cc
InstructionOr MakeRepeatChange(Kwargs& kwargs);
InstructionOr MakeRepeatSimple(Kwargs& kwargs);
InstructionOr MakeRepeatSpan(Kwargs& kwargs);

}  // namespace plumbline::ifbench

#endif  // PLUMBLINE_CORE_EVAL_IFBENCH_CHECKS_H_
