// Tests of "no difference" between two subjects on the same prompts, and Holm's adjustment for many
// of them.
#ifndef PLUMBLINE_CORE_EVAL_STATS_PAIRED_TEST_H_
#define PLUMBLINE_CORE_EVAL_STATS_PAIRED_TEST_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace plumbline {

// What the data would have to show against "no difference".
enum class Alternative {
  kTwoSided,
  kGreater,
  kLess
};  // subject differs from / beats / trails the base

// McNemar's exact test on the discordant prompts: gained ~ Binomial(gained + lost, 1/2). With
// `mid_p` half of the observed point's probability counts: less conservative, error rate at or
// below alpha on average but not guaranteed. Two-sided p is twice the smaller tail, at most 1. No
// discordant prompt: 1.
double McNemarExactP(int64_t gained, int64_t lost, Alternative alternative = Alternative::kTwoSided,
                     bool mid_p = false);

// The same idea for any metric: under "no difference" the two results of a prompt could be
// exchanged, so each prompt's difference could have either sign. p is the share of all 2^m sign
// patterns whose sum is at least as far out as the observed one. With differences of 0 and +-1 it
// *is* McNemar's exact test. Integer differences (all our metrics): exact, by convolution. Others,
// or sums too large to convolve (prompts x sum of |difference| > 4e8): 20,000 random sign patterns
// with the fixed seed, p = (1 + hits) / 20,001.
double SignFlipP(absl::Span<const double> differences,
                 Alternative alternative = Alternative::kTwoSided, uint64_t seed = 20260322);

// Holm's step-down adjustment: reject those with adjusted p < alpha and the chance of any false
// rejection is below alpha, however the tests depend on each other. Same order as the input; never
// below p, at most 1.
std::vector<double> HolmAdjust(absl::Span<const double> p);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_STATS_PAIRED_TEST_H_
