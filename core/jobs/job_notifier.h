// Wakes watchers of jobs. A hint only: a watcher reads the store by cursor, and asks here merely
// when it is worth reading again. A missed or spurious wake costs latency, never an event.
//
// The pattern that loses nothing: subscribe (or make a JobWatch) FIRST, then read the store until
// it has nothing newer, then wait.
#ifndef PLUMBLINE_CORE_JOBS_JOB_NOTIFIER_H_
#define PLUMBLINE_CORE_JOBS_JOB_NOTIFIER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/jobs/job_store.h"

namespace plumbline {

// Thread-safe. Must outlive its subscriptions.
class JobNotifier : public JobListener {
 public:
  // Ends when destroyed. After its destructor returned, the callback neither runs nor will run; so
  // do not destroy it from inside its own callback.
  class Subscription {
   public:
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    friend class JobNotifier;
    struct State;
    Subscription(JobNotifier* notifier, std::string job, std::shared_ptr<State> state);
    JobNotifier* const notifier_;
    const std::string job_;  // empty: all jobs
    const std::shared_ptr<State> state_;
  };

  // `wake` is called from the committing thread with the job and its newest sequence: it must not
  // block and must not call the store (schedule the reading elsewhere). `job` empty: every job.
  std::unique_ptr<Subscription> Subscribe(
      absl::string_view job,
      std::function<void(absl::string_view job, int64_t last_sequence)> wake);

  void OnEvents(absl::string_view job, int64_t last_sequence, JobState state) override;

  // Live subscriptions; the gauge of watch streams.
  int64_t subscriptions() const;

 private:
  using Subscribers =
      absl::flat_hash_map<const Subscription::State*, std::shared_ptr<Subscription::State>>;

  void Remove(const std::string& job, const Subscription::State* state);

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Subscribers> by_job_ ABSL_GUARDED_BY(mutex_);
};

// A subscription one can block on. Thread-compatible: one waiting thread.
class JobWatch {
 public:
  JobWatch(JobNotifier& notifier, absl::string_view job);

  // Blocks until events were announced since the previous Wait (or since construction), or until
  // `timeout` (real time) has passed. True: read the store now.
  bool Wait(absl::Duration timeout);

 private:
  absl::Mutex mutex_;
  bool announced_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<JobNotifier::Subscription> subscription_;  // last: ends first
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_JOB_NOTIFIER_H_
