// JobRunner: turns leased units into verdicts.
//
// It claims units from the store, pins their subjects by version, keeps a bounded number of prompts
// inside the engine, checks the answers on its own executor and commits the verdicts in groups.
// Nothing it knows is needed to go on after a crash: what is recorded is in the store, what is not
// is computed again. At-least-once execution, exactly-once recorded verdict.
//
//   store ──claim──▶ unit ──prompt──▶ LanguageModel ──answer──▶ executor: check ──▶ group commit
//     ▲                                                                                  │
//     └──────────────────────────── verdict + sequence + counters ◀──────────────────────┘
//
// The engine's thread only hands the answer over. The subjects of a job advance side by side
// (prompt i for the base and each adapter before prompt i + 1), so that one batch mixes base and
// adapters; jobs of one priority take turns prompt by prompt.
#ifndef PLUMBLINE_CORE_JOBS_JOB_RUNNER_H_
#define PLUMBLINE_CORE_JOBS_JOB_RUNNER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/eval/language_model.h"
#include "core/jobs/executor.h"
#include "core/jobs/job_plan.h"
#include "core/jobs/job_store.h"
#include "core/jobs/task_provider.h"

namespace plumbline {

struct JobRunnerOptions {
  // Prompts inside the engine at once, over all jobs and of one job. More keeps wide batches full;
  // fewer bounds memory and what a crash computes again.
  int max_in_flight = 256;
  int max_in_flight_per_job = 128;
  // Answers that wait for their check or commit, beyond which no new prompts are sent.
  int max_uncommitted = 1024;
  // Prompts of one unit of work. Smaller: more replicas can share a cell; larger: fewer leases.
  int shard_items = 64;
  // Units held at once, over all jobs and of one job. A unit holds what is left of its prompts.
  int max_units = 256;
  int max_units_per_job = 64;
  absl::Duration lease = absl::Seconds(60);  // renewed when a third of it has passed
  // Most verdicts of one transaction. A commit takes what has gathered during the one before it.
  int max_commit_group = 256;
  // Tries of one prompt that the engine answers with ResourceExhausted, Aborted or Internal; the
  // last answer is recorded as an error verdict. More: a short lack costs no verdict; fewer: a
  // broken prompt costs less.
  int max_attempts = 3;
  // An engine that answers Unavailable or Cancelled is going away: that says nothing about a
  // prompt, so it is not recorded, and the job pauses for pin_retry. After this many pauses with no
  // verdict recorded in between, the next one fails the job.
  int max_pauses = 3;
  // A job whose model is not there yet or has gone is tried again after this long.
  absl::Duration pin_retry = absl::Seconds(5);
  JobLimits limits;
};

// Counters since start and gauges of now; one reading is consistent.
struct JobRunnerStats {
  int64_t prompts_submitted = 0;  // handed to the engine, retries included
  int64_t prompts_finished = 0;   // answered, errors included
  int64_t prompts_retried = 0;
  int64_t execution_errors = 0;  // recorded as error verdicts
  int64_t verdicts_committed = 0;
  int64_t prompt_tokens = 0;  // of finished prompts
  int64_t completion_tokens = 0;
  int64_t commit_groups = 0;   // transactions of verdicts
  int64_t leases_lost = 0;     // given up because the store said so
  int64_t jobs_succeeded = 0;  // finished by this runner
  int64_t jobs_failed = 0;
  int in_flight = 0;    // prompts inside the engine
  int uncommitted = 0;  // answered, not yet recorded
  int active_jobs = 0;  // with units held here
  int held_units = 0;
};

// Thread-safe. Everything given by reference must outlive it.
class JobRunner {
 public:
  JobRunner(JobStore& store, ModelProvider& models, TaskProvider& tasks, Executor& executor,
            const Clock& clock, IdGenerator& ids, JobRunnerOptions options);
  // Drain()s.
  ~JobRunner();
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;

  // Validates, pins and creates a job, and holds its subjects until it ends, so that a swap between
  // creation and start loses nothing. `request_id` empty: one is made. The same request_id and spec
  // again returns the job there is; with another spec AlreadyExists.
  absl::StatusOr<Job> Submit(absl::string_view request_id, const JobSpec& spec);

  // What Submit would create, without creating it (validate_only).
  absl::StatusOr<JobPlan> Plan(const JobSpec& spec);

  // Cancels in the store and stops this runner's work on the job: its prompts are taken out of the
  // engine and its subjects are let go at once.
  absl::StatusOr<Job> Cancel(absl::string_view id);

  // Starts a thread that calls Tick() when there is work and at least every third of a lease. On a
  // machine that restarts this picks up what the last process left.
  void Start();

  // One round: renews leases, claims units, finishes jobs that are complete, sends prompts.
  // Start()'s thread calls it; tests call it themselves instead.
  void Tick();

  // Hint that work may be there (a job was created elsewhere, a model was loaded). Never blocks.
  void Wake();

  // Stops claiming and sending, waits (real time) until what is in the engine is answered, checked
  // and committed or `timeout` has passed, cancels the rest, gives the leases back, and stops the
  // thread. Jobs stay RUNNING and go on with the next runner. Idempotent.
  void Drain(absl::Duration timeout);

  JobRunnerStats stats() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_JOB_RUNNER_H_
