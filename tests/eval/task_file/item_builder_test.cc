#include "core/eval/task_file/item_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/eval/task_file/task_file_fixture.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ItemBuilderTest, GenerationTaskWithFewshotRows) {
  auto task = Parse(Yaml("task: sums\ncapability: numeric\ndoc_to_text: 'Q: {{q}}\nA:'\n"
                         "doc_to_target: a\nnum_fewshot: 1\ndescription: 'Add. '\n"
                         "fewshot_config: {sampler: first_n, samples: [{q: 1+1, a: '2'}]}\n"
                         "generation_kwargs: {until: ['Q:'], max_gen_toks: 16}\n"),
                    R"({"q": "2+2", "a": 4})");
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->name, "sums");
  // A single-quoted YAML text folds its line break into a space.
  EXPECT_EQ(task->items[0].prompt.text, "Add. Q: 1+1 A: 2\n\nQ: 2+2 A:");
  EXPECT_EQ(task->items[0].target, "4");
  EXPECT_EQ(task->items[0].key, "0");
  EXPECT_THAT(task->decoding.stop, ElementsAre("Q:"));
  EXPECT_THAT(task->metrics, ElementsAre("exact_match"));
}

TEST(ItemBuilderTest, ChatFormatMakesTurns) {
  auto task = Parse(Yaml("doc_to_text: q\ndoc_to_target: a\nnum_fewshot: 1\nprompt_format: chat\n"
                         "description: Be brief.\n"
                         "fewshot_config: {sampler: first_n, samples: [{q: 1+1, a: '2'}]}\n"),
                    R"({"q": "2+2", "a": "4"})");
  ASSERT_THAT(task, IsOk());
  std::vector<std::string> turns;
  for (const ChatMessage& m : task->items[0].prompt.messages)
    turns.push_back(m.role + ":" + m.content);
  EXPECT_THAT(turns, ElementsAre("system:Be brief.", "user:1+1", "assistant:2", "user:2+2"));
}

TEST(ItemBuilderTest, MultipleChoice) {
  auto task =
      Parse(Yaml("output_type: multiple_choice\ndoc_to_text: '{{q}}\\n'\ndoc_to_target: gold\n"
                 "doc_to_choice: '{{opts}}'\nmetric_list: [{metric: acc}, {metric: acc_norm}]\n"),
            R"({"q": "Sky?", "opts": ["blue", "it's \"red\""], "gold": 1})");
  ASSERT_THAT(task, IsOk());
  EXPECT_THAT(task->items[0].choices, ElementsAre(" blue", " it's \"red\""));
  EXPECT_EQ(task->items[0].gold_choice, 1);
  EXPECT_THAT(task->metrics, ElementsAre("accuracy", "acc_norm"));
  const CheckResult result = task->checker->CheckChoices(0, {{-10, false, 1}, {-12, false, 4}});
  EXPECT_THAT(result.observations,
              ElementsAre(Observation{"accuracy", 0, 1}, Observation{"acc_norm", 1, 1},
                          Observation{"acc_bytes", 1, 1}));
  // A tie goes to the first choice.
  EXPECT_EQ(task->checker->CheckChoices(0, {{-1, false, 1}, {-1, false, 1}}).extracted, "0");
}

const char kChoices[] = "output_type: multiple_choice\ndoc_to_text: q\ndoc_to_choice: opts\n";

TEST(ItemBuilderTest, SeveralRightChoices) {
  const std::string yaml = Yaml(absl::StrCat(
      kChoices, "doc_to_target: golds\nmetric_list: [{metric: acc}, {metric: exact_match}]\n"));
  const std::string rows = R"({"q": "Sky?", "opts": ["a", "b", "c"], "golds": [2, 0, 2]}
{"q": "Sea?", "opts": ["a", "b", "c"], "golds": [1]})";
  auto task = Parse(yaml, rows);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->items[0].gold_choice, 2);
  EXPECT_THAT(task->items[0].other_gold_choices, ElementsAre(0));
  EXPECT_EQ(task->items[0].target, "c");
  EXPECT_EQ(task->items[0].doc_target, "[2, 0, 2]");
  EXPECT_THAT(task->items[1].other_gold_choices, ElementsAre());
  // Any of them is right.
  EXPECT_THAT(
      task->checker->CheckChoices(0, {{-1, true, 1}, {-2, false, 1}, {-3, false, 1}}).observations,
      ElementsAre(Observation{"accuracy", 1, 1}, Observation{"acc_norm", 1, 1},
                  Observation{"acc_bytes", 1, 1}, Observation{"exact_match", 1, 1}));
  EXPECT_THAT(
      task->checker->CheckChoices(0, {{-2, false, 1}, {-1, true, 1}, {-3, false, 1}}).observations,
      ElementsAre(Observation{"accuracy", 0, 1}, Observation{"acc_norm", 0, 1},
                  Observation{"acc_bytes", 0, 1}, Observation{"exact_match", 0, 1}));
  auto one = Parse(yaml, absl::StrReplaceAll(rows, {{"[2, 0, 2]", "[2]"}}));
  ASSERT_THAT(one, IsOk());
  EXPECT_NE(one->version, task->version);
  // A list of one is that one, to the version too.
  auto index = Parse(yaml, absl::StrReplaceAll(rows, {{"[2, 0, 2]", "2"}, {"[1]", "1"}}));
  ASSERT_THAT(index, IsOk());
  EXPECT_EQ(index->version, one->version);
}

