#include "core/eval/task_file/item_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/eval/task_file/task_file_fixture.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;

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

TEST(ItemBuilderTest, ChoicesThatAreContexts) {
  auto task = Parse(Yaml("output_type: multiple_choice\ndoc_to_text: '{{label}}'\n"
                         "doc_to_target: rest\ndoc_to_choice: '{{[a, b]}}'\n"),
                    R"({"a": "Ann", "b": "Bob", "label": 1, "rest": "fell."})");
  ASSERT_THAT(task, IsOk());
  ASSERT_EQ(task->items[0].choice_prompts.size(), 2u);
  EXPECT_EQ(task->items[0].choice_prompts[1].text, "Bob");
  EXPECT_THAT(task->items[0].choices, ElementsAre(" fell.", " fell."));
  EXPECT_EQ(task->items[0].gold_choice, 1);
}

}  // namespace
}  // namespace plumbline
