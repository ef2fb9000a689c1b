#include "core/eval/offline_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "core/eval/task_file/data_rows.h"
#include "tests/eval/task_file/task_file_fixture.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::AllOf;
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

// A row of a task's data has 4 MiB, in every format; a response has more.
TEST(OfflineCheckTest, ARowAboveItsLimitIsNamedWithTheRemedy) {
  const std::string filler(kMaxRowBytes, 'x');
  for (const auto& [name, content, where] : std::vector<std::array<std::string, 3>>{
           {"d.jsonl", "{\"a\": \"\"}\n{\"a\": \"" + filler + "\"}", "d.jsonl:2"},
           {"d.json", "[{\"a\": \"\"}, {\"a\": \"" + filler + "\"}]", "d.json: row 2"},
           {"d.csv", "a\nb\n" + filler + "\n", "d.csv:3"}}) {
    EXPECT_THAT(ParseDataRows(content, name),
                StatusIs(absl::StatusCode::kResourceExhausted,
                         AllOf(HasSubstr(where + ": the row has "),
                               HasSubstr("the limit is 4194304 (4 MiB): shorten it"))));
    EXPECT_THAT(ParseDataRows(content, name, "", {kMaxResponseRowBytes, ""}), IsOk());
  }
}

}  // namespace
}  // namespace plumbline
