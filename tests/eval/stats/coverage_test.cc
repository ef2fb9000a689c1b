// The statistics against worlds whose truth is known, small enough for every test run: a mistake in
// an interval or a test that matters shows here. docs/statistics.md has the large tables
// (eval_stats_simulation); the bounds here are its nominal values plus three standard errors of
// this many runs. Seeded: the same numbers everywhere.
#include <gtest/gtest.h>

#include "core/eval/gate/gate.h"
#include "core/eval/stats/cluster.h"
#include "core/eval/stats/paired_test.h"
#include "core/eval/stats/proportion.h"
#include "tests/eval/report/report_fixture.h"
#include "tests/eval/stats/simulated_world.h"

namespace plumbline {
namespace {

constexpr int kPrompts = 150;
constexpr int kResamples = 600;

std::vector<Cluster> Differences(const std::vector<PairedPrompt>& prompts) {
  std::vector<Cluster> clusters;
  for (const PairedPrompt& q : prompts)
    clusters.push_back({1.0 * q.subject - q.base, 1.0 * q.instructions});
  return clusters;
}

// The share of `runs` intervals that hold `truth`, in per cent.
template <typename Draw>
double Coverage(int runs, double truth, Draw draw) {
  int covered = 0;
  for (int r = 0; r < runs; ++r) {
    const Interval interval = draw(r);
    covered += interval.lower <= truth && truth <= interval.upper;
  }
  return 100.0 * covered / runs;
}

TEST(CoverageTest, Wilson) {
  for (double p : {0.05, 0.25, 0.9}) {
    CounterRandom random(11);
    const double coverage = Coverage(6000, p, [&](int) {
      int k = 0;
      for (int i = 0; i < kPrompts; ++i) k += random.Uniform() < p;
      return WilsonInterval(k, kPrompts, 0.95);
    });
    // A discrete outcome has no exact 95 %: 93.8 to 96.3 at this size.
    EXPECT_GT(coverage, 93.0) << p;
    EXPECT_LT(coverage, 97.2) << p;
  }
}

TEST(CoverageTest, SeveralInstructionsAPrompt) {
  for (double p : {0.05, 0.3, 0.8}) {
    CounterRandom random(12);
    const InstructionWorld world = {.pass = p, .alike = 0.6};
    const double coverage = Coverage(600, p, [&](int r) {
      std::vector<Cluster> clusters;
      for (const PairedPrompt& q : DrawPrompts(world, kPrompts, random))
        clusters.push_back({1.0 * q.base, 1.0 * q.instructions});
      return ClusteredShareInterval(clusters, kResamples, static_cast<uint64_t>(r), 0.95).interval;
    });
    EXPECT_GT(coverage, 92.0) << p;
    EXPECT_LT(coverage, 98.0) << p;
  }
}

TEST(CoverageTest, Tango) {
  for (const auto& [gain, loss] : {std::pair{0.02, 0.02}, {0.1, 0.1}, {0.5, 0.02}}) {
    CounterRandom random(13);
    const PairedWorld world = {.both = 0.2, .gain = gain, .loss = loss};
    const double coverage = Coverage(4000, world.Difference(), [&](int) {
      return TangoInterval(DrawTable(world, kPrompts, random).counts, 0.95);
    });
    EXPECT_GT(coverage, 93.5) << gain;
    EXPECT_LT(coverage, 97.0) << gain;
  }
}

TEST(CoverageTest, PairedInstructionsAndDrift) {
  for (const auto& [gain, loss] : {std::pair{0.03, 0.07}, {0.1, 0.2333}}) {
    CounterRandom random(14);
    const InstructionWorld on = {.pass = 0.3, .alike = 0.6, .gain = gain, .loss = loss};
    const PairedWorld off = {.gain = 0.1, .loss = 0.1};
    int covered = 0, drift_covered = 0;
    const int runs = 500;
    for (int r = 0; r < runs; ++r) {
      const auto clusters = Differences(DrawPrompts(on, kPrompts, random));
      const PairedCounts counts = DrawTable(off, kPrompts, random).counts;
      const Interval own =
          PairedBootstrapInterval(clusters, kResamples, static_cast<uint64_t>(r), 0.95);
      covered += own.lower <= on.Difference() && on.Difference() <= own.upper;
      const double off_value = 1.0 * (counts.gained - counts.lost) / kPrompts;
      const Interval drift = CombineIndependent(
          {{1, off_value, TangoInterval(counts, 0.95)}, {-1, Summarize(clusters).value, own}});
      const double truth = off.Difference() - on.Difference();
      drift_covered += drift.lower <= truth && truth <= drift.upper;
    }
    EXPECT_GT(100.0 * covered / runs, 92.0) << gain;
    EXPECT_GT(100.0 * drift_covered / runs, 92.0) << gain;
    EXPECT_LT(100.0 * drift_covered / runs, 99.0) << gain;
  }
}

TEST(CoverageTest, TestsRaiseFewFalseAlarms) {
  CounterRandom random(15);
  int mcnemar = 0, flip = 0;
  const int runs = 3000, flip_runs = 600;
  for (int r = 0; r < runs; ++r) {
    const PairedCounts t =
        DrawTable({.both = 0.2, .gain = 0.15, .loss = 0.15}, kPrompts, random).counts;
    mcnemar += McNemarExactP(t.gained, t.lost) < 0.05;
  }
  const InstructionWorld world = {.pass = 0.5, .alike = 0.6, .gain = 0.3, .loss = 0.3};
  for (int r = 0; r < flip_runs; ++r) {
    std::vector<double> differences;
    for (const Cluster& c : Differences(DrawPrompts(world, kPrompts, random)))
      differences.push_back(c.successes);
    flip += SignFlipP(differences) < 0.05;
  }
  EXPECT_LT(100.0 * mcnemar / runs, 5.0 + 1.2);
  EXPECT_GT(100.0 * mcnemar / runs, 2.0) << "it must be able to find something";
  EXPECT_LT(100.0 * flip / flip_runs, 5.0 + 2.7);
}

// A gate on jobs without any difference: hardly ever FAIL; on one with a loss of exactly the
// margin: hardly ever PASS; on a large loss: FAIL.
TEST(CoverageTest, GateErrors) {
  const auto policy = ParseGatePolicy("non_inferiority: [{margin: 0.05}]");
  ASSERT_TRUE(policy.ok());
  const auto shares = [&](double gain, double loss) {
    CounterRandom random(16);
    int counts[4] = {0, 0, 0, 0};
    for (int r = 0; r < 400; ++r) {
      ReportFixture fixture;
      const int adapter = fixture.AddAdapter("a", "");
      const int task = fixture.AddTask("t", "numeric", {"numeric_match"}, 541);
      const PairedTable t = DrawTable({.both = 0.3, .gain = gain, .loss = loss}, 541, random);
      const int base = static_cast<int>(t.both + t.counts.lost);
      fixture.AnswerBase(task, base);
      fixture.AnswerPaired(adapter, task, base, static_cast<int>(t.counts.gained),
                           static_cast<int>(t.counts.lost));
      const auto report = BuildReport(fixture.input);
      EXPECT_TRUE(report.ok());
      ++counts[static_cast<int>(EvaluateGate(*policy, *report).status)];
    }
    return std::vector<double>{counts[0] / 4.0, counts[1] / 4.0, counts[2] / 4.0, counts[3] / 4.0};
  };
  const auto fail = static_cast<size_t>(GateStatus::kFail);
  const auto pass = static_cast<size_t>(GateStatus::kPass);
  EXPECT_LT(shares(0.1, 0.1)[fail], 2.5 + 2.4) << "A/A";
  EXPECT_LT(shares(0.05, 0.1)[pass], 2.5 + 2.4) << "a loss of the margin";
  EXPECT_GT(shares(0.05, 0.25)[fail], 95.0) << "a loss of 20 points";
}

// The measurement itself can fail: an interval known to be too short is found out.
TEST(CoverageTest, AnIntervalThatIsTooShortIsFoundOut) {
  CounterRandom random(17);
  const InstructionWorld world = {.pass = 0.3, .alike = 0.6, .gain = 0.03, .loss = 0.07};
  const double coverage = Coverage(400, world.Difference(), [&](int r) {
    const auto clusters = Differences(DrawPrompts(world, 50, random));
    return BootstrapInterval(clusters,
                             BootstrapRatios(clusters, kResamples, static_cast<uint64_t>(r)),
                             BootstrapKind::kPercentile, 0.95);
  });
  EXPECT_LT(coverage, 85.0) << "docs/statistics.md: 73.6";
}

}  // namespace
}  // namespace plumbline
