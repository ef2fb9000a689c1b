// The state of a JobRunner. job_runner.cc holds its outer life (submit, recover, finish, drain),
// job_claims.cc its share of the work (claim, renew, pin), job_execution.cc the way of a prompt
// (send, check, commit). Internal to core/jobs.
#ifndef PLUMBLINE_CORE_JOBS_JOB_RUNNER_INTERNAL_H_
#define PLUMBLINE_CORE_JOBS_JOB_RUNNER_INTERNAL_H_

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "core/jobs/job_runner.h"

namespace plumbline {

// Whether an error at the pin of a job's subjects or at its end only says "not now": the job is
// left for later instead of failed. Internal is none: it would be the same later.
inline bool IsWorthPausingJob(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsAborted(status);
}

// Whether the same prompt may do better at once: the engine was full, or the device failed while it
// computed a batch that others were in too. Not Unavailable: that is the engine's end, and the job
// pauses (Retry).
inline bool IsWorthRetryingPrompt(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsAborted(status) || absl::IsInternal(status);
}

// Thread-safe. Locking: mutex_ guards everything below it and is never held across a call of the
// store, the provider, a model or a checker.
class JobRunner::Impl : public std::enable_shared_from_this<JobRunner::Impl> {
 public:
  Impl(JobStore& store, ModelProvider& models, TaskProvider& tasks, Executor& executor,
       const Clock& clock, IdGenerator& ids, JobRunnerOptions options);

  absl::StatusOr<Job> Submit(absl::string_view request_id, const JobSpec& spec);
  absl::StatusOr<JobPlan> Plan(const JobSpec& spec);
  absl::StatusOr<Job> Cancel(absl::string_view id);
  void Start();
  void Tick();
  void Wake();
  void Drain(absl::Duration timeout);
  JobRunnerStats stats() const;

 private:
  using Models = std::vector<std::shared_ptr<LanguageModel>>;

  class CancelFlag : public CancelToken {
   public:
    bool cancelled() const override { return cancelled_.load(std::memory_order_relaxed); }
    void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }

   private:
    std::atomic<bool> cancelled_{false};
  };

  // One response to be made.
  struct Prompt {
    UnitKey unit;
    int64_t epoch = 0;  // of the lease it was claimed under
    int item = 0;
    int sample = 0;
    int attempt = 1;
  };

  // A job with units held here. Everything but `id`, `job`, `tasks` and `cancel` is guarded by the
  // runner's mutex.
  struct ActiveJob {
    std::string id;
    Job job;  // as it was when first claimed
    std::vector<std::shared_ptr<const Task>> tasks;
    std::shared_ptr<CancelFlag> cancel = std::make_shared<CancelFlag>();
    Models models;                            // by subject; let go when the job is closed
    std::vector<std::deque<Prompt>> pending;  // by subject
    size_t next_subject = 0;                  // whose turn it is
    int in_flight = 0;
    bool closed = false;  // ended, or given up: answers still to come are dropped
    absl::flat_hash_map<UnitKey, Lease> units;
  };

  // A prompt on its way through the engine.
  struct Flight {
    std::shared_ptr<ActiveJob> job;
    std::shared_ptr<LanguageModel> model;
    Prompt prompt;
    absl::Time submitted;
  };

  // What an item of several turns has come to.
  struct Conversation {
    plumbline::Prompt prompt;  // of the next turn: all messages so far
    std::vector<Generation> turns;
  };

  struct Checked {
    std::shared_ptr<ActiveJob> job;
    Prompt prompt;
    Verdict verdict;
  };

  // Marks a piece of work on the executor, so that Drain can wait for it. False after the stop.
  class WorkScope {
   public:
    explicit WorkScope(Impl& impl);
    ~WorkScope();
    explicit operator bool() const { return running_; }

   private:
    Impl& impl_;
    bool running_ = false;
  };

  // --- job_runner.cc
  void Loop();
  void Recover();
  // Ends local work on a job: queued prompts are forgotten, those in the engine cancelled, and its
  // subjects let go unless `keep_pins`. Returns the leases it held.
  std::vector<Lease> Close(const std::string& id, bool keep_pins = false);
  // Close, give the leases back and leave the job alone for pin_retry; after max_pauses without
  // progress: Fail.
  void Pause(const std::string& id, const absl::Status& why);
  void Fail(const std::string& id, const absl::Status& error);
  void Finish(const std::string& id);

  // --- job_claims.cc
  void Claim();
  void AddUnits(std::vector<Lease> leases);
  // The active job, pinned now if this is its first unit; an error has been dealt with (failed the
  // job, or put it off).
  absl::StatusOr<std::shared_ptr<ActiveJob>> Activate(const std::string& id);
  absl::StatusOr<std::shared_ptr<ActiveJob>> PinJob(const std::string& id);
  absl::StatusOr<Models> PinSubjects(const Job& job);
  void RenewHeld();
  void DropUnit(ActiveJob& job, const UnitKey& unit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- job_execution.cc
  // Sends prompts while the bounds allow it.
  void Dispatch();
  std::optional<Flight> NextFlight() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Send(Flight flight);
  // The turns of an item with follow_ups, one after the other.
  void SendTurn(Flight flight, std::shared_ptr<const Task> task,
                std::shared_ptr<Conversation> talk);
  void TurnAnswered(const Flight& flight, std::shared_ptr<const Task> task,
                    std::shared_ptr<Conversation> talk, absl::StatusOr<Generation> answer);
  // On the engine's thread: hands the answer over to the executor. `check` makes the verdict.
  void Answered(Flight flight, const absl::Status& status, bool cancelled,
                std::function<Verdict(Verdict)> check);
  void Check(const Flight& flight, const absl::Status& status, bool cancelled,
             const std::function<Verdict(Verdict)>& check);
  // True when the prompt is queued again or its job put off, instead of recorded.
  bool Retry(const Flight& flight, const absl::Status& status, bool cancelled);
  void ScheduleCommit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CommitGroup();
  std::vector<LeasedVerdicts> TakeGroup(std::vector<Checked>& group);
  void Committed(const std::vector<LeasedVerdicts>& batch,
                 const std::vector<CommitOutcome>& outcomes);

  JobStore& store_;
  ModelProvider& models_;
  TaskProvider& tasks_;
  Executor& executor_;
  const Clock& clock_;
  IdGenerator& ids_;
  const JobRunnerOptions options_;
  const std::string owner_;

  absl::Mutex tick_mutex_;  // one Tick at a time; taken before mutex_
  bool recovered_ ABSL_GUARDED_BY(tick_mutex_) = false;
  absl::Time next_renewal_ ABSL_GUARDED_BY(tick_mutex_) = absl::InfinitePast();

  mutable absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<ActiveJob>> active_ ABSL_GUARDED_BY(mutex_);
  // Subjects of jobs that have not ended, from their creation on.
  std::map<std::string, Models> held_models_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, absl::Time> paused_until_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> strikes_ ABSL_GUARDED_BY(mutex_);  // pauses without progress
  std::set<std::string> finishing_ ABSL_GUARDED_BY(mutex_);
  std::deque<Checked> to_commit_ ABSL_GUARDED_BY(mutex_);
  bool commit_scheduled_ ABSL_GUARDED_BY(mutex_) = false;
  bool store_failing_ ABSL_GUARDED_BY(mutex_) = false;
  bool wake_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  int working_ ABSL_GUARDED_BY(mutex_) = 0;
  JobRunnerStats stats_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_JOB_RUNNER_INTERNAL_H_
