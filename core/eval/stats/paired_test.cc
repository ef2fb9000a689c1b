#include "core/eval/stats/paired_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/eval/stats/distributions.h"
#include "core/eval/stats/random.h"

namespace plumbline {
namespace {

constexpr double kMaxConvolutionSteps = 4e8;
constexpr int kRandomSignPatterns = 20000;

// P(X >= k), or with half of P(X = k), for X ~ Binomial(n, 1/2).
double UpperTail(int64_t k, int64_t n, bool mid_p) {
  const double tail = BinomialCdf(n - k, n, 0.5);  // by symmetry, without cancellation
  return mid_p ? tail - 0.5 * BinomialPmf(k, n, 0.5) : tail;
}

// P(S >= s) for S the sum of +-steps with fair signs; steps are positive integers.
double SignedSumTail(const std::vector<int64_t>& steps, int64_t s) {
  const int64_t reach = std::accumulate(steps.begin(), steps.end(), int64_t{0});
  // probability[i]: of having chosen + for steps that add up to i; S = 2 i - reach.
  std::vector<double> probability(reach + 1, 0.0);
  probability[0] = 1;
  int64_t filled = 0;
  for (int64_t step : steps) {
    filled += step;
    for (int64_t i = filled; i >= step; --i) {
      probability[i] = 0.5 * (probability[i] + probability[i - step]);
    }
    for (int64_t i = std::min(step - 1, filled); i >= 0; --i) probability[i] *= 0.5;
  }
  double tail = 0;
  for (int64_t i = reach; 2 * i - reach >= s; --i) tail += probability[i];  // small terms first
  return std::min(1.0, tail);
}

double RandomSignFlipP(const std::vector<double>& differences, Alternative alternative,
                       uint64_t seed) {
  double observed = 0, scale = 0;
  for (double d : differences) {
    observed += d;
    scale += std::abs(d);
  }
  const double slack = 1e-12 * scale;  // equal sums may differ by rounding
  CounterRandom random(seed);
  int hits = 0;
  for (int r = 0; r < kRandomSignPatterns; ++r) {
    double sum = 0;
    uint64_t bits = 0;
    for (size_t i = 0; i < differences.size(); ++i) {
      if (i % 64 == 0) bits = random.Next();
      sum += (bits & 1) ? differences[i] : -differences[i];
      bits >>= 1;
    }
    const bool hit = alternative == Alternative::kTwoSided
                         ? std::abs(sum) >= std::abs(observed) - slack
                     : alternative == Alternative::kGreater ? sum >= observed - slack
                                                            : sum <= observed + slack;
    hits += hit;
  }
  return (1.0 + hits) / (1.0 + kRandomSignPatterns);
}

}  // namespace

double McNemarExactP(int64_t gained, int64_t lost, Alternative alternative, bool mid_p) {
  const int64_t n = gained + lost;
  if (n == 0) return 1;
  switch (alternative) {
    case Alternative::kGreater:
      return UpperTail(gained, n, mid_p);
    case Alternative::kLess:
      return UpperTail(lost, n, mid_p);
    case Alternative::kTwoSided:
      break;
  }
  return std::min(1.0, 2 * UpperTail(std::max(gained, lost), n, mid_p));
}

double SignFlipP(absl::Span<const double> differences, Alternative alternative, uint64_t seed) {
  std::vector<double> nonzero;
  bool integers = true;
  double reach = 0;
  for (double d : differences) {
    if (d == 0) continue;
    nonzero.push_back(d);
    integers = integers && d == std::floor(d);
    reach += std::abs(d);
  }
  if (nonzero.empty()) return 1;
  if (!integers || reach * static_cast<double>(nonzero.size()) > kMaxConvolutionSteps) {
    return RandomSignFlipP(nonzero, alternative, seed);
  }
  std::vector<int64_t> steps;
  int64_t sum = 0;
  for (double d : nonzero) {
    steps.push_back(static_cast<int64_t>(std::abs(d)));
    sum += static_cast<int64_t>(d);
  }
  switch (alternative) {
    case Alternative::kGreater:
      return SignedSumTail(steps, sum);
    case Alternative::kLess:
      return SignedSumTail(steps, -sum);
    case Alternative::kTwoSided:
      break;
  }
  if (sum == 0) return 1;
  return std::min(1.0, 2 * SignedSumTail(steps, std::abs(sum)));
}

std::vector<double> HolmAdjust(absl::Span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double running = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    running = std::max(running, std::min(1.0, p[order[i]] * static_cast<double>(p.size() - i)));
    adjusted[order[i]] = running;
  }
  return adjusted;
}

}  // namespace plumbline
