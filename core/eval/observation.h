// The one currency between checkers and statistics.
//
// A checker turns a response into observations; everything downstream (intervals, deltas, drift,
// gate, Prometheus) knows only these. A metric's value over a set of prompts is Σ successes / Σ
// trials. A prompt-level metric has trials = 1; ILA has one trial an instruction, clustered by
// prompt; a metric that does not apply to a prompt has no observation there.
#ifndef PLUMBLINE_CORE_EVAL_OBSERVATION_H_
#define PLUMBLINE_CORE_EVAL_OBSERVATION_H_

#include <string>
#include <vector>

namespace plumbline {

struct Observation {
  std::string metric;    // e.g. "ila_strict"; the names are in core/eval/metrics.h
  double successes = 0;  // in [0, trials]
  int trials = 1;        // >= 1
};

inline bool operator==(const Observation& a, const Observation& b) {
  return a.metric == b.metric && a.successes == b.successes && a.trials == b.trials;
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_OBSERVATION_H_
