#include "core/engine/step_plan.h"

#include <algorithm>
#include <numeric>

namespace plumbline {

std::vector<int64_t> PlanStep(absl::Span<const StepCandidate> candidates, int64_t budget) {
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (candidates[a].decoding != candidates[b].decoding) return candidates[a].decoding;
    return candidates[a].priority > candidates[b].priority;
  });
  std::vector<int64_t> tokens(candidates.size(), 0);
  for (size_t i : order) {
    tokens[i] = std::min(candidates[i].left, budget);
    budget -= tokens[i];
  }
  return tokens;
}

}  // namespace plumbline
