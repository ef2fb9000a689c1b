// Where work runs that must not run on the caller's thread, as a constructor argument.
#ifndef PLUMBLINE_CORE_JOBS_EXECUTOR_H_
#define PLUMBLINE_CORE_JOBS_EXECUTOR_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace plumbline {

// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `work` soon, on a thread of the executor, never inside this call.
  virtual void Schedule(std::function<void()> work) = 0;
};

// A fixed number of threads and one queue. The destructor runs what is queued, then joins.
class TaskExecutor : public Executor {
 public:
  explicit TaskExecutor(int threads);
  ~TaskExecutor() override;
  void Schedule(std::function<void()> work) override;

 private:
  void Work();

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

// Runs nothing until told to, on the thread that tells it. For tests: deterministic.
class ManualExecutor : public Executor {
 public:
  void Schedule(std::function<void()> work) override;
  // Runs one piece of queued work; false when there is none.
  bool RunOne();
  // Runs until the queue is empty, new work included; returns how many pieces ran.
  int RunAll();

 private:
  absl::Mutex mutex_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_EXECUTOR_H_
