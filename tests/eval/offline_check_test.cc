#include "core/eval/offline_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/eval/task_file/task_file_fixture.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;

TEST(OfflineCheckTest, RowsThatDoNotFitAreNamed) {
  auto task = ParseIfevalTask(kIfevalRow, "p.jsonl", "ifeval");
  ASSERT_THAT(task, IsOk());
  auto check = CheckResponses(*task, R"({"key": 1, "response": "a, b"})", "r.jsonl");
  ASSERT_THAT(check, IsOk());
  EXPECT_FALSE(check->items[0].result.outcomes[0].strict);
  EXPECT_THAT(CheckResponses(*task, R"({"key": "1", "response": "a"})", "r.jsonl"), IsOk());
  EXPECT_THAT(CheckResponses(*task, R"({"prompt": "No commas.", "response": "a"})", "r.jsonl"),
              IsOk());
  for (const auto& [rows, message] : std::vector<std::pair<std::string, std::string>>{
           {"{\"key\": 1, \"response\": \"a\"}\n{\"key\": 1, \"response\": \"b\"}",
            "r.jsonl:2: a second response"},
           {R"({"key": 9, "response": "a"})", "r.jsonl:1: key \"9\" is not in task"},
           {R"({"key": 1})", "r.jsonl:1: \"response\" is missing"},
           {R"({"response": "a"})", "r.jsonl:1: want"},
           {"oops", "r.jsonl:1: not JSON"},
           {"", "no responses"}}) {
    EXPECT_THAT(CheckResponses(*task, rows, "r.jsonl").status().message(), HasSubstr(message))
        << rows;
  }
}

}  // namespace
}  // namespace plumbline
