// One thread that runs what it is given, in order.
#ifndef PLUMBLINE_CORE_ENGINE_SERIAL_EXECUTOR_H_
#define PLUMBLINE_CORE_ENGINE_SERIAL_EXECUTOR_H_

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace plumbline {

// Thread-safe.
class SerialExecutor {
 public:
  SerialExecutor() : thread_([this] { Loop(); }) {}
  ~SerialExecutor() { Stop(); }

  // False after Stop: the task is not run.
  bool Post(std::function<void()> task);
  // Runs what was posted before, then ends the thread. Not from a task.
  void Stop();

 private:
  void Loop();
  bool Ready() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopped_ || !tasks_.empty(); }

  absl::Mutex mutex_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_SERIAL_EXECUTOR_H_
