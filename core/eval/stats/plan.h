// How many prompts a question needs, and what the prompts at hand can answer: the arithmetic behind
// `plumbline plan`. All of it for a subject compared with its baseline on the same prompts.
//
// The quantity that matters is not the score but how many prompts *flip*. With a share `discordant`
// of prompts that only one of the two passes, a difference has a standard error of about
// sqrt(discordant / prompts). Give `discordant` from an earlier report ((gained + lost) / pairs);
// 0.10 to 0.25 is usual for an adapter that changes something.
#ifndef PLUMBLINE_CORE_EVAL_STATS_PLAN_H_
#define PLUMBLINE_CORE_EVAL_STATS_PLAN_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace plumbline {

struct PlanOptions {
  double discordant = 0.15;  // share of prompts that flip, in (0, 1]
  double alpha =
      0.05;  // two-sided level, after Holm over `comparisons` (taken as alpha / comparisons)
  int comparisons = 1;  // tests in one family: the tasks of the suite
  double power = 0.8;   // chance to find the effect if it is there, in (alpha, 1)
  // Variance of the difference relative to one yes/no a prompt with `discordant` flips: 1 for
  // prompt-level metrics. For ILA: prompts x standard_error^2 / discordant of an earlier report. >
  // 0.
  double variance_factor = 1;
};

// Chance that McNemar's exact two-sided test at `alpha` is significant, for n prompts that flip to
// a pass with probability `gain` and to a failure with `loss` (gain + loss <= 1). Exact, by
// summation over the number of flips; O(n^2) at worst, meant for n up to 20,000.
double McNemarPower(int64_t n, double gain, double loss, double alpha);

// The smallest difference (in shares, > 0) that n prompts find with the wanted power.
// variance_factor 1: by McNemarPower; else by the normal approximation. It is at most `discordant`
// (a difference cannot be larger than the flips that make it); FailedPrecondition when even that is
// not found: too few prompts.
absl::StatusOr<double> MinimumDetectableEffect(int64_t prompts, const PlanOptions& options);

// The fewest prompts that find `effect` (in shares, 0 < effect <= discordant). To within a few
// prompts: the power of the exact test is a saw in n.
absl::StatusOr<int64_t> RequiredPrompts(double effect, const PlanOptions& options);

// The fewest prompts for which a subject whose true difference is `true_difference` is shown not to
// be worse than the baseline by `margin` (> -true_difference) with the wanted power, as the gate
// decides it: the lower limit of the 1 - alpha interval above -margin. Normal approximation, but
// never fewer prompts than the interval needs when nothing flips.
absl::StatusOr<int64_t> RequiredPromptsForNonInferiority(double margin, double true_difference,
                                                         const PlanOptions& options);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_STATS_PLAN_H_
