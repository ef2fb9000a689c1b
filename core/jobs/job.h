// A job and what it leaves behind, as plain values: what was asked (JobSpec), what it was pinned to
// (PinnedSubject, PinnedTask), where it stands (Job), and what each prompt came to (Verdict).
//
// One idea runs through all of it: everything that determines a verdict is fixed when the job is
// created. Aliases are resolved to adapter versions and task names to task versions once; a swap of
// an alias or a new upload of a task never changes a job that exists.
#ifndef PLUMBLINE_CORE_JOBS_JOB_H_
#define PLUMBLINE_CORE_JOBS_JOB_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/eval/gate/gate.h"
#include "core/eval/language_model.h"
#include "core/eval/observation.h"
#include "core/eval/task.h"

namespace plumbline {

// What the client asks for. Two specs are the same request when JobSpecDigest() is equal.
struct JobSpec {
  std::string model;  // name of a hosted model
  // Subjects beside the base, which is always there as the baseline: aliases or versions (64 hex
  // digits), in the order of the report. May be empty: a job that measures the base alone.
  std::vector<std::string> adapters;
  std::vector<std::string> tasks;             // names, in the order of the report; not empty
  std::optional<int> sample_limit;            // only the first N prompts of each task; > 0
  std::optional<uint64_t> seed;               // overrides the seed of every task's decoding
  std::string gate_policy;                    // text of a policy file (core/eval/gate); empty: none
  std::map<std::string, std::string> labels;  // the client's own: commit, branch, ...
  std::string display_name;                   // free text for people
  int priority = 0;  // higher first; jobs of one priority share evenly. -100..100
};

// SHA-256 (64 hex digits) of the canonical JSON of a spec: the "body" of a request_id.
std::string JobSpecDigest(const JobSpec& spec);

// One column of the matrix. Subject 0 is always the base.
struct PinnedSubject {
  std::string alias;           // as asked for; empty for the base
  std::string version;         // SHA-256 of the adapter; empty for the base
  std::string nominal_target;  // capability the label claims; may be empty
  Numerics numerics;           // what the subject computed with when it was pinned
  std::string model_version;  // SHA-256 of the checkpoint; empty: the model has none, or an old job
};

// One task of the job, by version. Items beyond `items` are not run (sample_limit).
struct PinnedTask {
  std::string name;
  std::string version;  // SHA-256, 64 hex digits
  std::string capability;
  std::vector<std::string> metrics;  // the scores it reports, the primary one first
  int items = 0;                     // prompts of this job, from the first on; > 0
  int samples = 1;                   // responses a prompt; > 0
};

enum class JobState { kPending, kRunning, kSucceeded, kFailed, kCancelled };

inline bool IsTerminal(JobState state) {
  return state != JobState::kPending && state != JobState::kRunning;
}
// "PENDING", "RUNNING", "SUCCEEDED", "FAILED" or "CANCELLED".
absl::string_view JobStateName(JobState state);

// What the gate said, as stored with the terminal event.
struct JobGate {
  GateStatus status = GateStatus::kUnspecified;  // kUnspecified: the spec has no policy
  std::vector<std::string> reasons;  // one sentence each; what failed, what was inconclusive, why
};

// Verdicts of a job, by number.
struct JobCounts {
  int64_t total = 0;   // Σ over subjects and tasks of items × samples
  int64_t done = 0;    // recorded, execution errors included
  int64_t errors = 0;  // recorded execution errors
};

struct Job {
  std::string id;          // "job-..."
  std::string request_id;  // unique; the client's, or one made for it
  JobSpec spec;
  std::vector<PinnedSubject> subjects;  // [0] is the base
  std::vector<PinnedTask> tasks;
  JobState state = JobState::kPending;
  JobCounts counts;
  int64_t last_sequence = 0;  // of the newest event
  absl::Time created = absl::InfinitePast();
  absl::Time started = absl::InfinitePast();   // first unit claimed; InfinitePast before
  absl::Time finished = absl::InfinitePast();  // terminal state reached; InfinitePast before
  absl::Status error;                          // not OK exactly when kFailed
  JobGate gate;                                // kUnspecified until SUCCEEDED
};

// What one response came to. Recorded exactly once per (job, subject, task, key, sample).
struct Verdict {
  int64_t sequence = 0;  // contiguous per job over verdicts and state changes, from 1
  int subject = 0;       // index into Job::subjects
  int task = 0;          // index into Job::tasks
  int item = 0;          // index into the pinned task's items
  std::string key;       // that item's key
  int sample = 0;        // [0, PinnedTask::samples)
  // Not OK: an execution error. Nothing was measured: no response, no observations. It is counted
  // as an error, never as a failed prompt, and a gate never passes over it.
  absl::Status error;
  std::string response;  // empty for multiple choice
  FinishReason finish_reason = FinishReason::kStop;
  int prompt_tokens = 0;
  int completion_tokens = 0;
  std::vector<Observation> observations;
  std::vector<CheckOutcome> outcomes;
  std::string extracted;
  std::vector<LogLikelihood> choices;  // multiple choice: one a choice
  bool passed = false;          // every trial of the task's primary metric succeeded; for filters
  std::string checker_version;  // e.g. "ifeval/1"
  Numerics numerics;            // what the response was computed with
  absl::Duration latency;       // from submission to the engine until its answer
  absl::Time committed = absl::InfinitePast();  // set by the store
};

// One step of a job's history, as a watcher sees it.
struct JobEvent {
  enum class Kind {
    kVerdict,      // `verdict` is set
    kStateChange,  // to PENDING (creation) or RUNNING
    kTerminal,     // to SUCCEEDED, FAILED or CANCELLED: the last event there will ever be
    kHeartbeat,    // never stored: made by a watch while nothing happens; sequence = the last one
  };
  Kind kind = Kind::kHeartbeat;
  int64_t sequence = 0;
  absl::Time time = absl::InfinitePast();
  std::optional<Verdict> verdict;  // kVerdict
  // The others: the state entered, and for kTerminal the error and the gate.
  JobState state = JobState::kPending;
  absl::Status error;
  JobGate gate;
};

// The sum of items × samples over all subjects and tasks: JobCounts::total.
int64_t PlannedVerdicts(const std::vector<PinnedSubject>& subjects,
                        const std::vector<PinnedTask>& tasks);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_JOB_H_
