#include "core/eval/ifeval/instruction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/eval/ifeval/ifeval_checker.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ifeval::MakeInstruction;
using ifeval::Policy;
using ifeval::ResponseText;
using nlohmann::json;
using ::testing::HasSubstr;

struct Example {
  std::string id;
  json kwargs;
  std::string response;
  bool follows;
  std::string why;  // what the explanation contains; empty when followed
};

class InstructionTest : public ::testing::TestWithParam<Example> {};

TEST_P(InstructionTest, DecidesAndExplains) {
  const Example& example = GetParam();
  auto instruction = MakeInstruction(example.id, example.kwargs);
  ASSERT_THAT(instruction, IsOk());
  std::string why;
  const ResponseText response(example.response);
  EXPECT_EQ((*instruction)->Follows(response, Policy::kReference, &why), example.follows)
      << example.id << ": " << example.response << ": " << why;
  if (!example.follows) {
    EXPECT_THAT(why, HasSubstr(example.why));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Checks, InstructionTest,
    ::testing::Values(
        Example{"keywords:existence", {{"keywords", {"dog", "cat"}}}, "Hotdogs and CATS", true, ""},
        Example{"keywords:existence", {{"keywords", {"a.b"}}}, "axb", true, ""},
        Example{
            "keywords:existence", {{"keywords", {"dog"}}}, "a cat", false, "\"dog\" is missing"},
        Example{"keywords:frequency",
                {{"keyword", " war "}, {"frequency", 2}, {"relation", "at least"}},
                "War, toward peace",
                true,
                ""},
        Example{"keywords:frequency",
                {{"keyword", "war"}, {"frequency", 2}, {"relation", "less than"}},
                "war war",
                false,
                "found 2 occurrences, want less than 2 of \"war\""},
        Example{"keywords:forbidden_words", {{"forbidden_words", {"can"}}}, "canned", true, ""},
        Example{"keywords:forbidden_words",
                {{"forbidden_words", {"can"}}},
                "I CAN.",
                false,
                "\"can\" is used"},
        Example{"keywords:letter_frequency",
                {{"letter", "K"}, {"let_frequency", 2}, {"let_relation", "at least"}},
                "kK",
                true,
                ""},
        Example{"keywords:letter_frequency",
                {{"letter", "#"}, {"let_frequency", 2}, {"let_relation", "at least"}},
                "# one",
                false,
                "found 1 occurrence, want at least 2 of the letter \"#\""},
        Example{"language:response_language",
                {{"language", "de"}},
                "Das ist ein ganz normaler deutscher Satz über das Wetter.",
                true,
                ""},
        Example{"language:response_language", {{"language", "de"}}, "12 34!", true, ""},
        Example{"language:response_language",
                {{"language", "hi"}},
                "This is a plain English sentence about the weather.",
                false,
                "the language is \"en\", want \"hi\""},
        Example{"length_constraints:number_sentences",
                {{"num_sentences", 2}, {"relation", "at least"}},
                "Mr. Smith came. He left.",
                true,
                ""},
        Example{"length_constraints:number_sentences",
                {{"num_sentences", 2}, {"relation", "less than"}},
                "One. Two. Three.",
                false,
                "found 3 sentences, want less than 2"},
        Example{"length_constraints:number_paragraphs",
                {{"num_paragraphs", 2}},
                "a\n***\nb\n***",
                true,
                ""},
        Example{"length_constraints:number_paragraphs",
                {{"num_paragraphs", 2}},
                "a ****** b",
                false,
                "an empty paragraph"},
        Example{"length_constraints:number_words",
                {{"num_words", 3}, {"relation", "at least"}},
                "don't stop",
                true,
                ""},
        Example{"length_constraints:number_words",
                {{"num_words", 2}, {"relation", "less than"}},
                "don't",
                false,
                "found 2 words, want less than 2"},
        Example{"length_constraints:nth_paragraph_first_word",
                {{"num_paragraphs", 2}, {"nth_paragraph", 2}, {"first_word", "Weekend"}},
                "a\n\n'weekend, b",
                true,
                ""},
        Example{"length_constraints:nth_paragraph_first_word",
                {{"num_paragraphs", 2}, {"nth_paragraph", 2}, {"first_word", "weekend"}},
                "a\n\n\n\nweekend",
                false,
                "paragraph 2 starts with \"\""},
        Example{"detectable_content:number_placeholders",
                {{"num_placeholders", 2}},
                "[a] [b\n] []",
                true,
                ""},
        Example{"detectable_content:number_placeholders",
                {{"num_placeholders", 2}},
                "[[a]]",
                false,
                "found 1 [placeholder], want at least 2"},
        Example{"detectable_content:postscript",
                {{"postscript_marker", "P.S."}},
                "x p. s. y",
                true,
                ""},
        Example{"detectable_content:postscript",
                {{"postscript_marker", "P.P.S"}},
                "p.s. y",
                false,
                "\"P.P.S\""},
        Example{"detectable_format:number_bullet_lists",
                {{"num_bullets", 3}},
                "* a\n- b\n---",
                true,
                ""},
        Example{"detectable_format:number_bullet_lists",
                {{"num_bullets", 1}},
                "**a**\n* b\n* c",
                false,
                "found 2 bullets, want exactly 1"},
        Example{"detectable_format:constrained_response", json::object(),
                "Well. My answer is maybe. Yes", true, ""},
        Example{"detectable_format:constrained_response", json::object(), "my answer is yes.",
                false, "none of"},
        Example{"detectable_format:number_highlighted_sections",
                {{"num_highlights", 2}},
                "*a* **b** * *",
                true,
                ""},
        Example{"detectable_format:number_highlighted_sections",
                {{"num_highlights", 2}},
                "*a* ** ** *b\n*",
                false,
                "found 1 *highlighted section*"},
        Example{"detectable_format:multiple_sections",
                {{"section_spliter", "Section"}, {"num_sections", 2}},
                "Section 1 a Section2",
                true,
                ""},
        Example{"detectable_format:multiple_sections",
                {{"section_spliter", "Section"}, {"num_sections", 2}},
                "SECTION 1 Section 2",
                false,
                "found 1 sections"},
        Example{"detectable_format:json_format", json::object(), "```json\n{\"a\": NaN}\n```", true,
                ""},
        Example{"detectable_format:json_format", json::object(), "{'a': 1}", false, "not JSON"},
        Example{"detectable_format:title", json::object(), "x << y >> z", true, ""},
        Example{"detectable_format:title", json::object(), "<<\n>> << >>", false, "no title"},
        Example{"combination:two_responses", json::object(), "a ****** b", true, ""},
        Example{"combination:two_responses", json::object(), "a******a ", false, "the same"},
        Example{"combination:repeat_prompt",
                {{"prompt_to_repeat", "Say Hi "}},
                " say hi you",
                true,
                ""},
        Example{"combination:repeat_prompt",
                {{"prompt_to_repeat", "Say hi"}},
                "Hi",
                false,
                "does not start"},
        Example{"startend:end_checker", {{"end_phrase", "Peace!"}}, "And \"peace!\" ", true, ""},
        Example{
            "startend:end_checker", {{"end_phrase", "Peace!"}}, "Peace! ok", false, "does not end"},
        Example{"startend:quotation", json::object(), " \"a\" ", true, ""},
        Example{"startend:quotation", json::object(), "\"", false, "quotation marks"},
        Example{"change_case:capital_word_frequency",
                {{"capital_frequency", 2}, {"capital_relation", "at least"}},
                "ABC I am",
                true,
                ""},
        Example{"change_case:capital_word_frequency",
                {{"capital_frequency", 1}, {"capital_relation", "less than"}},
                "ABC",
                false,
                "found 1 word, want less than 1 in capitals"},
        Example{"change_case:english_capital", json::object(),
                "THIS IS A PLAIN ENGLISH SENTENCE ABOUT THE WEATHER.", true, ""},
        Example{"change_case:english_capital", json::object(), "THIS IS Not", false,
                "not all in capital"},
        Example{"change_case:english_lowercase", json::object(),
                "this is a plain english sentence about the weather.", true, ""},
        Example{"change_case:english_lowercase", json::object(),
                "das ist ein ganz normaler satz über das wetter.", false, "want \"en\""},
        Example{"punctuation:no_comma", json::object(), "a; b", true, ""},
        Example{"punctuation:no_comma", json::object(), "a, b, c", false,
                "found 2 commas, want 0"}));

TEST(InstructionFixedPolicyTest, MendsTheKnownDefects) {
  auto follows = [](absl::string_view id, const json& kwargs, const char* text, Policy policy) {
    auto instruction = MakeInstruction(id, kwargs);
    EXPECT_THAT(instruction, IsOk());
    EXPECT_TRUE((*instruction)->has_fix());
    return (*instruction)->Follows(ResponseText(text), policy, nullptr);
  };
  const json nth = {{"num_paragraphs", 2}, {"nth_paragraph", 2}, {"first_word", "b"}};
  EXPECT_FALSE(follows("length_constraints:nth_paragraph_first_word", nth, "a\n\n\n\nb",
                       Policy::kReference));
  EXPECT_TRUE(
      follows("length_constraints:nth_paragraph_first_word", nth, "a\n\n\n\nb", Policy::kFixed));
  const json bullets = {{"num_bullets", 2}};
  EXPECT_FALSE(follows("detectable_format:number_bullet_lists", bullets, "- a\n---\n- b",
                       Policy::kReference));
  EXPECT_TRUE(
      follows("detectable_format:number_bullet_lists", bullets, "- a\n---\n- b", Policy::kFixed));
  const json words = {{"keyword", "war"}, {"frequency", 2}, {"relation", "at least"}};
  EXPECT_TRUE(follows("keywords:frequency", words, "war, toward", Policy::kReference));
  EXPECT_FALSE(follows("keywords:frequency", words, "war, toward", Policy::kFixed));
}

TEST(InstructionArgumentsTest, TwentyFiveIds) { EXPECT_EQ(ifeval::InstructionIds().size(), 25u); }

TEST(InstructionArgumentsTest, HuggingFacePaddingIsIgnored) {
  EXPECT_THAT(
      MakeInstruction("punctuation:no_comma", {{"num_words", nullptr}, {"keyword", nullptr}}),
      IsOk());
  EXPECT_THAT(MakeInstruction("punctuation:no_comma", nullptr), IsOk());
}

TEST(InstructionArgumentsTest, EveryFaultIsNamed) {
  struct Fault {
    std::string id;
    json kwargs;
    std::string message;
  };
  for (const Fault& fault : std::vector<Fault>{
           {"keywords:nope", json::object(), "unknown instruction id \"keywords:nope\""},
           {"length_constraints:number_words",
            {{"relation", "at least"}},
            "argument \"num_words\" is missing"},
           {"length_constraints:number_words",
            {{"num_words", nullptr}, {"relation", "at least"}},
            "argument \"num_words\" is missing"},
           {"length_constraints:number_words",
            {{"num_words", 0}, {"relation", "at least"}},
            "takes as missing"},
           {"length_constraints:number_words",
            {{"num_words", "5"}, {"relation", "at least"}},
            "want a whole number"},
           {"length_constraints:number_words",
            {{"num_words", 2.5}, {"relation", "at least"}},
            "want a whole number"},
           {"length_constraints:number_words",
            {{"num_words", 5}, {"relation", "at most"}},
            "want \"less than\" or \"at least\""},
           {"keywords:existence", {{"keywords", "dog"}}, "want a list of strings"},
           {"keywords:existence", {{"keywords", {"dog", 3}}}, "want a list of strings"},
           {"keywords:existence", {{"keywords", {"(dog"}}}, "missing ), unterminated subpattern"},
           {"keywords:existence", {{"keywords", {"(?>dog)"}}}, "atomic group"},
           {"keywords:letter_frequency",
            {{"letter", "ab"}, {"let_frequency", 1}, {"let_relation", "at least"}},
            "want one character"},
           {"language:response_language", {{"language", "xx"}}, "want one of en, es"},
           {"length_constraints:nth_paragraph_first_word",
            {{"num_paragraphs", 2}, {"nth_paragraph", 3}, {"first_word", "a"}},
            "want at most"},
           {"punctuation:no_comma", {{"num_words", 3}}, "\"num_words\" is not one of"},
           {"punctuation:no_comma", json::array(), "want an object"}}) {
    EXPECT_THAT(MakeInstruction(fault.id, fault.kwargs).status().message(),
                HasSubstr(fault.message))
        << fault.id << fault.kwargs;
  }
}

IfevalChecker CheckerOf(const json& ids, const json& kwargs) {
  auto row = ParseIfevalRow(
      {{"key", 7}, {"prompt", "p"}, {"instruction_id_list", ids}, {"kwargs", kwargs}});
  EXPECT_THAT(row, IsOk());
  std::vector<IfevalRow> rows;
  rows.push_back(*std::move(row));
  return IfevalChecker(std::move(rows));
}

double Value(const CheckResult& result, absl::string_view metric) {
  for (const Observation& o : result.observations) {
    if (o.metric == metric) return o.successes;
  }
  return -1;
}

TEST(IfevalCheckerTest, LooseTakesAnyVariantForEachInstruction) {
  const IfevalChecker checker = CheckerOf({"punctuation:no_comma", "startend:end_checker"},
                                          {json::object(), {{"end_phrase", "bye"}}});
  const CheckResult result = checker.CheckResponse(0, "Sure, here:\ntext bye*");
  EXPECT_EQ(Value(result, "ila_strict"), 0);
  EXPECT_EQ(Value(result, "ila_loose"), 2);
  EXPECT_EQ(Value(result, "pla_loose"), 1);
  EXPECT_EQ(Value(result, "empty_response"), 0);
  EXPECT_EQ(result.outcomes[0].explanation, "found 1 comma, want 0");
}

TEST(IfevalCheckerTest, ABlankResponseFollowsNothing) {
  const IfevalChecker checker =
      CheckerOf(json::array({"punctuation:no_comma"}), json::array({json::object()}));
  for (const char* blank : {"", " \n\t", "\xE2\x80\x83"}) {
    const CheckResult result = checker.CheckResponse(0, blank);
    EXPECT_EQ(Value(result, "pla_loose"), 0);
    EXPECT_EQ(Value(result, "empty_response"), 1);
    EXPECT_EQ(result.outcomes[0].explanation, "the response is empty");
  }
}

TEST(IfevalCheckerTest, InvalidUtf8AndHugeResponsesAreScored) {
  const IfevalChecker checker = CheckerOf(
      {"punctuation:no_comma", "length_constraints:number_words", "keywords:existence"},
      {json::object(), {{"num_words", 5}, {"relation", "at least"}}, {{"keywords", {"(a|b)*c"}}}});
  EXPECT_EQ(Value(checker.CheckResponse(0, "\xFF\xFE a b c d e \xC3"), "pla_strict"), 1);
  std::string huge;
  while (huge.size() < (10u << 20)) huge += "word after word\n";
  EXPECT_EQ(Value(checker.CheckResponse(0, huge), "ila_strict"), 2);
}

}  // namespace
}  // namespace plumbline
