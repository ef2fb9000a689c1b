#include "core/eval/task_file/python_literal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/eval/task_file/python_random.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;

TEST(PythonRandomTest, DrawsWhatCPythonDraws) {
  // random.Random(1234).sample(range(100), 5), then .sample(range(10), 3), then .sample(range(30),
  // 6), then .sample(range(1000), 5)
  PythonRandom random(1234);
  EXPECT_THAT(random.Sample(100, 5), ElementsAre(99, 56, 14, 0, 11));
  EXPECT_THAT(random.Sample(10, 3), ElementsAre(9, 0, 1));
  EXPECT_THAT(random.Sample(30, 6), ElementsAre(3, 24, 11, 7, 0, 25));
  EXPECT_THAT(random.Sample(1000, 5), ElementsAre(807, 16, 354, 663, 638));
}

TEST(PythonLiteralTest, ReadsListsOfTexts) {
  auto list = ParsePythonLiteral(R"(['it\'s', "a \"b\"", 'caf\xe9', 3, -1.5, True, None, ('x',)])");
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->dump(), R"(["it's","a \"b\"","café",3,-1.5,true,null,["x"]])");
  for (absl::string_view bad : {"['a'", "['a' 'b'", "[x]", "", "['a']]", "['a\n']"}) {
    EXPECT_THAT(ParsePythonLiteral(bad), StatusIs(absl::StatusCode::kInvalidArgument))
        << std::string(bad);
  }
}

}  // namespace
}  // namespace plumbline