TEST(ItemBuilderTest, ABooleanIsAnIndex) {
  auto task = Parse(Yaml(absl::StrCat(kChoices,
                                      "doc_to_target: is\nnum_fewshot: 1\n"
                                      "fewshot_config: {sampler: first_n, samples: [{q: '1', opts: "
                                      "[x, z], is: true}]}\n")),
                    R"({"q": "2", "opts": ["no", "yes"], "is": true})");
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->items[0].gold_choice, 1);
  EXPECT_EQ(task->items[0].doc_target, "True");
  EXPECT_EQ(task->items[0].prompt.text, "1 z\n\n2");
  const std::string row = R"({"q": "2", "opts": ["no", "yes"]})";
  task = Parse(Yaml(absl::StrCat(kChoices, "doc_to_target: false\n")), row);
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->items[0].gold_choice, 0);
  task = Parse(Yaml(absl::StrCat(kChoices, "doc_to_target: [0, true]\n")), row);
  ASSERT_THAT(task, IsOk());
  EXPECT_THAT(task->items[0].other_gold_choices, ElementsAre(1));
}

TEST(ItemBuilderTest, TheFirstRowSaysWhatATargetIs) {
  for (const auto& [target, rows, message] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"g", "{\"q\": \"1\", OPTS, \"g\": [0]}\n{\"q\": \"2\", OPTS, \"g\": 1}",
            "d.jsonl:2: t.yaml:7: doc_to_target: gives no list here, and one in the first row"},
           {"g", "{\"q\": \"1\", OPTS, \"g\": 1}\n{\"q\": \"2\", OPTS, \"g\": [0]}",
            "d.jsonl:2: t.yaml:7: doc_to_target: gives a list here, and none in the first row"},
           {"g", R"({"q": "1", OPTS, "g": []})", "is an empty list"},
           {"g", R"({"q": "1", OPTS, "g": ["a"]})",
            "has in its list a value that is string, want indices"},
           {"g", R"({"q": "1", OPTS, "g": [0, 2]})", "\"2\" is not one of the 2 choices"},
           {"g", R"({"q": "1", OPTS, "g": 1.5})", "is number, want an index"},
           {"'{{g}}'", R"({"q": "1", OPTS, "g": "[b'x']"})",
            "a Python literal with bytes (b'...'), which is no value here, at byte 1"}}) {
    const auto task = Parse(Yaml(absl::StrCat(kChoices, "doc_to_target: ", target, "\n")),
                            absl::StrReplaceAll(rows, {{"OPTS", R"("opts": ["a", "b"])"}}));
    EXPECT_THAT(task.status().message(), HasSubstr(message)) << rows;
  }
  auto task = Parse(Yaml("output_type: multiple_choice\ndoc_to_choice: [x, z]\ndoc_to_target: a\n"
                         "doc_to_text: '{{q}}'\n"),
                    "{\"q\": \"?\", \"a\": \"x\"}\n{\"q\": \"1\", \"a\": \"z\"}");
  EXPECT_THAT(task.status().message(),
              HasSubstr("doc_to_text: gives an index here, and a text in the first row"));
  // Without choices, a text that reads as a list is a text where the first row has none.
  task = Parse(Yaml("doc_to_text: q\ndoc_to_target: '{{a}}'\n"),
               "{\"q\": \"1\", \"a\": \"7\"}\n{\"q\": \"2\", \"a\": \"[1,2]\"}");
  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->items[1].target, "[1, 2]");
  EXPECT_EQ(task->checker->CheckResponse(1, "1").observations[0].successes, 0);
  EXPECT_EQ(task->checker->CheckResponse(1, "[1, 2]").observations[0].successes, 1);
}

TEST(ItemBuilderTest, ChoicesThatAreContexts) {
  auto task = Parse(Yaml("output_type: multiple_choice\ndoc_to_text: '{{label}}'\n"
                         "doc_to_target: rest\ndoc_to_choice: '{{[a, b]}}'\n"),
                    R"({"a": "Ann", "b": "Bob", "label": 1, "rest": "fell."})");
  ASSERT_THAT(task, IsOk());
  ASSERT_EQ(task->items[0].choice_prompts.size(), 2u);
  EXPECT_EQ(task->items[0].choice_prompts[1].text, "Bob");
  EXPECT_THAT(task->items[0].choices, ElementsAre(" fell.", " fell."));
  EXPECT_EQ(task->items[0].gold_choice, 1);
  // A boolean is an index, and what continues a context may be a number.
  task = Parse(Yaml("output_type: multiple_choice\ndoc_to_text: label\n"
                    "doc_to_target: rest\ndoc_to_choice: '{{[a, b]}}'\n"),
               R"({"a": "Ann has", "b": "Bob has", "label": true, "rest": 5})");
  ASSERT_THAT(task, IsOk());
  EXPECT_THAT(task->items[0].choices, ElementsAre(" 5", " 5"));
  EXPECT_EQ(task->items[0].gold_choice, 1);
}

}  // namespace
}  // namespace plumbline
