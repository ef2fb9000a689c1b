#include "core/eval/task_lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;

Task PlainTask(const std::vector<std::pair<std::string, std::string>>& rows) {
  Task task;
  task.capability = "knowledge";
  task.decoding.stop = {"\n"};
  for (const auto& [prompt, target] : rows) {
    TaskItem item;
    item.key = absl::StrCat(task.items.size());
    item.prompt.text = prompt;
    item.target = target;
    task.items.push_back(item);
  }
  return task;
}

std::vector<std::string> Codes(const Task& task) {
  std::vector<std::string> codes;
  for (const LintFinding& finding : LintTask(task)) codes.push_back(finding.code);
  return codes;
}

TEST(TaskLintTest, AFineTaskHasNoFindings) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (int i = 0; i < 60; ++i) rows.emplace_back(absl::StrCat("Q: what is ", i, "?\nA:"), "thing");
  EXPECT_THAT(Codes(PlainTask(rows)), ElementsAre());
}

TEST(TaskLintTest, NamesWhatIsSuspicious) {
  Task task = PlainTask(
      {{"Q: Paris?\nA:", "Paris"}, {"Q: x?", "long answer"}, {"Q: x?", "no"}, {"end ", "y"}});
  EXPECT_THAT(Codes(task),
              ElementsAre("duplicate_prompt", "answer_in_prompt", "trailing_space", "few_items"));
  EXPECT_THAT(LintTask(task)[0].keys, ElementsAre("1", "2"));
  task.decoding.stop.clear();
  task.capability = "other";
  EXPECT_THAT(Codes(task), ElementsAre("duplicate_prompt", "answer_in_prompt", "trailing_space",
                                       "few_items", "no_stop", "no_capability"));
}

TEST(TaskLintTest, LooksAtChoices) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (int i = 0; i < 60; ++i) rows.emplace_back(absl::StrCat("Q", i), "a");
  Task task = PlainTask(rows);
  task.output_type = OutputType::kMultipleChoice;
  for (TaskItem& item : task.items) {
    item.choices = {" a", " b"};
    item.gold_choice = 0;
  }
  task.items[3].choices = {"  a", "  a"};
  EXPECT_THAT(Codes(task), ElementsAre("duplicate_choice", "double_space", "one_sided_gold"));
  task.items[5].choices = {" a", " b", " c"};
  task.items[5].doc_target = "[0, 2]";
  EXPECT_THAT(Codes(task), ElementsAre("duplicate_choice", "double_space", "one_sided_gold"));
  task.items[5].doc_target = "[0, 1, 0]";
  EXPECT_THAT(Codes(task),
              ElementsAre("duplicate_choice", "double_space", "gold_mask", "one_sided_gold"));
}

TEST(ShowPromptTest, ShowsTurns) {
  Prompt chat;
  chat.format = PromptFormat::kChat;
  chat.messages = {{"system", "s"}, {"user", "u"}};
  EXPECT_EQ(ShowPrompt(chat), "<system>\ns\n\n<user>\nu");
}

TEST(ShowItemTest, ShowsEveryTurnAndWhereTheResponsesGo) {
  TaskItem item;
  item.prompt.format = PromptFormat::kChat;
  item.prompt.messages = {{"user", "one"}};
  EXPECT_EQ(ShowItem(item), "<user>\none");
  item.follow_ups = {"two", "three"};
  EXPECT_EQ(ShowItem(item),
            "<user>\none\n\n<assistant>\n[response 1]\n\n<user>\ntwo\n\n<assistant>\n[response 2]"
            "\n\n<user>\nthree\n\n<assistant>\n[response 3]");
}

}  // namespace
}  // namespace plumbline
