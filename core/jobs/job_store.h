// JobStore: where jobs, their verdicts and their leases live. The contract, which SQLite implements
// here (sqlite_job_store.h) and PostgreSQL can implement for several replicas; both must pass
// tests/jobs/job_store_conformance.h.
//
// The promises, which every caller may build on:
//   1. A call that returned OK is durable: it survives kill -9 and loss of power.
//   2. A call that returned an error changed nothing.
//   3. Sequences of a job are contiguous from 1. Each is assigned in the transaction that makes its
//      event visible, so a reader that has seen sequence n has missed nothing before it.
//   4. A verdict is recorded only under a live lease, once per (job, subject, task, item, sample).
//   5. Counters, unit progress, state and events of one transaction appear together or not at all.
//   6. After the terminal event nothing more is appended to a job.
//
// Errors of every method, beside the ones it names: NotFound (job id), ResourceExhausted (disk
// full), Unavailable (locked or I/O error: try again), DataLoss (corrupt file), Internal (our bug).
#ifndef PLUMBLINE_CORE_JOBS_JOB_STORE_H_
#define PLUMBLINE_CORE_JOBS_JOB_STORE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/jobs/job.h"

namespace plumbline {

// A shard of one cell's prompts: the unit of leasing. The items [first_item, first_item + items) of
// one task for one subject, with all their samples.
struct UnitKey {
  std::string job;
  int subject = 0;
  int task = 0;
  int shard = 0;

  friend bool operator==(const UnitKey& a, const UnitKey& b) {
    return a.job == b.job && a.subject == b.subject && a.task == b.task && a.shard == b.shard;
  }
  template <typename H>
  friend H AbslHashValue(H h, const UnitKey& unit) {
    return H::combine(std::move(h), unit.job, unit.subject, unit.task, unit.shard);
  }
};

// The right to record verdicts of a unit until `expires`. The epoch grows with every claim of the
// unit, so that an owner that slept through its lease is told apart from the one that has it now.
struct Lease {
  UnitKey unit;
  std::string owner;
  int64_t epoch = 0;
  absl::Time expires;  // on the database's clock
  int first_item = 0;
  int items = 0;
  int samples = 1;
};

// Verdicts to be recorded under one lease. Their subject, task and item must lie in its unit.
struct LeasedVerdicts {
  Lease lease;
  std::vector<Verdict> verdicts;  // `sequence` and `committed` are assigned by the store
};

// What became of one LeasedVerdicts. `status`:
//   OK                  recorded; duplicates (recorded earlier, e.g. by a former owner) are skipped
//   Aborted             fenced: the lease has expired or another owner has the unit now
//   FailedPrecondition  the job has ended
//   NotFound            the job or the unit does not exist (any more)
//   InvalidArgument     a verdict lies outside the unit
// Not OK: nothing of these verdicts was recorded; give the unit up.
struct CommitOutcome {
  absl::Status status;
  int recorded = 0;
  int duplicates = 0;
  bool unit_done = false;     // every (item, sample) of the unit is recorded; the lease is gone
  bool job_done = false;      // every verdict of the job is recorded: time for FinishJob
  int64_t last_sequence = 0;  // of the job, after this commit
};

struct JobFilter {
  std::vector<JobState> states;  // empty: all
  std::string model;             // empty: all
  std::string label_key;         // empty: all; else jobs with this label ...
  std::string label_value;       // ... and this value
};

struct JobPage {
  std::vector<Job> jobs;        // newest first
  std::string next_page_token;  // empty: this was the last page
};

struct VerdictFilter {
  std::optional<int> subject;
  std::optional<int> task;
  bool failed_only = false;   // not passed, execution errors included
  bool errors_only = false;   // execution errors
  bool flipped_only = false;  // `passed` differs from the base's for the same prompt and sample;
                              // pairs with an execution error on either side are left out
};

struct VerdictPage {
  std::vector<Verdict> verdicts;  // ascending by sequence
  bool more = false;              // there are further ones; go on after the last sequence
};

struct EventPage {
  std::vector<JobEvent> events;  // ascending, contiguous
  int64_t last_sequence = 0;     // the job's newest at the time of reading
  JobState state = JobState::kPending;
};

// One verdict as the report needs it: no text.
struct RecordedObservations {
  int subject = 0;
  int task = 0;
  int item = 0;
  std::string key;
  int sample = 0;
  bool is_error = false;
  std::vector<Observation> observations;
  bool too_long = false;  // of errors: prompt and response exceed the model's context
  std::string extracted;
};

// The newest finished result of one (model, adapter alias, task): what the metrics show.
struct FinishedCell {
  std::string model;
  std::string adapter;  // alias; empty for the base
  std::string adapter_version;
  std::string task;
  std::string job;
  int subject = 0;     // in that job
  int task_index = 0;  // in that job
  absl::Time finished;
};

// Counters since the store was opened, gauges of now.
struct StoreStats {
  int64_t commits = 0;             // transactions that changed something
  int64_t verdicts = 0;            // recorded
  int64_t duplicate_verdicts = 0;  // offered again and skipped
  int64_t fenced_commits = 0;      // LeasedVerdicts refused because the lease was lost
  int64_t leases_claimed = 0;
  int64_t leases_renewed = 0;
  int64_t leases_expired = 0;                      // claimed from an owner that let them expire
  int64_t errors = 0;                              // transactions that failed
  std::vector<std::pair<JobState, int64_t>> jobs;  // by state, all five
};

// Thread-safe. Calls block for a transaction; never call one from an engine thread.
class JobStore {
 public:
  virtual ~JobStore() = default;

