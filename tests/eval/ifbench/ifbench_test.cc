#include "core/eval/ifbench/ifbench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/eval/task_file.h"
#include "core/eval/task_lint.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ifeval::Policy;
using ifeval::ResponseText;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kRow[] =
    R"({"key": "17", "prompt": "Sing in two lines.", "instruction_id_list": ["format:no_whitespace", "count:numbers"],)"
    R"( "kwargs": [{"N": null}, {"N": 2.0, "small_n": null}]})";

struct Example {
  std::string id;
  json kwargs;
  std::string response;
  std::string why;  // what the explanation contains; empty when followed
};

class IfbenchCheckTest : public ::testing::TestWithParam<Example> {};

TEST_P(IfbenchCheckTest, DecidesAndExplains) {
  const Example& example = GetParam();
  auto instruction = ifeval::MakeInstruction(IfbenchTable(), example.id, example.kwargs);
  ASSERT_THAT(instruction, IsOk());
  std::string why;
  EXPECT_EQ((*instruction)->Follows(ResponseText(example.response), Policy::kReference, &why),
            example.why.empty())
      << example.id << ": " << example.response << ": " << why;
  EXPECT_THAT(why, HasSubstr(example.why));
}

// What the reference does and its descriptions do not say.
INSTANTIATE_TEST_SUITE_P(
    Quirks, IfbenchCheckTest,
    ::testing::Values(
        Example{"count:conjunctions", {{"small_n", 3}}, "and And and,", ""},
        Example{"count:person_names", {{"N", 2}}, "Emma's Liam_", "found 1 person name, want at"},
        Example{"count:numbers", {{"N", 1}}, "1,000.50", ""},
        Example{"count:punctuation", json::object(), "a.b,c!d?e;f:?", "no interrobang"},
        Example{"count:punctuation", json::object(), ".,;:!?", "no ! besides"},
        Example{"count:pronouns", {{"N", 3}}, "she/her/THIS", ""},
        Example{"count:words_japanese", {{"N", 2}}, "a 日本 b 7 c \"\" d", ""},
        Example{"count:keywords_multiple",
                {{"keyword1", "a"},
                 {"keyword2", "b"},
                 {"keyword3", "c"},
                 {"keyword4", "d"},
                 {"keyword5", "e"}},
                "A bb ccc ddddd eeeeeee",
                ""},
        Example{"ratio:stop_words", {{"percentage", 50}}, "don't", "100 % of the words are stop"},
        Example{"ratio:overlap", {{"reference_text", "abcd"}, {"percentage", 100}}, "abc", ""},
        Example{"ratio:overlap", {{"reference_text", "abcd"}, {"percentage", 0}}, "ab", "three"},
        Example{"ratio:sentence_words", json::object(), "Aa. Aa. Aa.", ""},
        Example{"words:alphabet", json::object(), "Yes, zebras and-others!", ""},
        Example{"words:alphabet", json::object(), "3 a b", "starts with no letter"},
        Example{"words:prime_lengths", json::object(), "four", "\"four\" has 4"},
        Example{"words:start_verb", json::object(), "Consider the hills.", ""},
        Example{"words:start_verb", json::object(), "The run.", "is tagged DT"},
        Example{"words:odd_even_syllables", json::object(), "cat river", ""},
        Example{"words:odd_even_syllables", json::object(), "cat dog", "\"dog\" has 1"},
        Example{"words:words_position", {{"keyword", "cat"}}, "A cat, a CAT too.", ""},
        Example{"words:keywords_specific_position",
                {{"keyword", "cat"}, {"n", 1}, {"m", 2}},
                "( A ) cat.",
                ""},
        Example{"sentence:keyword", {{"word", "c++"}, {"N", 1}}, "c++ is", "not in sentence 1"},
        Example{"format:quotes", json::object(), "\"a 'b \"c\" b' a\"", ""},
        Example{"format:options", {{"options", "a), b), c)"}}, "a).", "none of"},
        Example{"format:options", {{"options", "yes/no"}}, " YES! ", ""},
        Example{"format:emoji", json::object(), "One 😀. Two 😀", ""},
        Example{"format:line_indent", json::object(), "a\n\n\n\n b", "indented by 0"},
        Example{"format:sub-bullets", json::object(), "no bullet at all", ""},
        Example{"format:no_bullets_bullets", json::object(), "A. B.\n\n* c\n* d", ""},
        Example{"format:no_bullets_bullets", json::object(), "A. B.\n\nC.\n* c\n* d", "no bullet"},
        Example{"format:thesis", json::object(), "<em></em>", ""},
        Example{"format:title_case", json::object(), "iPhone Users", ""},
        Example{"custom:date_format_list", json::object(), "1805-00-00, ١٨٠٥-12-02", ""},
        Example{"custom:date_format_list", json::object(), "1805-02-30", "no day 30"},
        Example{"custom:csv_city", json::object(), "ID\ra", "new-line character"},
        Example{"repeat:repeat_span",
                {{"prompt_to_repeat", "Straße nach Rom"}, {"n_start", 0}, {"n_end", 5}},
                "straße",
                ""}));

