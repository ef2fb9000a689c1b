#include "core/base/parallel_for.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace plumbline {
namespace {

TEST(ParallelForTest, DoesEachPieceOnce) {
  for (const int threads : {1, 2, 5, 64}) {
    for (const int64_t n : {0, 1, 2, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<size_t>(n));
      ParallelFor(n, threads, [&](int64_t i) { ++done[static_cast<size_t>(i)]; });
      for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
    }
  }
}

TEST(ParallelForTest, ThrowsOnWhatABodyThrewAndBeginsNoOther) {
  std::atomic<int> begun{0};
  const auto body = [&](int64_t i) {
    ++begun;
    if (i == 3) throw std::runtime_error("three");
  };
  EXPECT_THROW(ParallelFor(1'000'000, 2, body), std::runtime_error);
  EXPECT_LT(begun, 1'000'000);
  begun = 0;
  EXPECT_THROW(ParallelFor(1000, 1, body), std::runtime_error);
  EXPECT_EQ(begun, 4);
}

}  // namespace
}  // namespace plumbline
