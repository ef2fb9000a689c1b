#include "core/eval/multi_if/multi_if.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/eval/multi_if/multilingual_checks.h"
#include "core/eval/offline_check.h"
#include "core/eval/report/groups.h"
#include "core/eval/task_file.h"
#include "core/eval/task_lint.h"
#include "core/text/emoji.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ifeval::Policy;
using ifeval::ResponseText;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A row of two turns in the published form: JSON inside strings, and an empty third turn.
json Row(const std::string& key = "7:1:en") {
  return {{"key", key},
          {"language", "English"},
          {"turn_index", 0},
          {"turns", nullptr},
          {"turn_1_prompt", R"({"role": "user", "content": "Sing."})"},
          {"turn_1_instruction_id_list", R"(["punctuation:no_comma"])"},
          {"turn_1_kwargs", R"(["{}"])"},
          {"turn_2_prompt", R"({"role": "user", "content": "Now in at least 3 words."})"},
          {"turn_2_instruction_id_list",
           R"(["punctuation:no_comma", "length_constraints:number_words"])"},
          {"turn_2_kwargs", R"(["{}", "{\"relation\": \"at least\", \"num_words\": 3}"])"},
          {"turn_3_prompt", "None"},
          {"turn_3_instruction_id_list", ""},
          {"turn_3_kwargs", ""}};
}

Task ParseRows(const std::vector<json>& rows) {
  std::string content;
  for (const json& row : rows) content += row.dump() + "\n";
  TaskBundle bundle;
  bundle.file = "multi_if.jsonl";
  bundle.files[bundle.file] = content;
  auto task = ParseTask(bundle);
  EXPECT_THAT(task, IsOk());
  return task.ok() ? *std::move(task) : Task();
}

double Total(const std::vector<MetricTotal>& totals, absl::string_view metric) {
  for (const MetricTotal& total : totals) {
    if (total.metric == metric) return total.value();
  }
  return -1;
}

bool Follows(const std::string& id, const json& kwargs, const std::string& response) {
  auto instruction = ifeval::MakeInstruction(MultiIfTable(), id, kwargs);
  EXPECT_THAT(instruction, IsOk());
  return (*instruction)->Follows(ResponseText(response), Policy::kReference, nullptr);
}

TEST(MultiIfTest, ItsJsonlIsATaskAsItIs) {
  const Task task = ParseRows({Row()});
  EXPECT_EQ(task.checker->version(), "multi_if/2");
  EXPECT_EQ(task.capability, "instruction_following");
  EXPECT_EQ(task.items[0].key, "7:1:en");
  EXPECT_EQ(task.items[0].prompt.messages[0].content, "Sing.");
  EXPECT_THAT(task.items[0].follow_ups, ElementsAre("Now in at least 3 words."));
  EXPECT_THAT(task.metrics, ElementsAre("turn_2_overall", "turn_2_pla_strict", "turn_2_ila_strict",
                                        "turn_2_pla_loose", "turn_2_ila_loose", "turn_1_overall",
                                        "turn_1_pla_strict", "turn_1_ila_strict",
                                        "turn_1_pla_loose", "turn_1_ila_loose"));
  json other = Row();
  other["turn_2_prompt"] = R"({"role": "user", "content": "Otherwise."})";
  EXPECT_NE(task.version, ParseRows({other}).version);
  other = Row();
  other["turn_1_kwargs"] = json::array({json{{"num_words", nullptr}}});
  EXPECT_EQ(task.version, ParseRows({other}).version);
  EXPECT_EQ(LintTask(ParseRows({Row(), Row("8")}))[0].code, "duplicate_prompt");
}

