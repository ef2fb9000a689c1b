// Equivalence and non-inferiority of a subject and its baseline on the same prompts: not "we found
// no difference" but "the difference is shown to be smaller than the margin".
#ifndef PLUMBLINE_CORE_EVAL_STATS_EQUIVALENCE_H_
#define PLUMBLINE_CORE_EVAL_STATS_EQUIVALENCE_H_

#include "absl/types/span.h"
#include "core/eval/stats/cluster.h"
#include "core/eval/stats/proportion.h"

namespace plumbline {

// One-sided p-values for margins on either side of 0. Small means: shown.
struct MarginTest {
  double not_worse = 1;  // against H0 "difference <= -margin": small shows non-inferiority
  double not_better =
      1;             // against H0 "difference >= +margin": small shows that no such gain exists
  double worse = 1;  // against H0 "difference >= -margin": small shows a loss beyond the margin
  // TOST: the difference lies within +-margin. The larger of the first two.
  double equivalent() const { return not_worse > not_better ? not_worse : not_better; }
};

// One yes/no a prompt: Tango's score test, the one that TangoInterval inverts: not_worse < a
// exactly when the lower limit at confidence 1 - 2a is above -margin. margin in [0, 1).
MarginTest TestMargin(const PairedCounts& counts, double margin);

// Several trials a prompt: Student's t on an estimate and its standard error. A standard error of 0
// decides by the value alone, so pass one that cannot be 0 (PaddedStandardError).
MarginTest TestMargin(double difference, double standard_error, int64_t clusters, double margin);

// The standard error of a paired difference over the prompts and the two prompts more that
// PairedBootstrapInterval adds.
double PaddedStandardError(absl::Span<const Cluster> differences);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_STATS_EQUIVALENCE_H_
