// Which of several responses to a prompt gives a metric its value.
//
// Every response is checked by itself, when it arrives. A metric over all of them (lm-eval's
// majority_vote) need not wait for the others: each response's observation says how it would do
// alone and for what it votes, and whoever adds observations up takes the winner's.
#ifndef PLUMBLINE_CORE_EVAL_SELECTION_H_
#define PLUMBLINE_CORE_EVAL_SELECTION_H_

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/eval/observation.h"
#include "core/eval/task.h"

namespace plumbline {

// One metric's observations by sample, from 0; null where a sample has none (an execution error, or
// it is still to come). All that are there have the same `among`, at least 1. The index of the one
// that counts: the first of the first `among` whose vote is the most frequent (Python's
// Counter.most_common(1)). Nothing while one of those is missing: a vote with absentees is none.
std::optional<size_t> SelectResponse(absl::Span<const Observation* const> by_sample);

// A text as a vote: itself up to 64 bytes, else its beginning and its SHA-256. Equal texts, and
// only they, have equal votes. Empty stays empty.
std::string VoteOf(absl::string_view text);

// What the responses to one prompt say together, one result a sample, in order: a metric that takes
// one response has that response's observation, others their sum. The rest (outcomes, what was
// extracted) is the first response's; so is the first error. Metrics that no response decides are
// absent. `results` is not empty.
CheckResult MergeSamples(std::vector<CheckResult> results);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_SELECTION_H_
