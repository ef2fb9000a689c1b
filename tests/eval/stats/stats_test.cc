// Properties that hold for all data, and the examples a reader would try by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/eval/metrics.h"
#include "core/eval/stats/cluster.h"
#include "core/eval/stats/distributions.h"
#include "core/eval/stats/equivalence.h"
#include "core/eval/stats/paired_test.h"
#include "core/eval/stats/plan.h"
#include "core/eval/stats/proportion.h"
#include "core/eval/stats/random.h"
#include "core/eval/stats/samples.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using testing::HasSubstr;

TEST(RandomTest, IsSpecifiedToTheBit) {
  // SplitMix64 from state 0, as published with java.util.SplittableRandom and in Vigna's
  // splitmix64.c.
  CounterRandom random(0);
  EXPECT_EQ(random.Next(), 0xE220A8397B1DCDAFULL);
  EXPECT_EQ(random.Next(), 0x6E789E6AA1B965F4ULL);
  EXPECT_EQ(random.Next(), 0x06C45D188009454FULL);
}

TEST(RandomTest, BelowAndUniformStayInRange) {
  CounterRandom random(1, 2);
  std::vector<int> seen(7, 0);
  for (int i = 0; i < 7000; ++i) ++seen.at(random.Below(7));
  for (int count : seen) EXPECT_NEAR(count, 1000, 150);
  for (int i = 0; i < 1000; ++i) {
    const double u = random.Uniform();
    EXPECT_TRUE(u >= 0 && u < 1);
  }
}

TEST(WilsonTest, HoldsTheShareAndItsMirror) {
  for (int n : {1, 3, 40, 541}) {
    for (int k = 0; k <= n; k += std::max(1, n / 13)) {
      const Interval i = WilsonInterval(k, n, 0.95);
      EXPECT_LE(i.lower, 1.0 * k / n);
      EXPECT_GE(i.upper, 1.0 * k / n);
      const Interval mirror = WilsonInterval(n - k, n, 0.95);
      EXPECT_NEAR(mirror.lower, 1 - i.upper, 1e-12);
    }
  }
  EXPECT_EQ(WilsonInterval(0, 20, 0.95).lower, 0);
  EXPECT_EQ(WilsonInterval(20, 20, 0.95).upper, 1);
}

TEST(TangoTest, NothingDiscordantStillHasAWidth) {
  const double z2 = 1.959964 * 1.959964;
  const Interval i = TangoInterval({541, 0, 0}, 0.95);
  EXPECT_NEAR(i.upper, z2 / (541 + z2), 1e-6);
  EXPECT_NEAR(i.lower, -i.upper, 1e-9);
}

TEST(TangoTest, MirrorsAndIsWithinRangeAndHoldsTheDifference) {
  for (int n : {1, 2, 30, 541}) {
    for (int b = 0; b <= n; b += std::max(1, n / 5)) {
      for (int c = 0; b + c <= n; c += std::max(1, n / 5)) {
        const Interval i = TangoInterval({n, b, c}, 0.95);
        const Interval mirror = TangoInterval({n, c, b}, 0.95);
        const double d = 1.0 * (b - c) / n;
        EXPECT_TRUE(-1 <= i.lower && i.lower <= d + 1e-9 && d - 1e-9 <= i.upper && i.upper <= 1)
            << n << " " << b << " " << c << ": " << i.lower << " " << i.upper;
        EXPECT_NEAR(i.lower, -mirror.upper, 1e-9);
      }
    }
  }
}

TEST(TangoTest, AgreesWithItsOwnTest) {
  const PairedCounts counts = {541, 30, 60};
  const Interval i = TangoInterval(counts, 0.95);
  EXPECT_NEAR(TestMargin(counts, -i.lower).not_worse, 0.025, 1e-6);
  EXPECT_NEAR(TestMargin(counts, -i.upper).worse, 0.025, 1e-6);
}

TEST(NewcombeTest, HoldsTheDifferenceMirrorsAndShrinks) {
  const Interval small = NewcombePairedInterval({50, 12, 2}, 24, 0.95);
  const Interval large = NewcombePairedInterval({500, 120, 20}, 240, 0.95);
  const Interval mirror = NewcombePairedInterval({50, 2, 12}, 24, 0.95);
  EXPECT_LT(small.lower, 0.2);
  EXPECT_GT(small.upper, 0.2);
  EXPECT_NEAR(mirror.lower, -small.upper, 1e-12);
  EXPECT_LT(large.upper - large.lower, small.upper - small.lower);
}

