#include "core/eval/stats/proportion.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/eval/stats/distributions.h"

namespace plumbline {

Interval WilsonInterval(double successes, double n, double confidence) {
  const double z = NormalCritical(confidence);
  const double p = successes / n;
  const double denominator = 1 + z * z / n;
  const double centre = (p + z * z / (2 * n)) / denominator;
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / denominator;
  // At the ends rounding would leave 1e-18 instead of the exact limit.
  return {successes <= 0 ? 0.0 : std::max(0.0, centre - half),
          successes >= n ? 1.0 : std::min(1.0, centre + half)};
}

double ShareBelowP(double successes, double n, double limit) {
  if (limit <= 0) return 1;
  if (limit >= 1) return successes >= n ? 1 : 0;
  return NormalCdf((successes / n - limit) / std::sqrt(limit * (1 - limit) / n));
}

double TangoZ(const PairedCounts& counts, double delta) {
  const double n = static_cast<double>(counts.n);
  const double b = static_cast<double>(counts.gained);
  const double c = static_cast<double>(counts.lost);
  // Probability of a loss, by maximum likelihood under the hypothesis.
  const double qa = 2 * n;
  const double qb = -b - c + (2 * n - b + c) * delta;
  const double qc = -c * delta * (1 - delta);
  const double loss = (std::sqrt(std::max(0.0, qb * qb - 4 * qa * qc)) - qb) / (2 * qa);
  const double variance = n * (2 * loss + delta * (1 - delta));
  const double numerator = b - c - n * delta;
  if (variance <= 0) {
    if (numerator == 0) return 0;
    return numerator > 0 ? std::numeric_limits<double>::infinity()
                         : -std::numeric_limits<double>::infinity();
  }
  return numerator / std::sqrt(variance);
}

namespace {

// The delta in [low, high] at which TangoZ, decreasing, crosses `target`.
double SolveTango(const PairedCounts& counts, double target, double low, double high) {
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (TangoZ(counts, middle) > target ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

Interval TangoInterval(const PairedCounts& counts, double confidence) {
  const double z = NormalCritical(confidence);
  const double d = static_cast<double>(counts.gained - counts.lost) / static_cast<double>(counts.n);
  return {counts.lost == counts.n ? -1.0 : SolveTango(counts, z, -1, d),
          counts.gained == counts.n ? 1.0 : SolveTango(counts, -z, d, 1)};
}

Interval NewcombePairedInterval(const PairedCounts& counts, int64_t both, double confidence) {
  const double n = static_cast<double>(counts.n);
  const double a = static_cast<double>(both);
  const double b = static_cast<double>(counts.gained);
  const double c = static_cast<double>(counts.lost);
  const double d = n - a - b - c;
  const Interval subject = WilsonInterval(a + b, n, confidence);
  const Interval base = WilsonInterval(a + c, n, confidence);
  const double p_subject = (a + b) / n, p_base = (a + c) / n;
  double product = a * d - b * c;
  if (product > 0) product = std::max(product - n / 2, 0.0);
  const double margins = (a + b) * (c + d) * (a + c) * (b + d);
  const double phi = margins > 0 ? product / std::sqrt(margins) : 0;
  const auto half = [phi](double x, double y) {
    return std::sqrt(std::max(0.0, x * x - 2 * phi * x * y + y * y));
  };
  const double difference = p_subject - p_base;
  return {difference - half(p_subject - subject.lower, base.upper - p_base),
          difference + half(subject.upper - p_subject, p_base - base.lower)};
}

}  // namespace plumbline
