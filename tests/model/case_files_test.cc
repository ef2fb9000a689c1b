// What the golden tests compare with must not pass where there is nothing to compare.
#include "tests/model/case_files.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace plumbline {
namespace {

TEST(CaseFiles, TheDifferenceOfTwoVectors) {
  const std::vector<float> a = {1, 2, 3, 4}, b = {1, 5, 3, 0};
  EXPECT_EQ(MaxDifference(a, b), 4.f);
  EXPECT_EQ(RmsDifference(a, b), 2.5f);
  EXPECT_EQ(MaxDifference(a, a), 0.f);
  EXPECT_EQ(RmsDifference(a, a), 0.f);
}

TEST(CaseFiles, NoDifferenceWhereThereIsNothingToCompare) {
  const std::vector<float> two = {1, 2};
  const std::vector<float> nan = {1, std::numeric_limits<float>::quiet_NaN()};
  for (const auto difference : {MaxDifference, RmsDifference}) {
    EXPECT_TRUE(std::isnan(difference({}, {})));
    EXPECT_TRUE(std::isnan(difference(two, {1})));
    EXPECT_TRUE(std::isnan(difference({1}, two)));
    EXPECT_TRUE(std::isnan(difference(two, nan)));
  }
}

}  // namespace
}  // namespace plumbline
