#include "core/eval/stats/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/stats/distributions.h"

namespace plumbline {
namespace {

constexpr int64_t kMaxPrompts = 10'000'000;
constexpr int64_t kMaxExactPrompts = 20'000;

absl::Status Validate(const PlanOptions& o) {
  const auto refuse = [](absl::string_view field, double value, absl::string_view want) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan: ", field, " is ", value, ", want ", want));
  };
  if (!(o.discordant > 0 && o.discordant <= 1)) {
    return refuse("discordant", o.discordant, "a share in (0, 1]");
  }
  if (!(o.alpha > 0 && o.alpha < 1)) return refuse("alpha", o.alpha, "a level in (0, 1)");
  if (!(o.power > o.alpha && o.power < 1))
    return refuse("power", o.power, "more than alpha, below 1");
  if (o.comparisons < 1) return refuse("comparisons", o.comparisons, "at least 1");
  if (!(o.variance_factor > 0)) return refuse("variance_factor", o.variance_factor, "more than 0");
  return absl::OkStatus();
}

double Level(const PlanOptions& o) { return o.alpha / o.comparisons; }

// Connor (1987): normal approximation with the variance under either hypothesis.
double NormalPower(int64_t n, double effect, const PlanOptions& o) {
  const double null_variance = o.discordant * o.variance_factor;
  const double variance = std::max(null_variance - effect * effect, 1e-12);
  return NormalCdf((effect * std::sqrt(static_cast<double>(n)) +
                    NormalQuantile(Level(o) / 2) * std::sqrt(null_variance)) /
                   std::sqrt(variance));
}

double Power(int64_t n, double effect, const PlanOptions& o) {
  if (o.variance_factor == 1 && n <= kMaxExactPrompts) {
    return McNemarPower(n, (o.discordant + effect) / 2, (o.discordant - effect) / 2, Level(o));
  }
  return NormalPower(n, effect, o);
}

// The largest k with P(X <= k) <= tail for X ~ Binomial(m, 1/2), or -1.
int64_t CriticalLosses(int64_t m, double tail, int64_t start) {
  int64_t k = start;  // it grows with m, by at most one a step
  while (k + 1 <= m && BinomialCdf(k + 1, m, 0.5) <= tail) ++k;
  return k;
}

}  // namespace

double McNemarPower(int64_t n, double gain, double loss, double alpha) {
  const double flips = gain + loss;
  if (n <= 0 || flips <= 0) return 0;
  const double share = gain / flips;
  double power = 0;
  int64_t critical = -1;
  for (int64_t m = 1; m <= n; ++m) {
    critical = CriticalLosses(m, alpha / 2, critical);
    if (critical < 0) continue;
    const double weight = flips < 1 ? BinomialPmf(m, n, flips) : (m == n ? 1.0 : 0.0);
    if (weight < 1e-14) continue;
    // Few losses, or few gains.
    const double reject = BinomialCdf(critical, m, 1 - share) + BinomialCdf(critical, m, share);
    power += weight * std::min(1.0, reject);
  }
  return power;
}

absl::StatusOr<double> MinimumDetectableEffect(int64_t prompts, const PlanOptions& options) {
  ABSL_RETURN_IF_ERROR(Validate(options));
  if (prompts < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan: prompts is ", prompts, ", want at least 1"));
  }
  if (Power(prompts, options.discordant, options) < options.power) {
    return absl::FailedPreconditionError(absl::StrCat(
        "plan: ", prompts, " prompts of which ", options.discordant,
        " flip cannot show any effect with power ", options.power, ": use more prompts"));
  }
  double low = 0, high = options.discordant;
  for (int i = 0; i < 30; ++i) {
    const double middle = (low + high) / 2;
    (Power(prompts, middle, options) < options.power ? low : high) = middle;
  }
  return high;
}

absl::StatusOr<int64_t> RequiredPrompts(double effect, const PlanOptions& options) {
  ABSL_RETURN_IF_ERROR(Validate(options));
  if (!(effect > 0 && effect <= options.discordant)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "plan: effect is ", effect, ", want more than 0 and at most the discordant share ",
        options.discordant, " (a difference cannot exceed the flips that make it)"));
  }
  int64_t high = 1;
  while (Power(high, effect, options) < options.power) {
    high *= 2;
    if (high > kMaxPrompts) {
      return absl::OutOfRangeError(
          absl::StrCat("plan: effect ", effect, " needs more than ", kMaxPrompts, " prompts"));
    }
  }
  int64_t low = high / 2;
  while (low + 1 < high) {
    const int64_t middle = low + (high - low) / 2;
    (Power(middle, effect, options) < options.power ? low : high) = middle;
  }
  return high;
}

absl::StatusOr<int64_t> RequiredPromptsForNonInferiority(double margin, double true_difference,
                                                         const PlanOptions& options) {
  ABSL_RETURN_IF_ERROR(Validate(options));
  if (!(margin <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan: margin is ", margin, ", want a share (0.05 is five points)"));
  }
  const double distance = margin + true_difference;
  if (!(distance > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("plan: margin ", margin, " cannot be shown for a true difference of ",
                     true_difference, ": want margin + difference > 0"));
  }
  const double critical = NormalCritical(1 - Level(options));
  const double z = critical + NormalQuantile(options.power);
  const double variance =
      options.discordant * options.variance_factor - true_difference * true_difference;
  const double by_power = z * z * variance / (distance * distance);
  // Even with no flip at all the score interval reaches critical^2 / (n + critical^2).
  const double by_interval = margin > 0 ? critical * critical * (1 - margin) / margin : 0;
  return static_cast<int64_t>(std::ceil(std::max({1.0, by_power, by_interval})));
}

}  // namespace plumbline
