#include "core/eval/math/math_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/eval/math/latex_answer.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

TEST(LatexAnswerTest, FindsTheLastBox) {
  EXPECT_EQ(LastBoxed("a \\boxed{1} b \\boxed{\\frac{1}{2}} c"), "\\boxed{\\frac{1}{2}}");
  EXPECT_EQ(LastBoxed("\\boxed 7$ x"), "\\boxed 7");
  EXPECT_EQ(LastBoxed("\\boxed{1"), std::nullopt);
  EXPECT_EQ(LastBoxed("none"), std::nullopt);
  EXPECT_EQ(RemoveBoxed("\\boxed{x}"), "x");
  EXPECT_EQ(RemoveBoxed("\\fbox{x}"), std::nullopt);
}

TEST(LatexAnswerTest, NormalisesAsHendrycks) {
  EXPECT_TRUE(HendrycksEquivalent("\\frac12", "\\dfrac{1}{2}"));
  EXPECT_TRUE(HendrycksEquivalent("1/2", "\\frac{1}{2}"));
  EXPECT_TRUE(HendrycksEquivalent("0.5", "\\frac{1}{2}"));
  EXPECT_TRUE(HendrycksEquivalent("x = 5", "5"));
  EXPECT_TRUE(HendrycksEquivalent("\\sqrt3", "\\sqrt{3}"));
  EXPECT_TRUE(HendrycksEquivalent("90^\\circ", "90"));
  EXPECT_TRUE(HendrycksEquivalent("10\\text{ cm}", "10"));
  EXPECT_FALSE(HendrycksEquivalent("2/4", "1/2"));
  EXPECT_FALSE(HendrycksEquivalent("a/b", "a / b"));  // int() raises there: compared as they are
}

std::string Value(absl::string_view text) {
  const auto value = LatexValue(text);
  return value.has_value() ? value->text : "none";
}

TEST(LatexAnswerTest, ValuesAreExact) {
  EXPECT_EQ(Value("\\frac{2}{4}"), "1/2");
  EXPECT_EQ(Value("-\\dfrac12 + 1"), "1/2");
  EXPECT_EQ(Value("1{,}000"), "1000");
  EXPECT_EQ(Value("2^{10}"), "1024");
  EXPECT_EQ(Value("2^{-2}"), "1/4");
  EXPECT_EQ(Value("3 \\cdot (4 - 1)"), "9");
  EXPECT_EQ(Value("x = 0.25"), "1/4");
  EXPECT_EQ(Value("50\\%"), "50");
  EXPECT_EQ(Value("\\$12.50"), "25/2");
  EXPECT_EQ(Value("1/0"), "none");
  EXPECT_EQ(Value("\\sqrt{2}"), "none");
  EXPECT_EQ(Value("(1, 2)"), "none");
  EXPECT_EQ(Value("9^{64}^{64}"), "none");
  EXPECT_EQ(Value(std::string(3000, '(')), "none");
}

TEST(MathCheckerTest, TakesTheBoxedAnswer) {
  auto checker = MathChecker::Make({"So \\boxed{\\frac{1}{2}}.", "(1,2)"});
  ASSERT_THAT(checker, IsOk());
  auto value = [&](size_t item, absl::string_view response, absl::string_view metric) {
    for (const Observation& o : (*checker)->CheckResponse(item, response).observations) {
      if (o.metric == metric) return o.successes;
    }
    return -1.0;
  };
  EXPECT_EQ(value(0, "We get $x$, so \\boxed{2/4}.", "math_match"), 1);
  EXPECT_EQ(value(0, "We get $x$, so \\boxed{2/4}.", "math_reference"), 0);
  EXPECT_EQ(value(0, "$1/2$", "math_reference"), 1);
  EXPECT_EQ(value(0, "The answer is 0.50.", "math_match"), 1);
  EXPECT_EQ(value(1, "Thus the answer is $(1, 2)$.", "math_match"), 1);
  EXPECT_EQ(value(1, "no idea", "extraction_failure"), 1);
  EXPECT_EQ(value(1, "", "empty_response"), 1);
  EXPECT_THAT(MathChecker::Make({""}), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace plumbline
