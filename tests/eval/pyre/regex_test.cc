#include "core/eval/pyre/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "core/text/python_unicode.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

PyRegex Compiled(absl::string_view pattern, PyRegexFlags flags = {}) {
  auto regex = PyRegex::Compile(pattern, flags);
  EXPECT_THAT(regex, IsOk()) << std::string(pattern);
  return *regex;
}

std::vector<std::string> FindAll(absl::string_view pattern, absl::string_view text,
                                 PyRegexFlags flags = {}) {
  std::vector<std::string> found;
  for (const auto& match : Compiled(pattern, flags).FindAllStrings(python::ToCodePoints(text))) {
    std::string joined;
    for (size_t i = 0; i < match.size(); ++i)
      joined += (i > 0 ? "|" : "") + python::ToUtf8(match[i]);
    found.push_back(joined);
  }
  return found;
}

TEST(PyRegexTest, FindsWhatFindallFinds) {
  EXPECT_THAT(FindAll("a|ab", "abab"), ElementsAre("a", "a"));
  EXPECT_THAT(FindAll("a*", "baac"), ElementsAre("", "aa", "", ""));
  EXPECT_THAT(FindAll(R"(\[.*?\])", "[a] [b\n] []"), ElementsAre("[a]", "[]"));
  EXPECT_THAT(FindAll("(a)|(b)", "ab"), ElementsAre("a|", "|b"));
  EXPECT_THAT(FindAll(R"(^\s*-.*$)", "- a\n\n  - b\nc", {.multi_line = true}),
              ElementsAre("- a", "\n  - b"));
}

TEST(PyRegexTest, KnowsPythonsUnicode) {
  EXPECT_THAT(FindAll(R"(\w+)", "naïve 日本 ٣_x"), ElementsAre("naïve", "日本", "٣_x"));
  EXPECT_THAT(FindAll("k", "Kk\xE2\x84\xAA", {.ignore_case = true}),
              ElementsAre("K", "k", "\xE2\x84\xAA"));
  EXPECT_THAT(FindAll("(?i)straße", "STRASSE straße"), ElementsAre("straße"));
  EXPECT_TRUE(Compiled(R"(\bété\b)").Search(python::ToCodePoints("l'été.")));
  EXPECT_FALSE(Compiled(R"(\bt)").Search(python::ToCodePoints("été")));
  EXPECT_FALSE(Compiled(R"(\b|\B)").Search(U""));
}

TEST(PyRegexTest, SplitsAndRemoves) {
  EXPECT_THAT(Compiled(R"(\s?\*\*\*\s?)").Split(U"a ***b***"), ElementsAre(U"a", U"b", U""));
  EXPECT_EQ(Compiled("(?s).*#### ").Remove(U"x\n#### 1\n#### 18"), U"18");
}

TEST(PyRegexTest, LooksAround) {
  EXPECT_THAT(FindAll("(?<=the answer is )(.*)(?=.)", "so the answer is (B).\nthe answer is x"),
              ElementsAre("(B)", ""));
  EXPECT_THAT(FindAll(R"((?<!\d)\d{2}(?!\d))", "12 345 67"), ElementsAre("12", "67"));
  EXPECT_THAT(FindAll("(?=ab)", "abab"), ElementsAre("", ""));
  EXPECT_THAT(FindAll("(?:(?=a)|b)*c", "bc ac"), ElementsAre("bc", "c"));
  EXPECT_THAT(FindAll("(?i)(?<=É(?!x))k", "ék éxk"), ElementsAre("k"));
  EXPECT_THAT(FindAll("a(?!)", "a"), ElementsAre());
  EXPECT_THAT(FindAll("(?<=^a)b$", "ab\nab", {.multi_line = true}), ElementsAre("b", "b"));
}

TEST(PyRegexTest, RefusesWhatPythonRefuses) {
  for (absl::string_view pattern :
       {"*a", "(a", "a)", "[a", "a{2,1}", "a**", "\\", "\\q", "a(?i)b", "(?P<1>a)", "[z-a]",
        "(?<a)", "\\1", "(?=a", "(?<=a*)b", "(?<!ab|c)"}) {
    EXPECT_THAT(PyRegex::Compile(pattern),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("regular expression")))
        << std::string(pattern);
  }
}

TEST(PyRegexTest, NamesWhatItCannotBound) {
  EXPECT_THAT(PyRegex::Compile(R"((a)\1)"),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("the back-reference")));
  EXPECT_THAT(PyRegex::Compile("(?=(a))"),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("inside the look-around")));
  EXPECT_THAT(PyRegex::Compile("a++b"),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("possessive")));
  EXPECT_THAT(PyRegex::Compile("(((a{100}){100}){100})"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("20000 instructions")));
}

TEST(PyRegexTest, TakesAKeywordThatHappensToBePossessive) {
  EXPECT_THAT(FindAll("c++", "C++ and accc", {.ignore_case = true}), ElementsAre("C", "ccc"));
  EXPECT_TRUE(Compiled(R"(\bc++\b)").Search(U"in cc"));
}

TEST(PyRegexTest, CatastrophicPatternsStayLinear) {
  const std::u32string text(200'000, U'a');
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(Compiled("(a+)+b").Search(text));
  EXPECT_FALSE(Compiled("(a|a)*c").Search(text));
  EXPECT_FALSE(Compiled("(.*)*\\n").Search(text));
  EXPECT_FALSE(Compiled("a(?=(?:a|a)*c)").Search(text));
  EXPECT_EQ(Compiled("(?<=a(?=a*$))a").Count(text), text.size() - 1);
  // Backtracking would take longer than the universe has; a slow machine under load takes seconds.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace plumbline
