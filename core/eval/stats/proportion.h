// Intervals for shares of yes/no outcomes: one share (Wilson), and the difference of two shares
// measured on the same prompts (Tango's score interval).
#ifndef PLUMBLINE_CORE_EVAL_STATS_PROPORTION_H_
#define PLUMBLINE_CORE_EVAL_STATS_PROPORTION_H_

#include <cstdint>

namespace plumbline {

struct Interval {
  double lower = 0;
  double upper = 0;
};

// Wilson's score interval for successes out of n independent trials. `n` > 0 and `successes` in [0,
// n] may be fractional (an effective number of trials). Within [0, 1]. Confidence in (0, 1),
// everywhere below.
Interval WilsonInterval(double successes, double n, double confidence);

// One-sided p-value of "the share is at least `limit`" against "it is less": the score test that
// Wilson's interval inverts. limit in (0, 1); for limit <= 0 it is 1, for limit >= 1 it is 1 only
// if all succeed.
double ShareBelowP(double successes, double n, double limit);

// Base and subject on the same n prompts: `gained` prompts only the subject passes, `lost` only the
// base. The other n - gained - lost agree. All >= 0, n >= 1.
struct PairedCounts {
  int64_t n = 0;
  int64_t gained = 0;
  int64_t lost = 0;
};

// Tango (1998): the score statistic for "true difference (subject - base) = delta". Standard normal
// under that hypothesis; decreasing in delta; +-infinity where the hypothesis is impossible. delta
// in (-1, 1).
double TangoZ(const PairedCounts& counts, double delta);
// All delta with |TangoZ| <= the normal's critical value. Covers well also where few or no prompts
// are discordant (then +- z^2 / (n + z^2)), where Wald and the bootstrap collapse to nothing.
Interval TangoInterval(const PairedCounts& counts, double confidence);

// Newcombe (1998), method 10: square-and-add of two Wilson intervals with corrected phi. `both` is
// how many of the n prompts both pass. Too short where few prompts are discordant (measured in
// docs/statistics.md); here as the textbook's alternative.
Interval NewcombePairedInterval(const PairedCounts& counts, int64_t both, double confidence);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_STATS_PROPORTION_H_