  // --- Jobs -------------------------------------------------------------------------------------

  // Creates a PENDING job with its units and event 1 (PENDING). `job` gives request_id, spec,
  // subjects and tasks; the store sets the rest. Idempotent: when the request_id is known and the
  // spec is the same (JobSpecDigest), the job that exists is returned, whatever `job` is pinned to.
  // The same request_id with another spec: AlreadyExists, naming the existing job. `shard_items`
  // (> 0) is the number of prompts of a unit.
  virtual absl::StatusOr<Job> CreateJob(const Job& job, int shard_items) = 0;
  virtual absl::StatusOr<Job> GetJob(absl::string_view id) = 0;
  virtual absl::StatusOr<Job> GetJobByRequestId(absl::string_view request_id) = 0;

  // Newest first. page_size in [1, 1000]. A token is valid for the filter it came with:
  // InvalidArgument otherwise. Jobs created after the first page do not appear in later ones.
  virtual absl::StatusOr<JobPage> ListJobs(const JobFilter& filter, int page_size,
                                           absl::string_view page_token) = 0;

  // PENDING or RUNNING → CANCELLED; leases are void from now on. A job that has ended is returned
  // as it is: cancelling it changes nothing.
  virtual absl::StatusOr<Job> CancelJob(absl::string_view id) = 0;

  // RUNNING (or PENDING) → SUCCEEDED with its gate. FailedPrecondition unless every verdict is
  // recorded. Idempotent: a job that has succeeded is returned as it is, with its first gate.
  virtual absl::StatusOr<Job> FinishJob(absl::string_view id, const JobGate& gate) = 0;

  // PENDING or RUNNING → FAILED with `error` (not OK). FailedPrecondition if it has ended.
  virtual absl::StatusOr<Job> FailJob(absl::string_view id, const absl::Status& error) = 0;

  // Forgets an ended job and its verdicts; its request_id becomes free. FailedPrecondition while it
  // has not ended.
  virtual absl::Status DeleteJob(absl::string_view id) = 0;

  // --- Work -------------------------------------------------------------------------------------

  // Leases up to `limit` units that are unfinished and have no live lease, for `duration` from now
  // on the database's clock; the first claim of a job makes it RUNNING (an event). Order: priority
  // (high first), then jobs with the fewest live leases, then age; within a job by task, shard,
  // subject, so that the subjects of a job advance side by side. At most `per_job` live leases of
  // this owner a job, those it has already included.
  // `skip_jobs` are left alone.
  struct ClaimRequest {
    std::string owner;
    int limit = 1;
    int per_job = 1;
    absl::Duration duration;
    std::vector<std::string> skip_jobs;
  };
  virtual absl::StatusOr<std::vector<Lease>> ClaimUnits(const ClaimRequest& request) = 0;

  // Prolongs leases to now + duration. Returns the ones that still live, with their new expiry; the
  // others are lost (expired, taken over, released, done, or their job has ended).
  virtual absl::StatusOr<std::vector<Lease>> RenewLeases(absl::Span<const Lease> leases,
                                                         absl::Duration duration) = 0;

  // Gives units back at once (drain); leases that are lost already are ignored.
  virtual absl::Status ReleaseLeases(absl::Span<const Lease> leases) = 0;

  // (item, sample) pairs of a unit that are recorded: what a resuming owner must not compute again.
  virtual absl::StatusOr<std::vector<std::pair<int, int>>> RecordedInUnit(const Lease& lease) = 0;

  // Records verdicts of several leases in one transaction (group commit), in the order given; one
  // outcome per entry. An error Status instead means that nothing at all was recorded.
  virtual absl::StatusOr<std::vector<CommitOutcome>> CommitVerdicts(
      absl::Span<const LeasedVerdicts> batch) = 0;

  // --- Reading ----------------------------------------------------------------------------------

  // Events after `after_sequence` (>= 0), at most `limit` (1..1000) and at most about 1 MiB of
  // text, but at least one if there is one. Empty when there is nothing newer. OutOfRange when
  // after_sequence is beyond the job's last: a watch from the future.
  virtual absl::StatusOr<EventPage> ReadEvents(absl::string_view id, int64_t after_sequence,
                                               int limit) = 0;

  // Verdicts with sequence > after_sequence that match, at most `limit` (1..1000) and at most about
  // 1 MiB of text, but at least one if there is one.
  virtual absl::StatusOr<VerdictPage> ReadVerdicts(absl::string_view id,
                                                   const VerdictFilter& filter,
                                                   int64_t after_sequence, int limit) = 0;

  // Calls `visit` for every verdict of the job, by (subject, task, item, sample), from one
  // snapshot. Responses are not read from disk.
  virtual absl::Status ReadObservations(
      absl::string_view id, const std::function<void(const RecordedObservations&)>& visit) = 0;

  // The newest SUCCEEDED result of every (model, adapter alias, task); by model, adapter, task.
  virtual absl::StatusOr<std::vector<FinishedCell>> LatestResults() = 0;

  virtual absl::StatusOr<StoreStats> Stats() = 0;
};

// Told after a transaction that appended events has committed, outside the store's locks. Must not
// block and must not call the store. A hint: the truth is in the store (a store shared by replicas
// forwards the database's own notifications here).
class JobListener {
 public:
  virtual ~JobListener() = default;
  virtual void OnEvents(absl::string_view job, int64_t last_sequence, JobState state) = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_JOB_STORE_H_
