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
  // Several responses a prompt, and a metric that takes one of them (core/eval/selection.h): the
  // prompt's value is this observation of one of its first `among` responses, the first of those
  // whose `vote` is the most frequent. 0: every response counts by itself.
  int among = 0;
  std::string vote;
};

inline bool operator==(const Observation& a, const Observation& b) {
  return a.metric == b.metric && a.successes == b.successes && a.trials == b.trials &&
         a.among == b.among && a.vote == b.vote;
}

// A metric whose value over all items is the mean of other metrics' values (Multi-IF's
// turn_N_overall). The weights of its observations make it so over the whole task; in a part of the
// task the mean is to be taken anew from these.
struct MeanMetric {
  std::string metric;
  std::vector<std::string> of;  // not empty
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_OBSERVATION_H_
