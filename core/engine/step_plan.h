// What goes into one device step.
//
// Every sequence that is decoding gets its one token, always: the budget is never smaller than the
// number of slots, so a long prompt cannot hold up a response. What is left is filled with slices
// of prompts, higher priority first, then in order of admission; the last slice is cut to fit.
#ifndef PLUMBLINE_CORE_ENGINE_STEP_PLAN_H_
#define PLUMBLINE_CORE_ENGINE_STEP_PLAN_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace plumbline {

// A running sequence.
struct StepCandidate {
  int64_t left = 0;       // tokens that wait to be computed; 0: it waits for something else
  bool decoding = false;  // its prompt is computed: `left` is at most 1
  int priority = 0;
};

// Tokens of each candidate, in their order; the sum is at most `budget`.
std::vector<int64_t> PlanStep(absl::Span<const StepCandidate> candidates, int64_t budget);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_STEP_PLAN_H_
