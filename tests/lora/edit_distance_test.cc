#include "core/lora/edit_distance.h"

#include <gtest/gtest.h>

namespace plumbline {
namespace {

TEST(EditDistance, CountsEdits) {
  EXPECT_EQ(EditDistance("q_proj", "q_proj", 4), 0);
  EXPECT_EQ(EditDistance("q_porj", "q_proj", 4), 2);
  EXPECT_EQ(EditDistance("q_prj", "q_proj", 4), 1);
  EXPECT_EQ(EditDistance("", "abc", 9), 3);
}

TEST(EditDistance, StopsAtTheLimit) {
  EXPECT_EQ(EditDistance("abcdef", "uvwxyz", 4), 4);
  EXPECT_EQ(EditDistance("a", "abcdefgh", 4), 4);
}

}  // namespace
}  // namespace plumbline