// Four prompts whose last turns have 1, 1, 2 and 2 instructions: by hand from the definitions.
TEST(MultiIfTest, OverallIsTheMeanOfTheFour) {
  std::vector<json> rows = {Row("a"), Row("b"), Row("c"), Row("d")};
  for (size_t i : {size_t{0}, size_t{1}}) {
    rows[i]["turn_2_instruction_id_list"] = R"(["punctuation:no_comma"])";
    rows[i]["turn_2_kwargs"] = R"(["{}"])";
  }
  const Task task = ParseRows(rows);
  const std::string responses = R"({"key": "a", "responses": ["x, y", "first, line\nsong"]})"
                                "\n"
                                R"({"key": "b", "responses": ["x", "a song"]})"
                                "\n"
                                R"({"key": "c", "responses": ["x", "a song, yes"]})"
                                "\n"
                                R"({"key": "d", "responses": ["x", "  "]})";
  auto check = CheckResponses(task, responses, "r.jsonl");
  ASSERT_THAT(check, IsOk());
  const std::vector<MetricTotal> totals = SumMetrics(check->items);
  EXPECT_DOUBLE_EQ(Total(totals, "turn_1_pla_strict"), 3 / 4.0);
  EXPECT_DOUBLE_EQ(Total(totals, "turn_2_pla_strict"), 1 / 4.0);
  EXPECT_DOUBLE_EQ(Total(totals, "turn_2_ila_strict"), 2 / 6.0);
  EXPECT_DOUBLE_EQ(Total(totals, "turn_2_pla_loose"), 2 / 4.0);
  EXPECT_DOUBLE_EQ(Total(totals, "turn_2_ila_loose"), 3 / 6.0);
  EXPECT_DOUBLE_EQ(Total(totals, "turn_2_overall"), (1 / 4.0 + 2 / 6.0 + 2 / 4.0 + 3 / 6.0) / 4);
  EXPECT_DOUBLE_EQ(Total(totals, "empty_response"), 1 / 8.0);
  EXPECT_EQ(check->items[0].response, R"(["x, y","first, line\nsong"])");
  EXPECT_EQ(check->items[2].result.outcomes[2].id, "turn_2/length_constraints:number_words");
}

// The paper's accuracy of each language and turn.
TEST(MultiIfTest, ScoresAreReportedByLanguage) {
  std::vector<json> rows = {Row("a"), Row("b"), Row("c")};
  rows[0]["language"] = rows[1]["language"] = "Thai";
  rows[1]["turn_2_instruction_id_list"] = R"(["punctuation:no_comma"])";
  rows[1]["turn_2_kwargs"] = R"(["{}"])";
  const Task task = ParseRows(rows);
  EXPECT_EQ(task.group_by, "language");
  ReportInput input;
  input.subjects = {{.model = "m"}};
  input.tasks = {{.name = "t", .version = "v", .capability = "c", .metrics = task.metrics}};
  input.tasks[0].prompts = 3;
  for (const auto& [index, second] :
       std::vector<std::pair<size_t, std::string>>{{0, "a, b"}, {1, "c"}, {2, "a b c"}}) {
    const CheckResult result = task.checker->CheckTurns(index, {"x", second});
    input.verdicts.push_back({.key = task.items[index].key, .observations = result.observations});
  }
  ASSERT_OK_AND_ASSIGN(const auto groups, BuildGroups(input, {&task}));
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].name, "English");
  EXPECT_EQ(groups[1].name, "Thai");
  EXPECT_THAT(groups[1].headline, ElementsAre("turn_2_overall", "turn_1_overall"));
  EXPECT_EQ(groups[1].cells[0].metric, "turn_2_overall");
  EXPECT_DOUBLE_EQ(groups[0].cells[0].value, 1);
  EXPECT_DOUBLE_EQ(groups[1].cells[0].value, (1 / 2.0 + 1 / 3.0) / 2);
  EXPECT_EQ(groups[1].cells[0].prompts, 2);
  rows[2].erase("language");
  EXPECT_EQ(ParseRows(rows).group_by, "");
  EXPECT_EQ(ParseRows(rows).version, task.version);
}

