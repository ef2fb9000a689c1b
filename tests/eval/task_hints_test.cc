#include "core/eval/task_hints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/eval/task_file.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using testing::ElementsAre;

Task Parse(const std::string& rows, const std::string& more = "", const std::string& train = "") {
  TaskBundle bundle;
  bundle.file = "t.yaml";
  bundle.files["t.yaml"] =
      "dataset_path: json\ndataset_kwargs: {data_files: {test: t.jsonl, train: train.jsonl}}\n"
      "test_split: test\ntraining_split: train\ndoc_to_text: \"Q: {{q}}\\nA:\"\n"
      "doc_to_target: a\n" +
      more;
  bundle.files["t.jsonl"] = rows;
  bundle.files["train.jsonl"] = train.empty() ? "{\"q\": \"x\", \"a\": \"y\"}\n" : train;
  auto task = ParseTask(bundle);
  EXPECT_OK(task);
  return task.ok() ? *std::move(task) : Task();
}

std::string Row(const std::string& q, const std::string& a) {
  return "{\"q\": \"" + q + "\", \"a\": \"" + a + "\"}\n";
}

TEST(TaskHintsTest, AFineTaskHasNone) {
  const Task task = Parse(Row("one", "1") + Row("two", "2"));
  EXPECT_TRUE(FindTaskHints({{&task, 100}}).empty());
}

TEST(TaskHintsTest, DuplicatesAndAnswersInQuestionsAreFound) {
  const Task task =
      Parse(Row("one", "1") + Row("Is it Paris?", " Paris ") + Row("one", "other") + Row("1", "1"));
  const auto hints = FindTaskHints({{&task, 100}});
  ASSERT_EQ(hints.size(), 2u);
  EXPECT_EQ(hints[0].kind, TaskHint::kDuplicatePrompt);
  EXPECT_THAT(hints[0].keys, ElementsAre("0", "2"));
  EXPECT_EQ(hints[1].kind, TaskHint::kAnswerInPrompt);
  EXPECT_THAT(hints[1].keys, ElementsAre("1")) << "\"1\" is too short to tell";
  // Of the first prompts only.
  EXPECT_TRUE(FindTaskHints({{&task, 1}}).empty());
}

// The same question with other examples above it is the same question; an answer in the examples
// alone is none in the question.
TEST(TaskHintsTest, ExamplesAreNotTheQuestion) {
  const std::string train = Row("one", "Berlin") + Row("three", "Berlin") + Row("four", "Berlin");
  const std::string shots = "num_fewshot: 2\n";
  for (const char* format : {"plain", "chat"}) {
    const Task task = Parse(Row("two", "Berlin") + Row("two", "Rome") + Row("five", "Berlin"),
                            shots + "prompt_format: " + format + "\n", train);
    const auto hints = FindTaskHints({{&task, 100}});
    ASSERT_EQ(hints.size(), 1u) << format;
    EXPECT_EQ(hints[0].kind, TaskHint::kDuplicatePrompt);
    EXPECT_EQ(hints[0].prompts, 2u);
    EXPECT_EQ(QuestionOf(task.items[0]), "Q: two\nA:");
  }
}

TEST(TaskHintsTest, AnExampleThatIsTheQuestionIsFound) {
  const Task task =
      Parse(Row("two", "2") + Row("one", "1"),
            "num_fewshot: 1\nfewshot_config: {sampler: first_n}\n", Row("one", "elsewhere"));
  const auto hints = FindTaskHints({{&task, 100}});
  ASSERT_EQ(hints.size(), 1u);
  EXPECT_EQ(hints[0].kind, TaskHint::kExampleIsPrompt);
  EXPECT_THAT(hints[0].keys, ElementsAre("1"));
}

TEST(TaskHintsTest, PromptsInTwoTasksAreFoundFromBothSides) {
  const Task first = Parse(Row("one", "1") + Row("two", "2"));
  const Task second = Parse(Row("two", "zwei") + Row("three", "3") + Row("two ", "2"));
  const auto hints = FindTaskHints({{&first, 100}, {&second, 100}});
  ASSERT_EQ(hints.size(), 2u);
  EXPECT_EQ(hints[0].kind, TaskHint::kPromptInOtherTask);
  EXPECT_EQ(hints[0].task, 0);
  EXPECT_EQ(hints[0].other_task, 1);
  EXPECT_THAT(hints[0].keys, ElementsAre("1"));
  EXPECT_EQ(hints[1].task, 1);
  EXPECT_THAT(hints[1].keys, ElementsAre("0"));
}

}  // namespace
}  // namespace plumbline