TEST(SignFlipTest, IsMcNemarForYesNo) {
  for (const auto& [b, c] : {std::pair{0, 0}, {1, 0}, {7, 7}, {30, 60}, {100, 77}}) {
    std::vector<double> d(b, 1.0);
    d.insert(d.end(), c, -1.0);
    d.insert(d.end(), 400, 0.0);
    EXPECT_NEAR(SignFlipP(d), McNemarExactP(b, c), 1e-12);
    EXPECT_NEAR(SignFlipP(d, Alternative::kLess), McNemarExactP(b, c, Alternative::kLess), 1e-12);
  }
}

TEST(SignFlipTest, RandomPatternsAgreeWithExact) {
  std::vector<double> whole = {3, -1, 2, 2, -1, 1, 1, 1, -2, 1, 3, 1, -1, 2};
  std::vector<double> halves;
  for (double d : whole) halves.push_back(d / 4);
  EXPECT_NEAR(SignFlipP(halves), SignFlipP(whole), 0.01);
  EXPECT_EQ(SignFlipP(halves), SignFlipP(halves));
}

TEST(HolmTest, KeepsOrderAndNeverLowers) {
  EXPECT_THAT(HolmAdjust({0.01, 0.04, 0.03}),
              testing::Pointwise(testing::DoubleNear(1e-12), {0.03, 0.06, 0.06}));
  EXPECT_TRUE(HolmAdjust({}).empty());
}

std::vector<Cluster> Mixed(int n) {
  std::vector<Cluster> clusters;
  CounterRandom random(9);
  for (int i = 0; i < n; ++i) {
    const double trials = 1 + random.Below(3);
    clusters.push_back(
        {static_cast<double>(random.Below(static_cast<uint32_t>(trials) + 1)), trials});
  }
  return clusters;
}

TEST(BootstrapTest, WholeNumbersAndFractionsGiveTheSameDistribution) {
  const auto whole = Mixed(60);
  auto scaled = whole;
  for (Cluster& c : scaled) c = {c.successes * 0.5, c.trials * 0.5};
  const Interval a =
      BootstrapInterval(whole, BootstrapRatios(whole, 20000, 1), BootstrapKind::kPercentile, 0.95);
  const Interval b = BootstrapInterval(scaled, BootstrapRatios(scaled, 20000, 2),
                                       BootstrapKind::kPercentile, 0.95);
  EXPECT_NEAR(a.lower, b.lower, 0.01);
  EXPECT_NEAR(a.upper, b.upper, 0.01);
}

TEST(BootstrapTest, NegativeSumsSurvivePacking) {
  std::vector<Cluster> all_lost(31, {-1, 1});
  for (double r : BootstrapRatios(all_lost, 200, 3)) EXPECT_EQ(r, -1);
  std::vector<Cluster> mixed = {{-3, 3}, {1, 2}, {0, 1}};
  double mean = 0;
  const auto replicates = BootstrapRatios(mixed, 20000, 4);
  for (double r : replicates) mean += r / static_cast<double>(replicates.size());
  EXPECT_NEAR(mean, -0.3, 0.05);
}

TEST(ClusterTest, OneTrialAPromptIsOrdinaryWilsonButForT) {
  std::vector<Cluster> clusters(541, {0, 1});
  for (int i = 0; i < 200; ++i) clusters[i].successes = 1;
  const Interval clustered = ClusterWilsonInterval(clusters, 0.95);
  const Interval plain = WilsonInterval(200, 541, 0.95);
  EXPECT_NEAR(clustered.lower, plain.lower, 5e-4);
  EXPECT_NEAR(clustered.upper, plain.upper, 5e-4);
}

TEST(ClusterTest, AlikeOutcomesFallBackToPrompts) {
  std::vector<Cluster> all(30, {3, 3});
  const ShareInterval share = ClusteredShareInterval(all, 1000, 1, 0.95);
  EXPECT_FALSE(share.bootstrapped);
  EXPECT_EQ(share.interval.upper, 1);
  EXPECT_LT(share.interval.lower, 0.92);
  EXPECT_EQ(EffectiveTrials(Summarize(all)), 30);
}

TEST(ClusterTest, RepeatedTrialsAddNoInformation) {
  std::vector<Cluster> once, thrice;
  for (int i = 0; i < 200; ++i) {
    const double k = i % 3 == 0;
    once.push_back({k, 1});
    thrice.push_back({3 * k, 3});
  }
  EXPECT_NEAR(Summarize(once).standard_error, Summarize(thrice).standard_error, 1e-12);
  EXPECT_NEAR(EffectiveTrials(Summarize(thrice)), 199, 1);
}

