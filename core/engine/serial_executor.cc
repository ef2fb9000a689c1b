#include "core/engine/serial_executor.h"

#include <utility>

namespace plumbline {

bool SerialExecutor::Post(std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return false;
  tasks_.push_back(std::move(task));
  return true;
}

void SerialExecutor::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void SerialExecutor::Loop() {
  for (;;) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &SerialExecutor::Ready));
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace plumbline
