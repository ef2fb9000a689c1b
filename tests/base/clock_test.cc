#include "core/base/clock.h"

#include <gtest/gtest.h>

namespace plumbline {
namespace {

TEST(ManualClock, StandsStillUntilAdvanced) {
  ManualClock clock(absl::FromUnixSeconds(100));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(100));
  clock.Advance(absl::Seconds(5));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(105));
}

TEST(SystemClock, DoesNotRunBackwards) {
  const absl::Time before = SystemClock().Now();
  EXPECT_LE(before, SystemClock().Now());
}

}  // namespace
}  // namespace plumbline