TEST(ClusterTest, PairedBootstrapNeverCollapses) {
  std::vector<Cluster> same(150, {0, 2});
  const Interval i = PairedBootstrapInterval(same, 2000, 1, 0.95);
  EXPECT_LT(i.lower, 0);
  EXPECT_GT(i.upper, 0);
  EXPECT_GT(PaddedStandardError(same), 0);
}

TEST(CombineTest, SquaresAdd) {
  const Interval i = CombineIndependent({{1, 0.5, {0.2, 0.9}}, {-1, 0.1, {0.0, 0.5}}});
  EXPECT_NEAR(i.lower, 0.4 - 0.5, 1e-12);              // sqrt(0.3^2 + 0.4^2)
  EXPECT_NEAR(i.upper, 0.4 + std::sqrt(0.17), 1e-12);  // sqrt(0.4^2 + 0.1^2)
}

TEST(MarginTest, NoDifferenceIsEquivalentAtEnoughPrompts) {
  EXPECT_LT(TestMargin(PairedCounts{541, 20, 20}, 0.05).equivalent(), 0.025);
  EXPECT_GT(TestMargin(PairedCounts{50, 5, 5}, 0.05).equivalent(), 0.025);
  const MarginTest one_cluster = TestMargin(0.0, 0.1, 1, 0.05);
  EXPECT_EQ(one_cluster.not_worse, 1);
  EXPECT_EQ(one_cluster.worse, 1);
}

TEST(PlanTest, EffectAndPromptsAreInverse) {
  for (double factor : {1.0, 1.4}) {
    PlanOptions options;
    options.variance_factor = factor;
    ASSERT_OK_AND_ASSIGN(const double effect, MinimumDetectableEffect(541, options));
    ASSERT_OK_AND_ASSIGN(const int64_t prompts, RequiredPrompts(effect, options));
    EXPECT_NEAR(static_cast<double>(prompts), 541, 25);  // the exact test's power is a saw
  }
}

TEST(PlanTest, MoreOfEverythingNeedsMorePrompts) {
  PlanOptions options;
  ASSERT_OK_AND_ASSIGN(const int64_t one, RequiredPrompts(0.05, options));
  options.comparisons = 4;
  ASSERT_OK_AND_ASSIGN(const int64_t four, RequiredPrompts(0.05, options));
  EXPECT_GT(four, one);
  ASSERT_OK_AND_ASSIGN(const int64_t narrow, RequiredPromptsForNonInferiority(0.02, 0, options));
  ASSERT_OK_AND_ASSIGN(const int64_t wide, RequiredPromptsForNonInferiority(0.05, 0, options));
  EXPECT_GT(narrow, wide);
}

TEST(PlanTest, RefusesWhatCannotBe) {
  EXPECT_THAT(RequiredPrompts(0.3, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("effect is 0.3")));
  EXPECT_THAT(MinimumDetectableEffect(5, {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("more prompts")));
  EXPECT_THAT(MinimumDetectableEffect(0, {}), StatusIs(absl::StatusCode::kInvalidArgument));
  PlanOptions bad;
  bad.power = 0.01;
  EXPECT_THAT(RequiredPrompts(0.05, bad),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("power")));
  EXPECT_THAT(RequiredPromptsForNonInferiority(0.02, -0.03, {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(RequiredPromptsForNonInferiority(3, 0, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("five points")));
}

TEST(SamplesTest, MajorityVote) {
  EXPECT_EQ(MajorityVote({"4", "5", "5"}), 1);
  EXPECT_EQ(MajorityVote({"", "7", "8", ""}), 1);  // a tie: the first; blanks don't vote
  EXPECT_EQ(MajorityVote({"", ""}), -1);
  EXPECT_EQ(MajorityVote({}), -1);
}

TEST(MetricsTest, GuardsAreKnown) {
  EXPECT_TRUE(IsValidityMetric(kEmptyResponse));
  EXPECT_TRUE(IsValidityMetric(kTruncated));
  EXPECT_TRUE(IsValidityMetric(kExtractionFailure));
  EXPECT_FALSE(IsValidityMetric(kIlaStrict));
  EXPECT_FALSE(IsValidityMetric("a_metric_of_the_users"));
  EXPECT_EQ(TraitsOf(kIlaStrict).name, kIlaStrict);
  EXPECT_TRUE(TraitsOf("a_metric_of_the_users").name.empty());
}

}  // namespace
}  // namespace plumbline
