#include "core/lora/python_regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

bool Matches(const char* pattern, const char* text) {
  const auto regex = CompilePythonRegex(pattern);
  EXPECT_OK(regex);
  return regex.ok() && RE2::FullMatch(text, **regex);
}

TEST(PythonRegex, MatchesAsPython) {
  EXPECT_TRUE(Matches(R"(.*\.(q|v)_proj)", "model.layers.0.self_attn.q_proj"));
  EXPECT_TRUE(Matches(R"(model\.layers\.[\d]{1,}\..*)", "model.layers.10.mlp"));
  EXPECT_TRUE(Matches(R"((?:.*?(?:language|text).*?)|(?:\bmodel\.layers\.\d+))", "model.layers.3"));
  EXPECT_TRUE(Matches(R"(abc\Z)", "abc"));
  EXPECT_TRUE(Matches(R"([]a]+)", "]a"));
  EXPECT_TRUE(Matches(R"([^]]+)", "abc"));
  EXPECT_TRUE(Matches(R"(\++)", "++"));
  EXPECT_TRUE(Matches(R"([(?=]+)", "(?="));
  EXPECT_FALSE(Matches("q_proj", "model.q_proj"));
}

TEST(PythonRegex, RefusesWhatRe2ReadsDifferently) {
  for (const char* pattern :
       {"(?=a)", "(?!a)b", "(?<=a)b", "(?<!a)b", "(?>a)", R"((a)\1)", "(?P<n>a)(?P=n)", "a{,3}",
        "a*+", "a++", "a?+", "a{2}+", "[[:alpha:]]", R"(\Qa\E)", R"(\pL)", "(?#comment)a",
        "(a)?(?(1)b|c)"}) {
    EXPECT_THAT(CompilePythonRegex(pattern), StatusIs(absl::StatusCode::kUnimplemented)) << pattern;
  }
}

TEST(PythonRegex, RefusesWhatIsNoRegex) {
  for (const char* pattern : {"(", "[a", "a**", "*"}) {
    EXPECT_THAT(CompilePythonRegex(pattern),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         testing::HasSubstr("is not a regular expression")))
        << pattern;
  }
  EXPECT_THAT(CompilePythonRegex(std::string(20'000, 'a')),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("the limit is")));
}

TEST(PythonRegex, ACatastrophicPatternIsLinear) {
  const std::string text(5000, 'a');
  EXPECT_FALSE(Matches("(a*)*b", text.c_str()));
}

}  // namespace
}  // namespace plumbline