TEST(IfbenchTest, HasTheFiftyEightConstraints) { EXPECT_EQ(IfbenchTable().size(), 58u); }

TEST(IfbenchTest, ABadArgumentIsNamedWithItsRemedy) {
  struct Fault {
    const char* id;
    json kwargs;
    const char* message;
  };
  for (const Fault& fault : std::vector<Fault>{
           {"count:numbers", json::object(), "\"count:numbers\": argument \"N\" is missing"},
           {"count:numbers", {{"N", -1}}, "want a whole number of at least 0"},
           {"count:numbers", {{"N", 2.5}}, "want a whole number of at least 0"},
           {"count:words_japanese", {{"N", 0}}, "want a whole number of at least 1"},
           {"ratio:stop_words", {{"percentage", "10"}}, "want a number of at least 0"},
           {"format:options", {{"options", json::array({"a"})}}, "want a string"},
           {"format:list", {{"sep", ""}}, "argument \"sep\" is \"\""},
           {"format:emoji", {{"N", 3}}, "\"N\" is not one of this instruction's"},
           {"punctuation:no_comma", json::object(), "unknown instruction id"}}) {
    EXPECT_THAT(ifeval::MakeInstruction(IfbenchTable(), fault.id, fault.kwargs).status().message(),
                HasSubstr(fault.message))
        << fault.id << fault.kwargs;
  }
}

TEST(IfbenchTest, ItsJsonlIsATaskAsItIs) {
  TaskBundle bundle;
  bundle.file = "IFBench_test.jsonl";
  bundle.files[bundle.file] = kRow;
  auto task = ParseTask(bundle);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->name, "IFBench_test");
  EXPECT_EQ(task->capability, "instruction_following");
  EXPECT_EQ(task->checker->version(), "ifbench/1");
  EXPECT_THAT(task->metrics, ElementsAre("pla_loose", "ila_loose", "pla_strict", "ila_strict"));
  EXPECT_EQ(task->items[0].key, "17");
  EXPECT_EQ(task->items[0].prompt.messages[0].content, "Sing in two lines.");
  // Fixed policies are IFEval's alone.
  const CheckResult result = task->checker->CheckResponse(0, "1\n2*3");
  std::vector<std::string> metrics;
  for (const Observation& o : result.observations) metrics.push_back(o.metric);
  EXPECT_THAT(metrics,
              ElementsAre("ila_strict", "pla_strict", "ila_loose", "pla_loose", "empty_response"));
  EXPECT_EQ(result.outcomes[0].explanation, "there is whitespace");
  std::vector<std::string> findings;
  for (const LintFinding& finding : LintTask(*task)) findings.push_back(finding.code);
  EXPECT_THAT(findings, ElementsAre("few_items"));
}

TEST(IfbenchTest, IsACheckerOfTaskFiles) {
  TaskBundle bundle;
  bundle.file = "t.yaml";
  bundle.files["d.jsonl"] = kRow;
  const std::string yaml =
      "dataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ntest_split: test\n"
      "checker: ifbench\n";
  bundle.files["t.yaml"] = yaml;
  auto task = ParseTask(bundle);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->metrics[0], "pla_loose");
  EXPECT_EQ(task->decoding.max_new_tokens, 1280);
  bundle.files["t.yaml"] = yaml + "doc_to_target: a\n";
  EXPECT_THAT(ParseTask(bundle).status().message(), HasSubstr("does not go with checker ifbench"));
}

TEST(IfbenchTest, RowsOfTwoBenchmarksDoNotMix) {
  const std::string mixed = absl::StrCat(
      kRow, "\n",
      R"({"key": 2, "prompt": "x", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]})");
  EXPECT_THAT(ParseIfevalTask(mixed, "f.jsonl", "f").status().message(),
              HasSubstr("f.jsonl:2: key 2: unknown instruction id \"punctuation:no_comma\""));
}

TEST(IfbenchTest, InvalidUtf8AndHugeResponsesAreScored) {
  std::vector<IfevalRow> rows;
  for (const char* id :
       {"format:line_indent", "words:no_consecutive", "format:newline", "format:parentheses",
        "sentence:alliteration_increment", "words:start_verb", "format:quotes", "custom:csv_city",
        "custom:mcq_count_length", "words:palindrome"}) {
    auto row = ParseIfevalRow(
        {{"key", id}, {"prompt", "p"}, {"instruction_id_list", {id}}, {"kwargs", {json::object()}}},
        IfbenchSet());
    ASSERT_THAT(row, IsOk());
    rows.push_back(*std::move(row));
  }
  const IfevalChecker checker(std::move(rows), IfbenchSet());
  for (const char* piece : {"\n", "(", "\"'", "word after word\n", "Question 1: a\n"}) {
    std::string huge;
    while (huge.size() < (1u << 20)) huge += piece;
    for (size_t i = 0; i < checker.rows().size(); ++i) {
      EXPECT_EQ(checker.CheckResponse(i, huge).outcomes.size(), 1u);
    }
  }
  EXPECT_EQ(checker.CheckResponse(1, "\xFF\xFE a \xC3").outcomes.size(), 1u);
}

}  // namespace
}  // namespace plumbline
