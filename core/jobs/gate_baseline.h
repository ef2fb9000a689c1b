// Finds the baseline a gate policy names where it is not the job's own base (GateBaseline), and
// compares the job's subjects with it: pairs of verdicts of the same prompts of the same task
// versions, whichever jobs recorded them.
//
// The verdicts of an adapter version on a task version are the same whenever they are made, so any
// finished job that has them will do; the newest that has all the prompts is taken. What cannot be
// compared (a version nobody evaluated, another version of a task, a job that has not succeeded) is
// a GateComparison with a problem, which makes the gate INCONCLUSIVE and names the remedy.
#ifndef PLUMBLINE_CORE_JOBS_GATE_BASELINE_H_
#define PLUMBLINE_CORE_JOBS_GATE_BASELINE_H_

#include <map>

#include "absl/status/statusor.h"
#include "core/eval/gate/gate.h"
#include "core/eval/language_model.h"
#include "core/jobs/job.h"
#include "core/jobs/job_store.h"

namespace plumbline {

// Comparisons by subject of the job, for EvaluateGate; empty when the policy's baseline is the
// report's own. Reads the store (an Error is the store's): never call from an engine thread. Looks
// at the 2,000 newest finished jobs of the model. `models` resolves an alias to the version it
// points to now; null: aliases of this job only.
absl::StatusOr<std::map<int, GateComparison>> CompareWithBaseline(JobStore& store,
                                                                  ModelProvider* models,
                                                                  const Job& job,
                                                                  const GatePolicy& policy);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_GATE_BASELINE_H_
