#include "tests/eval/stats/coverage.h"

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "core/eval/stats/cluster.h"
#include "core/eval/stats/paired_test.h"
#include "core/eval/stats/proportion.h"
#include "tests/eval/stats/simulated_world.h"

namespace plumbline {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kAlpha = 0.05;

// Counts how often each method's interval holds the truth, and how wide it was.
class Tally {
 public:
  void Add(const std::string& method, const Interval& interval, double truth) {
    Row& row = rows_[method];
    ++row.n;
    row.covered += interval.lower <= truth && truth <= interval.upper;
    row.width += interval.upper - interval.lower;
  }
  double Coverage(const std::string& method) const {
    const Row& row = rows_.at(method);
    return 100.0 * row.covered / row.n;
  }
  void Print(const std::string& label, const std::vector<std::string>& methods) const {
    std::printf("| %s |", label.c_str());
    for (const std::string& m : methods) {
      const Row& row = rows_.at(m);
      std::printf(" %.1f (%.3f) |", 100.0 * row.covered / row.n, row.width / row.n);
    }
    std::printf("\n");
  }

 private:
  struct Row {
    int n = 0;
    int covered = 0;
    double width = 0;
  };
  std::map<std::string, Row> rows_;
};

std::string Format(const char* format, double a, double b = 0, double c = 0, double d = 0) {
  char text[128];
  std::snprintf(text, sizeof text, format, a, b, c, d);
  return text;
}

void Header(const std::string& first, const std::vector<std::string>& methods) {
  std::printf("\n| %s |", first.c_str());
  for (const std::string& m : methods) std::printf(" %s |", m.c_str());
  std::printf("\n|---|");
  for (size_t i = 0; i < methods.size(); ++i) std::printf("---|");
  std::printf("\n");
}

void OneShare(int runs) {
  std::printf("\n### One score, one yes/no a prompt: coverage %% (mean width)\n");
  const std::vector<std::string> methods = {"Wilson"};
  Header("prompts, true share", methods);
  CounterRandom random(1);
  for (int n : {50, 150, 541}) {
    for (double p : {0.05, 0.25, 0.5, 0.9}) {
      Tally tally;
      for (int r = 0; r < runs * 5; ++r) {
        int k = 0;
        for (int i = 0; i < n; ++i) k += random.Uniform() < p;
        tally.Add("Wilson", WilsonInterval(k, n, kConfidence), p);
      }
      tally.Print(Format("%.0f, %.2f", n, p), methods);
    }
  }
}

void ClusteredShare(int runs, int resamples) {
  std::printf("\n### One score, several instructions a prompt (ILA): coverage %% (mean width)\n");
  const std::vector<std::string> methods = {"percentile", "BCa", "expanded", "cluster Wilson",
                                            "report (last two by count)"};
  Header("prompts, true share, alike", methods);
  CounterRandom random(2);
  for (int n : {50, 150, 541}) {
    for (const auto& [p, alike] : {std::pair{0.05, 0.6}, {0.3, 0.6}, {0.3, 0.9}, {0.8, 0.6}}) {
      Tally tally;
      const InstructionWorld world = {.pass = p, .alike = alike};
      for (int r = 0; r < (n > 500 ? runs / 2 : runs); ++r) {
        std::vector<Cluster> clusters;
        for (const PairedPrompt& q : DrawPrompts(world, n, random)) {
          clusters.push_back({1.0 * q.base, 1.0 * q.instructions});
        }
        const auto replicates = BootstrapRatios(clusters, resamples, r);
        tally.Add("percentile",
                  BootstrapInterval(clusters, replicates, BootstrapKind::kPercentile, kConfidence),
                  p);
        tally.Add("BCa", BootstrapInterval(clusters, replicates, BootstrapKind::kBca, kConfidence),
                  p);
        tally.Add("expanded",
                  BootstrapInterval(clusters, replicates, BootstrapKind::kExpanded, kConfidence),
                  p);
        tally.Add("cluster Wilson", ClusterWilsonInterval(clusters, kConfidence), p);
        tally.Add("report (last two by count)",
                  ClusteredShareInterval(clusters, resamples, r, kConfidence).interval, p);
      }
      tally.Print(Format("%.0f, %.2f, %.1f", n, p, alike), methods);
    }
  }
}

void PairedShare(int runs) {
  std::printf("\n### Difference, one yes/no a prompt: coverage %% (mean width)\n");
  const std::vector<std::string> methods = {"Tango", "Newcombe 10"};
  Header("prompts, gain, loss", methods);
  CounterRandom random(3);
  for (int n : {50, 150, 541}) {
    for (const auto& [gain, loss] :
         {std::pair{0.005, 0.005}, {0.02, 0.02}, {0.1, 0.1}, {0.05, 0.15}, {0.5, 0.02}}) {
      Tally tally;
      const PairedWorld world = {.both = 0.2, .gain = gain, .loss = loss};
      for (int r = 0; r < runs * 3; ++r) {
        const PairedTable table = DrawTable(world, n, random);
        tally.Add("Tango", TangoInterval(table.counts, kConfidence), world.Difference());
        tally.Add("Newcombe 10", NewcombePairedInterval(table.counts, table.both, kConfidence),
                  world.Difference());
      }
      tally.Print(Format("%.0f, %.3f, %.3f", n, gain, loss), methods);
    }
  }
}

std::vector<Cluster> Differences(const std::vector<PairedPrompt>& prompts) {
  std::vector<Cluster> clusters;
  for (const PairedPrompt& q : prompts) {
    clusters.push_back({1.0 * q.subject - q.base, 1.0 * q.instructions});
  }
  return clusters;
}

void PairedClustered(int runs, int resamples) {
  std::printf("\n### Difference, several instructions a prompt (ILA): coverage %% (mean width)\n");
  const std::vector<std::string> methods = {"percentile", "BCa", "expanded", "expanded, padded"};
  Header("prompts, gain of failed, loss of passed", methods);
  CounterRandom random(4);
  for (int n : {50, 150, 541}) {
    for (const auto& [gain, loss] :
         {std::pair{0.005, 0.01}, {0.03, 0.07}, {0.1, 0.2333}, {0.05, 0.3}, {0.5, 0.05}}) {
      Tally tally;
      const InstructionWorld world = {.pass = 0.3, .alike = 0.6, .gain = gain, .loss = loss};
      const double truth = world.Difference();
      for (int r = 0; r < (n > 500 ? runs / 2 : runs); ++r) {
        const auto clusters = Differences(DrawPrompts(world, n, random));
        const auto replicates = BootstrapRatios(clusters, resamples, r);
        tally.Add("percentile",
                  BootstrapInterval(clusters, replicates, BootstrapKind::kPercentile, kConfidence),
                  truth);
        tally.Add("BCa", BootstrapInterval(clusters, replicates, BootstrapKind::kBca, kConfidence),
                  truth);
        tally.Add("expanded",
                  BootstrapInterval(clusters, replicates, BootstrapKind::kExpanded, kConfidence),
                  truth);
        tally.Add("expanded, padded", PairedBootstrapInterval(clusters, resamples, r, kConfidence),
                  truth);
      }
      tally.Print(Format("%.0f, %.3f, %.3f", n, gain, loss), methods);
    }
  }
}

void FalseAlarms(int runs) {
  std::printf("\n### Tests of no difference where there is none: significant at 0.05, %%\n");
  Header("prompts, flips each way",
         {"McNemar exact", "McNemar mid-p", "sign flip, prompts with several instructions"});
  CounterRandom random(5);
  for (int n : {50, 150, 541}) {
    for (double flips : {0.01, 0.05, 0.15}) {
      int exact = 0, mid = 0, flip = 0;
      const int total = runs * 2;
      for (int r = 0; r < total; ++r) {
        const PairedTable t = DrawTable({.both = 0.2, .gain = flips, .loss = flips}, n, random);
        exact += McNemarExactP(t.counts.gained, t.counts.lost) < kAlpha;
        mid += McNemarExactP(t.counts.gained, t.counts.lost, Alternative::kTwoSided, true) < kAlpha;
        const InstructionWorld world = {
            .pass = 0.5, .alike = 0.6, .gain = 2 * flips, .loss = 2 * flips};
        std::vector<double> differences;
        for (const Cluster& c : Differences(DrawPrompts(world, n, random))) {
          differences.push_back(c.successes);
        }
        flip += SignFlipP(differences) < kAlpha;
      }
      std::printf("| %d, %.2f | %.1f | %.1f | %.1f |\n", n, flips, 100.0 * exact / total,
                  100.0 * mid / total, 100.0 * flip / total);
    }
  }
}

void Drift(int runs, int resamples) {
  std::printf(
      "\n### Drift over one task on target (ILA) and one off target (yes/no): coverage %% (mean "
      "width)\n");
  const std::vector<std::string> methods = {"MOVER", "plain bootstrap"};
  Header("prompts of each, what the adapter does", methods);
  CounterRandom random(6);
  struct Case {
    const char* label;
    InstructionWorld on;
    PairedWorld off;
  };
  const Case cases[] = {
      {"nothing (flips 1 % each way)",
       {.gain = 0.014, .loss = 0.033},
       {.gain = 0.01, .loss = 0.01}},
      {"noise (flips 10 % each way)", {.gain = 0.14, .loss = 0.33}, {.gain = 0.1, .loss = 0.1}},
      {"the study: -4 on, +50 off",
       {.gain = 0.03, .loss = 0.2033},
       {.both = 0.12, .gain = 0.512, .loss = 0.013}},
  };
  for (int n : {150, 541}) {
    for (const Case& c : cases) {
      Tally tally;
      const double truth = c.off.Difference() - c.on.Difference();
      for (int r = 0; r < (n > 500 ? runs / 2 : runs); ++r) {
        const auto on = Differences(DrawPrompts(c.on, n, random));
        const PairedTable off = DrawTable(c.off, n, random);
        const double on_value = Summarize(on).value;
        const double off_value = 1.0 * (off.counts.gained - off.counts.lost) / n;
        tally.Add("MOVER",
                  CombineIndependent(
                      {{1, off_value, TangoInterval(off.counts, kConfidence)},
                       {-1, on_value, PairedBootstrapInterval(on, resamples, r, kConfidence)}}),
                  truth);
        std::vector<Cluster> off_clusters(n, {0, 1});
        for (int i = 0; i < off.counts.gained; ++i) off_clusters[i].successes = 1;
        for (int i = 0; i < off.counts.lost; ++i) off_clusters[n - 1 - i].successes = -1;
        auto replicates = BootstrapRatios(off_clusters, resamples, 2 * r);
        const auto on_replicates = BootstrapRatios(on, resamples, 2 * r + 1);
        for (size_t i = 0; i < replicates.size(); ++i) replicates[i] -= on_replicates[i];
        tally.Add(
            "plain bootstrap",
            BootstrapInterval(on, std::move(replicates), BootstrapKind::kExpanded, kConfidence),
            truth);
      }
      tally.Print(std::to_string(n) + ", " + c.label, methods);
    }
  }
}

}  // namespace

void PrintCoverage(int runs, int resamples) {
  OneShare(runs);
  ClusteredShare(runs, resamples);
  PairedShare(runs);
  PairedClustered(runs, resamples);
  Drift(runs, resamples);
  FalseAlarms(runs);
}

}  // namespace plumbline
