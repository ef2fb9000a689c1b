#include "core/eval/stats/equivalence.h"

#include <cmath>
#include <limits>
#include <vector>

#include "core/eval/stats/distributions.h"

namespace plumbline {

MarginTest TestMargin(const PairedCounts& counts, double margin) {
  const double at_loss = TangoZ(counts, -margin);
  const double at_gain = TangoZ(counts, margin);
  return {.not_worse = NormalCdf(-at_loss),
          .not_better = NormalCdf(at_gain),
          .worse = NormalCdf(at_loss)};
}

MarginTest TestMargin(double difference, double standard_error, int64_t clusters, double margin) {
  if (clusters < 2) return {};
  const double degrees = static_cast<double>(clusters - 1);
  const auto t = [&](double distance) {
    if (standard_error > 0) return distance / standard_error;
    if (distance == 0) return 0.0;
    return distance > 0 ? std::numeric_limits<double>::infinity()
                        : -std::numeric_limits<double>::infinity();
  };
  const double at_loss = t(difference + margin);
  const double at_gain = t(difference - margin);
  return {.not_worse = StudentCdf(-at_loss, degrees),
          .not_better = StudentCdf(at_gain, degrees),
          .worse = StudentCdf(at_loss, degrees)};
}

double PaddedStandardError(absl::Span<const Cluster> differences) {
  std::vector<Cluster> padded(differences.begin(), differences.end());
  padded.push_back({1, 1});
  padded.push_back({-1, 1});
  return Summarize(padded).standard_error;
}

}  // namespace plumbline
