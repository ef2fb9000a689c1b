// Every statistic against scipy and statsmodels: tests/golden/stats/reference.json, made by
// tests/oracle/stats/make_stats_golden.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/eval/stats/cluster.h"
#include "core/eval/stats/equivalence.h"
#include "core/eval/stats/paired_test.h"
#include "core/eval/stats/plan.h"
#include "core/eval/stats/proportion.h"
#include "core/eval/stats/samples.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using Json = nlohmann::json;

const Json& Cases(const char* name) {
  static const Json golden = Json::parse(ReadFileOrDie("tests/golden/stats/reference.json"));
  return golden.at(name);
}

std::vector<Cluster> Clusters(const Json& successes, const Json& trials) {
  std::vector<Cluster> clusters;
  for (size_t i = 0; i < successes.size(); ++i) {
    clusters.push_back({successes[i].get<double>(), trials[i].get<double>()});
  }
  return clusters;
}

#define EXPECT_CLOSE(actual, expected) \
  EXPECT_NEAR(actual, expected, 1e-9 + 1e-7 * std::abs(expected))

TEST(ReferenceTest, Wilson) {
  for (const Json& c : Cases("wilson")) {
    SCOPED_TRACE(c.dump());
    const Interval i = WilsonInterval(c[0], c[1], c[2]);
    EXPECT_CLOSE(i.lower, c[3].get<double>());
    EXPECT_CLOSE(i.upper, c[4].get<double>());
  }
}

TEST(ReferenceTest, ShareBelow) {
  for (const Json& c : Cases("share_below")) {
    SCOPED_TRACE(c.dump());
    EXPECT_CLOSE(ShareBelowP(c[0], c[1], c[2]), c[3].get<double>());
  }
}

TEST(ReferenceTest, McNemar) {
  for (const Json& c : Cases("mcnemar")) {
    SCOPED_TRACE(c.dump());
    EXPECT_CLOSE(McNemarExactP(c[0], c[1]), c[2].get<double>());
    EXPECT_CLOSE(McNemarExactP(c[0], c[1], Alternative::kGreater), c[3].get<double>());
    EXPECT_CLOSE(McNemarExactP(c[0], c[1], Alternative::kLess), c[4].get<double>());
    EXPECT_CLOSE(McNemarExactP(c[0], c[1], Alternative::kTwoSided, true), c[5].get<double>());
  }
}

TEST(ReferenceTest, Tango) {
  for (const Json& c : Cases("tango")) {
    SCOPED_TRACE(c.dump());
    const Interval i = TangoInterval({c[0], c[1], c[2]}, c[3]);
    EXPECT_NEAR(i.lower, c[4].get<double>(), 1e-6);  // the reference maximises numerically
    EXPECT_NEAR(i.upper, c[5].get<double>(), 1e-6);
  }
}

TEST(ReferenceTest, Holm) {
  for (const Json& c : Cases("holm")) {
    SCOPED_TRACE(c.dump());
    const auto adjusted = HolmAdjust(c[0].get<std::vector<double>>());
    for (size_t i = 0; i < adjusted.size(); ++i) EXPECT_CLOSE(adjusted[i], c[1][i].get<double>());
  }
}

TEST(ReferenceTest, SignFlip) {
  for (const Json& c : Cases("sign_flip")) {
    SCOPED_TRACE(c.dump());
    const auto d = c[0].get<std::vector<double>>();
    EXPECT_CLOSE(SignFlipP(d), c[1].get<double>());
    EXPECT_CLOSE(SignFlipP(d, Alternative::kGreater), c[2].get<double>());
    EXPECT_CLOSE(SignFlipP(d, Alternative::kLess), c[3].get<double>());
  }
}

TEST(ReferenceTest, ClusteredStandardError) {
  for (const Json& c : Cases("clustered_standard_error")) {
    const ClusterSummary s = Summarize(Clusters(c[0], c[1]));
    EXPECT_CLOSE(s.value, c[2].get<double>());
    EXPECT_CLOSE(s.standard_error, c[3].get<double>());
  }
}

// Two Monte Carlo computations: equal but for their noise.
TEST(ReferenceTest, Bootstrap) {
  for (const Json& c : Cases("bootstrap")) {
    const auto clusters = Clusters(c[0], c[1]);
    const auto replicates = BootstrapRatios(clusters, 100000, 11);
    const double noise = 0.02 * Summarize(clusters).standard_error * 2;
    const Interval plain =
        BootstrapInterval(clusters, replicates, BootstrapKind::kPercentile, 0.95);
    EXPECT_NEAR(plain.lower, c[2].get<double>(), noise);
    EXPECT_NEAR(plain.upper, c[3].get<double>(), noise);
    const Interval bca = BootstrapInterval(clusters, replicates, BootstrapKind::kBca, 0.95);
    EXPECT_NEAR(bca.lower, c[4].get<double>(), noise);
    EXPECT_NEAR(bca.upper, c[5].get<double>(), noise);
  }
}

// Equal to the last bit: stored reports must not change with the machine, nor the algorithm by
// accident.
TEST(ReferenceTest, BootstrapReplicates) {
  for (const Json& c : Cases("bootstrap_replicates")) {
    EXPECT_EQ(BootstrapRatios(Clusters(c[0], c[1]), 5, c[2]), c[3].get<std::vector<double>>());
  }
}

TEST(ReferenceTest, Tost) {
  for (const Json& c : Cases("tost")) {
    std::vector<Cluster> differences;
    for (const Json& d : c[0]) differences.push_back({d.get<double>(), 1});
    const ClusterSummary s = Summarize(differences);
    const MarginTest test = TestMargin(s.value, s.standard_error, s.clusters, c[1].get<double>());
    EXPECT_CLOSE(test.not_worse, c[2].get<double>());
    EXPECT_CLOSE(test.not_better, c[3].get<double>());
    EXPECT_CLOSE(test.worse, 1 - c[2].get<double>());
  }
}

TEST(ReferenceTest, McNemarPower) {
  for (const Json& c : Cases("mcnemar_power")) {
    SCOPED_TRACE(c.dump());
    EXPECT_NEAR(McNemarPower(c[0], c[1], c[2], c[3]), c[4].get<double>(), 1e-9);
  }
}

TEST(ReferenceTest, PassAtK) {
  for (const Json& c : Cases("pass_at_k")) {
    SCOPED_TRACE(c.dump());
    EXPECT_CLOSE(PassAtK(c[0], c[1], c[2]), c[3].get<double>());
  }
}

}  // namespace
}  // namespace plumbline
