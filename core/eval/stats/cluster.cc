#include "core/eval/stats/cluster.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/eval/stats/distributions.h"
#include "core/eval/stats/random.h"

namespace plumbline {

ClusterSummary Summarize(absl::Span<const Cluster> clusters) {
  ClusterSummary summary;
  summary.clusters = static_cast<int64_t>(clusters.size());
  for (const Cluster& c : clusters) {
    summary.successes += c.successes;
    summary.trials += c.trials;
  }
  if (clusters.empty()) {
    summary.value = std::numeric_limits<double>::quiet_NaN();
    return summary;
  }
  summary.value = summary.successes / summary.trials;
  if (clusters.size() < 2) return summary;
  double squares = 0;
  for (const Cluster& c : clusters) {
    const double residual = c.successes - summary.value * c.trials;
    squares += residual * residual;
  }
  const double m = static_cast<double>(clusters.size());
  summary.standard_error = std::sqrt(squares * m / (m - 1)) / summary.trials;
  return summary;
}

double EffectiveTrials(const ClusterSummary& summary) {
  const double variance = summary.value * (1 - summary.value);
  const double se2 = summary.standard_error * summary.standard_error;
  if (!(variance > 0) || !(se2 > 0)) return static_cast<double>(summary.clusters);
  return std::min(variance / se2, summary.trials);
}

Interval ClusterWilsonInterval(absl::Span<const Cluster> clusters, double confidence) {
  const ClusterSummary summary = Summarize(clusters);
  double n = EffectiveTrials(summary);
  if (summary.clusters >= 2) {
    const double z = NormalCritical(confidence);
    const double t =
        StudentQuantile(1 - (1 - confidence) / 2, static_cast<double>(summary.clusters - 1));
    n *= (z / t) * (z / t);
  }
  return WilsonInterval(summary.value * n, n, confidence);
}

namespace {

// Whole numbers, packed (successes, trials) into one word: one addition a draw.
std::vector<double> BootstrapPacked(absl::Span<const Cluster> clusters, int resamples,
                                    uint64_t seed) {
  constexpr int64_t kTrialsScale = int64_t{1} << 32;
  std::vector<int64_t> packed;
  packed.reserve(clusters.size());
  for (const Cluster& c : clusters) {
    packed.push_back(static_cast<int64_t>(c.trials) * kTrialsScale +
                     static_cast<int64_t>(c.successes));
  }
  const uint32_t m = static_cast<uint32_t>(clusters.size());
  CounterRandom random(seed);
  std::vector<double> replicates(resamples);
  for (double& replicate : replicates) {
    int64_t sum = 0;
    for (uint32_t i = 0; i + 1 < m; i += 2) {
      const uint64_t bits = random.Next();
      sum += packed[CounterRandom::Scale(static_cast<uint32_t>(bits >> 32), m)] +
             packed[CounterRandom::Scale(static_cast<uint32_t>(bits), m)];
    }
    if (m % 2 == 1) sum += packed[random.Below(m)];
    const int64_t successes = static_cast<int32_t>(sum & 0xFFFFFFFF);
    const int64_t trials = (sum - successes) / kTrialsScale;
    replicate = static_cast<double>(successes) / static_cast<double>(trials);
  }
  return replicates;
}

std::vector<double> BootstrapGeneral(absl::Span<const Cluster> clusters, int resamples,
                                     uint64_t seed) {
  const uint32_t m = static_cast<uint32_t>(clusters.size());
  CounterRandom random(seed);
  std::vector<double> replicates(resamples);
  for (double& replicate : replicates) {
    double successes = 0, trials = 0;
    for (uint32_t i = 0; i < m; ++i) {
      const Cluster& c = clusters[random.Below(m)];
      successes += c.successes;
      trials += c.trials;
    }
    replicate = successes / trials;
  }
  return replicates;
}

// The value at position p (B + 1) of the sorted replicates, between neighbours by interpolation.
double Quantile(const std::vector<double>& sorted, double p) {
  const double position = p * static_cast<double>(sorted.size() + 1) - 1;
  if (position <= 0) return sorted.front();
  const size_t below = static_cast<size_t>(position);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double share = position - static_cast<double>(below);
  return sorted[below] + share * (sorted[below + 1] - sorted[below]);
}

// Skewness of the leave-one-out values, Efron's acceleration.
double Acceleration(absl::Span<const Cluster> clusters) {
  const ClusterSummary all = Summarize(clusters);
  double mean = 0;
  std::vector<double> without;
  without.reserve(clusters.size());
  for (const Cluster& c : clusters) {
    without.push_back((all.successes - c.successes) / (all.trials - c.trials));
    mean += without.back() / static_cast<double>(clusters.size());
  }
  double squares = 0, cubes = 0;
  for (double value : without) {
    const double d = mean - value;
    squares += d * d;
    cubes += d * d * d;
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

}  // namespace

std::vector<double> BootstrapRatios(absl::Span<const Cluster> clusters, int resamples,
                                    uint64_t seed) {
  // The packed sums must fit: any resample's sums are below clusters x the largest entry.
  double largest = 0;
  bool whole = true;
  for (const Cluster& c : clusters) {
    largest = std::max({largest, std::abs(c.successes), c.trials});
    whole = whole && c.successes == std::floor(c.successes) && c.trials == std::floor(c.trials);
  }
  const bool fits = largest * static_cast<double>(clusters.size()) < 2e9;
  return whole && fits ? BootstrapPacked(clusters, resamples, seed)
                       : BootstrapGeneral(clusters, resamples, seed);
}

Interval BootstrapInterval(absl::Span<const Cluster> clusters, std::vector<double> replicates,
                           BootstrapKind kind, double confidence) {
  std::sort(replicates.begin(), replicates.end());
  const double tail = (1 - confidence) / 2;
  double low = tail, high = 1 - tail;
  if (kind == BootstrapKind::kExpanded) {
    const double m = static_cast<double>(clusters.size());
    low = NormalCdf(std::sqrt(m / (m - 1)) * StudentQuantile(tail, m - 1));
    high = 1 - low;
  } else if (kind == BootstrapKind::kBca) {
    const double value = Summarize(clusters).value;
    const auto range = std::equal_range(replicates.begin(), replicates.end(), value);
    // Ties (the ratio is discrete) count half.
    const double below = (static_cast<double>(range.first - replicates.begin()) +
                          0.5 * static_cast<double>(range.second - range.first)) /
                         static_cast<double>(replicates.size());
    if (below > 0 && below < 1) {
      const double bias = NormalQuantile(below);
      const double a = Acceleration(clusters);
      const auto moved = [&](double p) {
        const double z = bias + NormalQuantile(p);
        return NormalCdf(bias + z / (1 - a * z));
      };
      low = moved(tail);
      high = moved(1 - tail);
    }
  }
  return {Quantile(replicates, low), Quantile(replicates, high)};
}

ShareInterval ClusteredShareInterval(absl::Span<const Cluster> clusters, int resamples,
                                     uint64_t seed, double confidence) {
  constexpr double kEnough = 20;
  const ClusterSummary summary = Summarize(clusters);
  const double n = EffectiveTrials(summary);
  if (std::min(summary.value, 1 - summary.value) * n < kEnough) {
    return {ClusterWilsonInterval(clusters, confidence), false};
  }
  return {BootstrapInterval(clusters, BootstrapRatios(clusters, resamples, seed),
                            BootstrapKind::kExpanded, confidence),
          true};
}

Interval PairedBootstrapInterval(absl::Span<const Cluster> differences, int resamples,
                                 uint64_t seed, double confidence) {
  std::vector<Cluster> padded(differences.begin(), differences.end());
  padded.push_back({1, 1});
  padded.push_back({-1, 1});
  const Interval interval = BootstrapInterval(padded, BootstrapRatios(padded, resamples, seed),
                                              BootstrapKind::kExpanded, confidence);
  return {std::max(-1.0, interval.lower), std::min(1.0, interval.upper)};
}

Interval CombineIndependent(absl::Span<const WeightedEstimate> parts) {
  double value = 0, down = 0, up = 0;
  for (const WeightedEstimate& part : parts) {
    value += part.weight * part.value;
    double to_lower = part.weight * (part.value - part.interval.lower);
    double to_upper = part.weight * (part.interval.upper - part.value);
    if (part.weight < 0) std::swap(to_lower, to_upper);
    down += to_lower * to_lower;
    up += to_upper * to_upper;
  }
  return {value - std::sqrt(down), value + std::sqrt(up)};
}

}  // namespace plumbline
