#include "core/jobs/job_notifier.h"

#include <utility>
#include <vector>

namespace plumbline {

// Held by the subscription and, while it calls, by the announcing thread. `mutex` is held across
// the callback, so that the end of a subscription waits for a call in progress; callbacks do not
// block, so nobody waits long.
struct JobNotifier::Subscription::State {
  absl::Mutex mutex;
  std::function<void(absl::string_view, int64_t)> wake ABSL_GUARDED_BY(mutex);
};

JobNotifier::Subscription::Subscription(JobNotifier* notifier, std::string job,
                                        std::shared_ptr<State> state)
    : notifier_(notifier), job_(std::move(job)), state_(std::move(state)) {}

JobNotifier::Subscription::~Subscription() {
  notifier_->Remove(job_, state_.get());
  absl::MutexLock lock(&state_->mutex);
  state_->wake = nullptr;
}

std::unique_ptr<JobNotifier::Subscription> JobNotifier::Subscribe(
    absl::string_view job, std::function<void(absl::string_view, int64_t)> wake) {
  auto state = std::make_shared<Subscription::State>();
  {
    absl::MutexLock lock(&state->mutex);
    state->wake = std::move(wake);
  }
  {
    absl::MutexLock lock(&mutex_);
    by_job_[std::string(job)][state.get()] = state;
  }
  return std::unique_ptr<Subscription>(new Subscription(this, std::string(job), std::move(state)));
}

void JobNotifier::Remove(const std::string& job, const Subscription::State* state) {
  absl::MutexLock lock(&mutex_);
  auto subscribers = by_job_.find(job);
  if (subscribers == by_job_.end()) return;
  subscribers->second.erase(state);
  if (subscribers->second.empty()) by_job_.erase(subscribers);
}

void JobNotifier::OnEvents(absl::string_view job, int64_t last_sequence, JobState state) {
  std::vector<std::shared_ptr<Subscription::State>> called;
  {
    absl::MutexLock lock(&mutex_);
    for (absl::string_view key : {job, absl::string_view()}) {
      auto subscribers = by_job_.find(key);
      if (subscribers == by_job_.end()) continue;
      for (const auto& [id, subscriber] : subscribers->second) called.push_back(subscriber);
    }
  }
  for (const auto& subscriber : called) {
    absl::MutexLock lock(&subscriber->mutex);
    if (subscriber->wake) subscriber->wake(job, last_sequence);
  }
}

int64_t JobNotifier::subscriptions() const {
  absl::MutexLock lock(&mutex_);
  int64_t count = 0;
  for (const auto& [job, subscribers] : by_job_) count += static_cast<int64_t>(subscribers.size());
  return count;
}

JobWatch::JobWatch(JobNotifier& notifier, absl::string_view job)
    : subscription_(notifier.Subscribe(job, [this](absl::string_view, int64_t) {
        absl::MutexLock lock(&mutex_);
        announced_ = true;
      })) {}

bool JobWatch::Wait(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&announced_), timeout);
  return std::exchange(announced_, false);
}

}  // namespace plumbline