TEST(MultiIfTest, ABadRowIsNamed) {
  struct Fault {
    const char* field;
    json value;
    const char* message;
  };
  for (const Fault& fault : std::vector<Fault>{
           {"turn_1_prompt", nullptr, "\"turn_1_prompt\" is missing"},
           {"turn_1_prompt", "{", "\"turn_1_prompt\" is not JSON"},
           {"turn_1_prompt", R"({"role": "user"})", "is no {\"role\""},
           {"turn_2_instruction_id_list", "", "\"turn_2_instruction_id_list\" is missing"},
           {"turn_2_kwargs", R"(["{}"])", "must be a list of 2 objects"},
           {"turn_2_kwargs", R"(["{}", "{"])", "\"turn_2_kwargs\"[1] is not JSON"},
           {"turn_2_kwargs", R"(["{}", "{}"])",
            "turn 2: instruction \"length_constraints:number"}}) {
    json row = Row();
    row[fault.field] = fault.value;
    const absl::Status status = ParseMultiIfRow(row).status();
    EXPECT_THAT(status.message(), HasSubstr(fault.message)) << fault.field;
    EXPECT_THAT(status.message(), HasSubstr("key 7:1:en")) << fault.field;
  }
}

TEST(MultiIfTest, ResponsesAreAsManyAsTurns) {
  const Task task = ParseRows({Row()});
  EXPECT_THAT(
      CheckResponses(task, R"({"key": "7:1:en", "responses": ["a"]})", "r").status().message(),
      HasSubstr("r:1: key \"7:1:en\" has 2 turns: want \"responses\""));
  EXPECT_THAT(CheckResponses(task, R"({"key": "7:1:en", "response": "a"})", "r").status().message(),
              HasSubstr("has 2 turns"));
}

// Numbers of the reference's functions (tests/oracle/eval/multi_if_differential.py compares many).
TEST(MultiIfTest, CountsByLanguage) {
  using multi_if::CountChineseJapaneseSentences;
  using multi_if::CountChineseJapaneseWords;
  using multi_if::CountHindiSentences;
  using multi_if::CountThaiSentences;
  EXPECT_EQ(CountChineseJapaneseSentences("今天天气很好。你好吗？！好\n\n 完"), 4);
  EXPECT_EQ(CountChineseJapaneseSentences("。。。"), 0);
  EXPECT_EQ(CountHindiSentences(U"यह है। क्या? हाँ!! और"), 5);
  EXPECT_EQ(CountHindiSentences(U"हाँ।  \n"), 1);
  EXPECT_EQ(CountThaiSentences("จริงหรือ? ใช่!  \n\nสวัสดีครับ\r\nผมไปเที่ยว"), 4);
  EXPECT_EQ(CountChineseJapaneseWords(U"こんにちは、Jason? Nice to meet you☺ ❤"), 12);
  EXPECT_EQ(CountChineseJapaneseWords(U"中文abc 한국 def，ghi"), 6);
}

TEST(MultiIfTest, CountsFollowTheResponsesLanguage) {
  const json five = {{"num_sentences", 2}, {"relation", "at least"}};
  EXPECT_TRUE(Follows("length_constraints:number_sentences", five,
                      "今天天气很好，我们去公园散步。你觉得怎么样？"));
  EXPECT_FALSE(Follows("length_constraints:number_sentences", five,
                       "Ceci est une phrase; et voilà ce que je pense du temps。"));
  EXPECT_TRUE(Follows("length_constraints:number_words",
                      {{"num_words", 11}, {"relation", "at least"}},
                      "今天天气很好，我们去公园散步。"));
  // Nine words, the spaces among them.
  const std::string thai = "สวัสดีครับ วันนี้อากาศดีมาก ผมไปเที่ยว";
  EXPECT_TRUE(Follows("length_constraints:number_words",
                      {{"num_words", 9}, {"relation", "at least"}}, thai));
  EXPECT_FALSE(Follows("length_constraints:number_words",
                       {{"num_words", 10}, {"relation", "at least"}}, thai));
  EXPECT_TRUE(Follows("length_constraints:number_sentences", five, thai));
}

TEST(MultiIfTest, KnowsThreeKindsOfQuotationMarks) {
  for (const char* text : {"\"a\"", " “a” ", "「a」"}) {
    EXPECT_TRUE(Follows("startend:quotation", json::object(), text)) << text;
  }
  for (const char* text : {"\"", "“a\"", "『a』", "”a“"}) {
    EXPECT_FALSE(Follows("startend:quotation", json::object(), text)) << text;
  }
}

TEST(RemoveEmojiTest, CountsSequencesOnce) {
  struct Example {
    const char32_t* text;
    size_t count;
    const char32_t* rest;
  };
  for (const Example& example : std::vector<Example>{
           {U"", 0, U""},
           {U"a1 #b", 0, U"a1 #b"},
           {U"👍🏽👨‍👩‍👧🇩🇪", 3, U""},
           {U"1️⃣ 1", 1, U" 1"},
           {U"😀‍😀x", 2, U"x"},  // joined, but no sequence: two, and the joiner goes
           {U"a\xFE0F‍b", 0, U"a‍b"},
           {U"🇩", 0, U"🇩"}}) {
    std::u32string rest;
    EXPECT_EQ(RemoveEmoji(example.text, &rest), example.count);
    EXPECT_EQ(rest, example.rest);
  }
}

}  // namespace
}  // namespace plumbline
