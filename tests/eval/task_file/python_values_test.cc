#include "core/eval/task_file/python_literal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/eval/task_file/python_random.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

TEST(PythonLiteralTest, StringsInAllTheirForms) {
  for (const auto& [text, json] : std::vector<std::pair<std::string, std::string>>{
           {"['''it's''', \"\"\"a\nb\"\"\"]", R"(["it's","a\nb"])"},
           {R"([r'\d', R"\"", u'x', '\101\0'])", R"(["\\d","\\\"","x","A\u0000"])"},
           {"['a' \"b\"\n r'\\n']", R"(["ab\\n"])"},
           {"'a\r\nb'", "refused"},
           {"'''a\r\nb\rc'''", R"("a\nb\nc")"},
           {"'a\\\nb'", R"("ab")"},
           {"'', # c\n", R"([""])"},
           {"\n# c\n['a', # c\n'b',]", R"(["a","b"])"},
           {"\n ['a']", "refused"},
           {"'a'\n'b'", "refused"},
           {"0x1F, -1_0, +.5e1, 0b1", "[31,-10,5.0,1]"},
           {"007", "refused"},
           {"Truex", "refused"},
           {"f'x'", "refused"},
           {"ur'x'", "refused"},
           {"[b'x']", "bytes (b'...')"},
           {"rb''", "bytes (b'...')"},
           {"{'a': 1}", "a set or a dict"},
           {"1+2j", "a complex number"},
           {R"('\N{BULLET}')", "a character by its name"},
           {R"('\ud83d')", "half a surrogate pair"},
           {"9223372036854775808", "an integer beyond 64 bits"},
           {"-9223372036854775808", "-9223372036854775808"},
           {"1e999", "a number beyond all bounds"},
           {std::string(18, '[') + std::string(18, ']'), "more than 16 levels"}}) {
    const auto value = ParsePythonLiteral(text);
    if (value.ok()) {
      EXPECT_EQ(value->dump(), json) << text;
    } else if (json == "refused") {
      EXPECT_THAT(value, StatusIs(absl::StatusCode::kInvalidArgument)) << text;
    } else {
      EXPECT_THAT(value, StatusIs(absl::StatusCode::kUnimplemented, HasSubstr(json))) << text;
    }
  }
}

}  // namespace
}  // namespace plumbline
