// Several responses to one prompt.
#ifndef PLUMBLINE_CORE_EVAL_STATS_SAMPLES_H_
#define PLUMBLINE_CORE_EVAL_STATS_SAMPLES_H_

#include <cstddef>
#include <string>

#include "absl/types/span.h"

namespace plumbline {

// The unbiased estimate of "at least one of k responses passes", from n responses of which `passed`
// passed: 1 - C(n - passed, k) / C(n, k) (Chen et al. 2021). 0 <= passed <= n, 1 <= k <= n.
double PassAtK(int n, int passed, int k);

// The index of the first response whose answer is the most frequent one; among equally frequent
// answers the one that came first. Empty answers (nothing extracted) do not vote; -1 when all are
// empty.
int MajorityVote(absl::Span<const std::string> answers);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_STATS_SAMPLES_H_
