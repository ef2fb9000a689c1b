// Every IFEval and IFBench check and every filter takes time in proportion to a hostile response: a
// quadratic one takes 16 times as long for four times the text. In processor time, so that a busy
// machine changes little; what is over in a blink is not looked at. At 10 MB:
// tests/bench/hostile_bench.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/eval/hostile_checks.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

constexpr size_t kSmall = size_t{16} << 10;
constexpr size_t kLarge = 4 * kSmall;
constexpr double kBlink = 0.03;   // seconds
constexpr double kGrowth = 10.0;  // between 4 and 16

void GrowsInProportion(const std::vector<HostileCheck>& checks,
                       absl::StatusOr<Task> (*make)(const HostileCheck&)) {
  const std::vector<HostileText> small = HostileTexts(kSmall), large = HostileTexts(kLarge);
  for (const HostileCheck& check : checks) {
    ASSERT_OK_AND_ASSIGN(const Task task, make(check));
    for (size_t i = 0; i < large.size(); ++i) {
      const auto seconds_of = [&](const std::string& text) {
        CheckResult result;
        const double seconds = CpuSecondsOf([&] { result = task.checker->CheckResponse(0, text); });
        EXPECT_FALSE(result.observations.empty());
        return seconds;
      };
      double of_large = seconds_of(large[i].text);
      if (of_large < kBlink) continue;
      // The best of three: the first run may have loaded tables.
      double of_small = seconds_of(small[i].text);
      for (int again = 0; again < 2; ++again) {
        of_large = std::min(of_large, seconds_of(large[i].text));
        of_small = std::min(of_small, seconds_of(small[i].text));
      }
      EXPECT_LT(of_large, kBlink + kGrowth * of_small) << check.id << " on " << large[i].name;
    }
  }
}

TEST(HostileGrowthTest, EveryIfevalCheckIsLinear) { GrowsInProportion(IfevalChecks(), TaskOf); }
TEST(HostileGrowthTest, EveryIfbenchCheckIsLinear) { GrowsInProportion(IfbenchChecks(), TaskOf); }
TEST(HostileGrowthTest, EveryFilterIsLinear) { GrowsInProportion(HostileFilters(), FilterTaskOf); }

TEST(HostileGrowthTest, NoCheckIsForgotten) {
  std::set<std::string> ids;
  for (const auto* checks : {&IfevalChecks(), &IfbenchChecks()}) {
    for (const HostileCheck& check : *checks) ids.insert(check.id);
  }
  EXPECT_EQ(IfevalChecks().size(), 25u);
  EXPECT_EQ(IfbenchChecks().size(), 58u);
  EXPECT_EQ(ids.size(), 83u);
}

}  // namespace
}  // namespace plumbline
