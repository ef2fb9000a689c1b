// From an answer of the engine to a verdict: pure functions, run on the checker threads.
#ifndef PLUMBLINE_CORE_JOBS_JOB_CHECK_H_
#define PLUMBLINE_CORE_JOBS_JOB_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/language_model.h"
#include "core/eval/task.h"
#include "core/jobs/job.h"

namespace plumbline {

// Scores a generated response. `verdict` has its place (subject, task, item, sample) and numerics
// already. Adds the validity guards empty_response, truncated and refusal_to_stop, which need more
// than the text, unless the checker reported them. An error of the engine, or a checker that throws
// (our bug), becomes an execution error: never a failed prompt.
Verdict CheckGeneration(const Task& task, const absl::StatusOr<Generation>& answer,
                        Verdict verdict);

// The same of a conversation: one generation a turn. Its response is the turns' as EncodeTurns
// writes them; it is truncated if any turn is.
Verdict CheckConversation(const Task& task, const absl::StatusOr<std::vector<Generation>>& turns,
                          Verdict verdict);

// The same for the log-likelihoods of a multiple-choice item.
Verdict CheckChoices(const Task& task, const absl::StatusOr<std::vector<LogLikelihood>>& answer,
                     Verdict verdict);

// Every metric that the verdicts of a task can have: the scores it reports, the primary one first,
// then what its checker observes besides and the validity guards. Found by scoring a blank answer
// to its first item.
std::vector<std::string> VerdictMetrics(const Task& task);

// True when the primary metric was observed and all its trials succeeded.
bool PrimaryMetricMet(const Task& task, const std::vector<Observation>& observations);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_JOB_CHECK_H_
