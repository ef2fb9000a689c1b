#include "core/eval/ifbench/ifbench.h"

#include "core/eval/ifbench/checks.h"
#include "core/eval/metrics.h"

namespace plumbline {

const ifeval::InstructionTable& IfbenchTable() {
  using namespace ifbench;  // NOLINT: the table would be twice as wide
  static const auto& table = *new ifeval::InstructionTable{
      {"count:word_count_range", MakeWordCountRange},
      {"count:unique_word_count", MakeUniqueWordCount},
      {"count:conjunctions", MakeConjunctions},
      {"count:person_names", MakePersonNames},
      {"count:numbers", MakeNumbers},
      {"count:punctuation", MakePunctuation},
      {"count:pronouns", MakePronouns},
      {"count:words_japanese", MakeWordsJapanese},
      {"count:keywords_multiple", MakeKeywordsMultiple},
      {"ratio:stop_words", MakeStopWords},
      {"ratio:sentence_type", MakeSentenceType},
      {"ratio:sentence_balance", MakeSentenceBalance},
      {"ratio:overlap", MakeOverlap},
      {"ratio:sentence_words", MakeSentenceWords},
      {"words:alphabet", MakeAlphabet},
      {"words:vowel", MakeVowel},
      {"words:consonants", MakeConsonants},
      {"words:palindrome", MakePalindrome},
      {"words:prime_lengths", MakePrimeLengths},
      {"words:start_verb", MakeStartVerb},
      {"words:repeats", MakeRepeats},
      {"words:odd_even_syllables", MakeOddEvenSyllables},
      {"words:last_first", MakeLastFirst},
      {"words:paragraph_last_first", MakeParagraphLastFirst},
      {"words:no_consecutive", MakeNoConsecutive},
      {"words:keywords_specific_position", MakeKeywordsSpecificPosition},
      {"words:words_position", MakeWordsPosition},
      {"sentence:alliteration_increment", MakeAlliterationIncrement},
      {"sentence:keyword", MakeSentenceKeyword},
      {"sentence:increment", MakeSentenceIncrement},
      {"format:parentheses", MakeParentheses},
      {"format:quotes", MakeQuotes},
      {"format:options", MakeOptions},
      {"format:newline", MakeNewline},
      {"format:emoji", MakeEmoji},
      {"format:title_case", MakeTitleCase},
      {"format:output_template", MakeOutputTemplate},
      {"format:no_whitespace", MakeNoWhitespace},
      {"format:quote_unquote", MakeQuoteUnquote},
      {"format:line_indent", MakeLineIndent},
      {"format:list", MakeList},
      {"format:thesis", MakeThesis},
      {"format:sub-bullets", MakeSubBullets},
      {"format:no_bullets_bullets", MakeNoBulletsBullets},
      {"custom:multiples", MakeMultiples},
      {"custom:mcq_count_length", MakeMcqCountLength},
      {"custom:reverse_newline", MakeReverseNewline},
      {"custom:word_reverse", MakeWordReverse},
      {"custom:character_reverse", MakeCharacterReverse},
      {"custom:sentence_alphabet", MakeSentenceAlphabet},
      {"custom:european_capitals_sort", MakeEuropeanCapitalsSort},
      {"custom:csv_city", MakeCsvCity},
      {"custom:csv_special_character", MakeCsvSpecialCharacter},
      {"custom:csv_quotes", MakeCsvQuotes},
      {"custom:date_format_list", MakeDateFormatList},
      {"repeat:repeat_change", MakeRepeatChange},
      {"repeat:repeat_simple", MakeRepeatSimple},
      {"repeat:repeat_span", MakeRepeatSpan},
  };
  return table;
}

const InstructionSet& IfbenchSet() {
  static const auto& set = *new InstructionSet{"ifbench/1",
                                               &IfbenchTable(),
                                               {std::string(kPlaLoose), std::string(kIlaLoose),
                                                std::string(kPlaStrict), std::string(kIlaStrict)},
                                               false};
  return set;
}

}  // namespace plumbline
