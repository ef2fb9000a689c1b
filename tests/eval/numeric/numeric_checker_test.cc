#include "core/eval/numeric/numeric_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;

std::string Answer(absl::string_view text) {
  const auto number = FindAnswerNumber(text);
  return number.has_value() ? number->text : "none";
}

TEST(FindAnswerNumberTest, ReadsNumbersInProse) {
  EXPECT_EQ(Answer("He pays $1,234.50."), "1234.50");
  EXPECT_EQ(Answer("18..."), "18");
  EXPECT_EQ(Answer("####18"), "18");
  EXPECT_EQ(Answer("#### $18 for 3 apples"), "18");
  EXPECT_EQ(Answer("#### none, but 4"), "4");
  EXPECT_EQ(Answer("about 50% of it"), "50");
  EXPECT_EQ(Answer("5-3"), "3");
  EXPECT_EQ(Answer("it fell to -3 and"), "-3");
  EXPECT_EQ(Answer("it is −3"), "-3");
  EXPECT_EQ(Answer("-$5"), "-5");
  EXPECT_EQ(Answer("$-5"), "-5");
  EXPECT_EQ(Answer("3/4 of them"), "3/4");
  EXPECT_EQ(Answer("1.5e-3 m"), "1.5e-3");
  EXPECT_EQ(Answer("GPT4 and x2"), "none");
  EXPECT_EQ(Answer("10, 20"), "20");
  EXPECT_EQ(Answer(".5"), "0.5");
  EXPECT_EQ(Answer("\\boxed{42}"), "42");
  EXPECT_EQ(Answer(""), "none");
  EXPECT_EQ(Answer("version v1.5"), "none");
  EXPECT_EQ(Answer(std::string(2000, '7')), "none");
}

bool Match(absl::string_view a, absl::string_view b, absl::string_view absolute = "0",
           absl::string_view relative = "0") {
  return NumbersMatch(*FindAnswerNumber(a), *FindAnswerNumber(b), *ParseExactNumber(absolute),
                      *ParseExactNumber(relative));
}

TEST(NumbersMatchTest, IsExact) {
  EXPECT_TRUE(Match("$29.00", "29"));
  EXPECT_TRUE(Match("0.1", "0.10"));
  EXPECT_TRUE(Match("3/4", "0.75"));
  EXPECT_TRUE(Match("1e3", "1,000"));
  EXPECT_TRUE(Match("007", "7"));
  EXPECT_FALSE(Match("0.1000000000000000000001", "0.1"));
  EXPECT_FALSE(Match("-5", "5"));
  EXPECT_TRUE(Match("0.3", "0.1", "0.2"));
  EXPECT_FALSE(Match("0.30001", "0.1", "0.2"));
  EXPECT_TRUE(Match("101", "100", "0", "0.01"));
  EXPECT_FALSE(Match("102", "100", "0", "0.01"));
}

double Value(const CheckResult& result, absl::string_view metric) {
  for (const Observation& o : result.observations) {
    if (o.metric == metric) return o.successes;
  }
  return -1;
}

TEST(NumericCheckerTest, ReferenceScoresKeepTheirFalseNegatives) {
  auto checker = NumericChecker::Make({"3*6=18\n#### 18", "29"}, NumericOptions::Gsm8k());
  ASSERT_THAT(checker, IsOk());
  CheckResult result = (*checker)->CheckResponse(0, "So it is #### 18.");
  EXPECT_EQ(Value(result, "numeric_reference_strict"), 1);
  EXPECT_EQ(Value(result, "numeric_reference_flexible"), 1);
  EXPECT_EQ(Value(result, "numeric_match"), 1);
  result = (*checker)->CheckResponse(0, "####18...");
  EXPECT_EQ(Value(result, "numeric_reference_strict"), 0);
  EXPECT_EQ(Value(result, "numeric_reference_flexible"), 0);
  EXPECT_EQ(Value(result, "numeric_match"), 1);
  result = (*checker)->CheckResponse(1, "$29.00");
  EXPECT_EQ(Value(result, "numeric_reference_flexible"), 0);
  EXPECT_EQ(Value(result, "numeric_match"), 1);
  result = (*checker)->CheckResponse(1, "No idea");
  EXPECT_EQ(Value(result, "extraction_failure"), 1);
  EXPECT_EQ(Value(result, "numeric_match"), 0);
  EXPECT_EQ(result.extracted, "");
}

TEST(NumericCheckerTest, ATargetWithoutANumberIsAnError) {
  EXPECT_THAT(NumericChecker::Make({"1", "many"}, NumericOptions::Gsm8k()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("item 1")));
}

}  // namespace
}  // namespace plumbline
