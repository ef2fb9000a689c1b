// The way of a prompt: sent to the engine, its answer checked, its verdict committed.
#include <functional>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/jobs/choice_scoring.h"
#include "core/jobs/job_check.h"
#include "core/jobs/job_runner_internal.h"
#include "spdlog/spdlog.h"

namespace plumbline {
namespace {

bool IsBefore(int in_flight_a, int priority_a, int in_flight_b, int priority_b) {
  return priority_a != priority_b ? priority_a > priority_b : in_flight_a < in_flight_b;
}

}  // namespace

JobRunner::Impl::WorkScope::WorkScope(Impl& impl) : impl_(impl) {
  absl::MutexLock lock(&impl_.mutex_);
  if (impl_.stopped_) return;
  running_ = true;
  ++impl_.working_;
}

JobRunner::Impl::WorkScope::~WorkScope() {
  if (!running_) return;
  absl::MutexLock lock(&impl_.mutex_);
  --impl_.working_;
}

std::optional<JobRunner::Impl::Flight> JobRunner::Impl::NextFlight() {
  if (draining_ || stats_.in_flight >= options_.max_in_flight ||
      stats_.uncommitted >= options_.max_uncommitted) {
    return std::nullopt;
  }
  // Highest priority first; among equals the one with the fewest prompts inside, so that they take
  // turns.
  std::shared_ptr<ActiveJob> next;
  for (const auto& [id, job] : active_) {
    if (job->in_flight >= options_.max_in_flight_per_job) continue;
    bool has_work = false;
    for (const auto& queue : job->pending) has_work = has_work || !queue.empty();
    if (!has_work) continue;
    if (next == nullptr || IsBefore(job->in_flight, job->job.spec.priority, next->in_flight,
                                    next->job.spec.priority)) {
      next = job;
    }
  }
  if (next == nullptr) return std::nullopt;
  while (next->pending[next->next_subject].empty()) {
    next->next_subject = (next->next_subject + 1) % next->pending.size();
  }
  std::deque<Prompt>& queue = next->pending[next->next_subject];
  Flight flight{next, next->models[next->next_subject], std::move(queue.front()), clock_.Now()};
  queue.pop_front();
  next->next_subject = (next->next_subject + 1) % next->pending.size();
  ++next->in_flight;
  ++stats_.in_flight;
  ++stats_.prompts_submitted;
  return flight;
}

void JobRunner::Impl::Dispatch() {
  while (true) {
    std::optional<Flight> flight;
    {
      absl::MutexLock lock(&mutex_);
      flight = NextFlight();
    }
    if (!flight.has_value()) return;
    Send(*std::move(flight));
  }
}

void JobRunner::Impl::Send(Flight flight) {
  const std::shared_ptr<const Task> task =
      flight.job->tasks[static_cast<size_t>(flight.prompt.unit.task)];
  const TaskItem& item = task->items[static_cast<size_t>(flight.prompt.item)];
  const std::shared_ptr<LanguageModel> model = flight.model;
  auto self = shared_from_this();
  const CallOrigin origin{flight.job->id, flight.job->job.spec.priority};
  if (task->output_type == OutputType::kMultipleChoice) {
    ScoreChoices(*model, item, flight.job->cancel, origin,
                 [self, flight, task](absl::StatusOr<std::vector<LogLikelihood>> answer) {
                   const absl::Status status = answer.status();
                   self->Answered(flight, status, false,
                                  [task, answer = std::move(answer)](Verdict v) {
                                    return CheckChoices(*task, answer, std::move(v));
                                  });
                 });
    return;
  }
  if (!item.follow_ups.empty()) {
    auto talk = std::make_shared<Conversation>();
    talk->prompt = item.prompt;
    SendTurn(std::move(flight), task, std::move(talk));
    return;
  }
  LanguageModel::GenerateCall call{item.prompt, task->decoding, flight.prompt.sample,
                                   flight.job->cancel, origin};
  if (flight.job->job.spec.seed.has_value()) call.decoding.seed = *flight.job->job.spec.seed;
  model->Generate(std::move(call), [self, flight, task](absl::StatusOr<Generation> answer) {
    const absl::Status status = answer.status();
    const bool cancelled = answer.ok() && answer->finish_reason == FinishReason::kCancelled;
    self->Answered(flight, status, cancelled, [task, answer = std::move(answer)](Verdict v) {
      return CheckGeneration(*task, answer, std::move(v));
    });
  });
}

// The turns of an item follow each other inside one flight: a crash between two of them costs the
// item's turns, and its verdict is one.
void JobRunner::Impl::SendTurn(Flight flight, std::shared_ptr<const Task> task,
                               std::shared_ptr<Conversation> talk) {
  LanguageModel::GenerateCall call{talk->prompt,
                                   task->decoding,
                                   flight.prompt.sample,
                                   flight.job->cancel,
                                   {flight.job->id, flight.job->job.spec.priority}};
  if (flight.job->job.spec.seed.has_value()) call.decoding.seed = *flight.job->job.spec.seed;
  const std::shared_ptr<LanguageModel> model = flight.model;
  model->Generate(std::move(call), [self = shared_from_this(), flight, task,
                                    talk](absl::StatusOr<Generation> answer) {
    self->TurnAnswered(flight, task, talk, std::move(answer));
  });
}

void JobRunner::Impl::TurnAnswered(const Flight& flight, std::shared_ptr<const Task> task,
                                   std::shared_ptr<Conversation> talk,
                                   absl::StatusOr<Generation> answer) {
  const TaskItem& item = task->items[static_cast<size_t>(flight.prompt.item)];
  const absl::Status status = answer.status();
  const bool cancelled = answer.ok() && answer->finish_reason == FinishReason::kCancelled;
  if (answer.ok()) talk->turns.push_back(*std::move(answer));
  const size_t done = talk->turns.size();
  if (status.ok() && !cancelled && done <= item.follow_ups.size()) {
    talk->prompt.messages.push_back({"assistant", talk->turns.back().text});
    talk->prompt.messages.push_back({"user", item.follow_ups[done - 1]});
    absl::MutexLock lock(&mutex_);
    if (!stopped_) {
      // On an executor's thread: to render and tokenise the next turn is no work for the engine's.
      executor_.Schedule([self = shared_from_this(), flight, task, talk] {
        WorkScope scope(*self);
        if (scope) {
          self->SendTurn(flight, task, talk);
        } else {
          self->Answered(flight, absl::CancelledError("the runner stopped"), false, nullptr);
        }
      });
      return;
    }
  }
  Answered(flight, status, cancelled, [task, talk, status](Verdict v) {
    return CheckConversation(*task,
                             status.ok() ? absl::StatusOr<std::vector<Generation>>(talk->turns)
                                         : absl::StatusOr<std::vector<Generation>>(status),
                             std::move(v));
  });
}

void JobRunner::Impl::Answered(Flight flight, const absl::Status& status, bool cancelled,
                               std::function<Verdict(Verdict)> check) {
  absl::MutexLock lock(&mutex_);
  --flight.job->in_flight;
  --stats_.in_flight;
  ++stats_.prompts_finished;
  // After the stop nothing given to the runner by reference may be touched any more. Scheduling
  // under the lock is what makes that certain; an executor never runs work inside Schedule().
  if (stopped_) return;
  ++stats_.uncommitted;
  executor_.Schedule([self = shared_from_this(), flight = std::move(flight), status, cancelled,
                      check = std::move(check)] { self->Check(flight, status, cancelled, check); });
}

void JobRunner::Impl::Check(const Flight& flight, const absl::Status& status, bool cancelled,
                            const std::function<Verdict(Verdict)>& check) {
  WorkScope scope(*this);
  if (!scope) return;
  Dispatch();  // first keep the engine busy
  {
    absl::MutexLock lock(&mutex_);
    if (flight.job->closed) {
      --stats_.uncommitted;
      return;
    }
  }
  if (Retry(flight, status, cancelled)) return;
  Verdict verdict;
  verdict.subject = flight.prompt.unit.subject;
  verdict.task = flight.prompt.unit.task;
  verdict.item = flight.prompt.item;
  verdict.sample = flight.prompt.sample;
  verdict.numerics = flight.model->identity().numerics;
  verdict.latency = clock_.Now() - flight.submitted;
  verdict = check(std::move(verdict));
  absl::MutexLock lock(&mutex_);
  stats_.prompt_tokens += verdict.prompt_tokens;
  stats_.completion_tokens += verdict.completion_tokens;
  to_commit_.push_back({flight.job, flight.prompt, std::move(verdict)});
  ScheduleCommit();
}

bool JobRunner::Impl::Retry(const Flight& flight, const absl::Status& status, bool cancelled) {
  // The engine stopped by itself (shutting down, model unloaded): says nothing about the prompt.
  if (cancelled || absl::IsCancelled(status) || absl::IsUnavailable(status)) {
    {
      absl::MutexLock lock(&mutex_);
      --stats_.uncommitted;
      if (flight.job->closed || draining_) return true;
    }
    Pause(flight.job->id,
          status.ok() ? absl::UnavailableError("the engine cancelled the prompt") : status);
    return true;
  }
  if (!IsWorthRetryingPrompt(status) || flight.prompt.attempt >= options_.max_attempts) {
    return false;
  }
  {
    absl::MutexLock lock(&mutex_);
    --stats_.uncommitted;
    ++stats_.prompts_retried;
    if (flight.job->closed) return true;
    Prompt again = flight.prompt;
    ++again.attempt;
    flight.job->pending[static_cast<size_t>(again.unit.subject)].push_back(std::move(again));
  }
  Dispatch();
  return true;
}

void JobRunner::Impl::ScheduleCommit() {
  if (commit_scheduled_ || stopped_ || to_commit_.empty()) return;
  commit_scheduled_ = true;
  executor_.Schedule([self = shared_from_this()] { self->CommitGroup(); });
}

// Takes the oldest verdicts and puts them together by unit. Verdicts of closed jobs and lost units
// are dropped here.
std::vector<LeasedVerdicts> JobRunner::Impl::TakeGroup(std::vector<Checked>& group) {
  std::vector<LeasedVerdicts> batch;
  absl::flat_hash_map<UnitKey, size_t> places;
  absl::MutexLock lock(&mutex_);
  while (!to_commit_.empty() && group.size() < static_cast<size_t>(options_.max_commit_group)) {
    Checked checked = std::move(to_commit_.front());
    to_commit_.pop_front();
    auto unit = checked.job->units.find(checked.prompt.unit);
    if (checked.job->closed || unit == checked.job->units.end() ||
        unit->second.epoch != checked.prompt.epoch) {
      --stats_.uncommitted;
      continue;
    }
    auto [place, is_new] = places.emplace(checked.prompt.unit, batch.size());
    if (is_new) batch.push_back({unit->second, {}});
    batch[place->second].verdicts.push_back(checked.verdict);
    group.push_back(std::move(checked));
  }
  return batch;
}

void JobRunner::Impl::CommitGroup() {
  WorkScope scope(*this);
  if (!scope) return;
  std::vector<Checked> group;
  std::vector<LeasedVerdicts> batch = TakeGroup(group);
  absl::Status status;
  if (!batch.empty()) {
    absl::StatusOr<std::vector<CommitOutcome>> outcomes = store_.CommitVerdicts(batch);
    status = outcomes.status();
    if (status.ok()) Committed(batch, *outcomes);
  }
  {
    absl::MutexLock lock(&mutex_);
    commit_scheduled_ = false;
    if (status.ok()) {
      store_failing_ = false;
      stats_.uncommitted -= static_cast<int>(group.size());
      ScheduleCommit();
    } else {
      // Nothing was recorded. Keep the verdicts and try again at the next Tick: a full disk that is
      // freed costs no prompt. Meanwhile max_uncommitted stops new prompts.
      if (!store_failing_) spdlog::error("verdicts cannot be recorded: {}", status.ToString());
      store_failing_ = true;
      for (auto it = group.rbegin(); it != group.rend(); ++it) {
        to_commit_.push_front(std::move(*it));
      }
    }
  }
  if (status.ok()) Dispatch();
}

void JobRunner::Impl::Committed(const std::vector<LeasedVerdicts>& batch,
                                const std::vector<CommitOutcome>& outcomes) {
  std::set<std::string> ended;
  std::set<std::string> complete;
  std::map<std::string, absl::Status> broken;  // our bug; computing again would not end
  bool unit_done = false;
  {
    absl::MutexLock lock(&mutex_);
    ++stats_.commit_groups;
    for (size_t i = 0; i < batch.size(); ++i) {
      const UnitKey& key = batch[i].lease.unit;
      const CommitOutcome& outcome = outcomes[i];
      auto job = active_.find(key.job);
      if (outcome.status.ok()) {
        stats_.verdicts_committed += outcome.recorded;
        for (const Verdict& v : batch[i].verdicts) stats_.execution_errors += v.error.ok() ? 0 : 1;
        strikes_.erase(key.job);
        if (outcome.job_done) complete.insert(key.job);
        unit_done = unit_done || outcome.unit_done;
        if (outcome.unit_done && job != active_.end()) job->second->units.erase(key);
        continue;
      }
      spdlog::info("verdicts of job {} were refused: {}", key.job, outcome.status.ToString());
      if (absl::IsInvalidArgument(outcome.status)) {
        broken.emplace(key.job, outcome.status);
      } else if (absl::IsFailedPrecondition(outcome.status) || absl::IsNotFound(outcome.status)) {
        ended.insert(key.job);
      } else if (job != active_.end()) {
        DropUnit(*job->second, key);
      }
    }
    if (unit_done) wake_ = true;  // room for another one
    for (const std::string& id : complete) {
      if (stopped_) break;  // the next process finishes it
      // On its own: a large report must not hold up other jobs' commits.
      executor_.Schedule([self = shared_from_this(), id] {
        WorkScope scope(*self);
        if (scope) self->Finish(id);
      });
    }
  }
  for (const std::string& id : ended) Close(id);
  for (const auto& [id, why] : broken) Fail(id, absl::InternalError(why.message()));
}

}  // namespace plumbline
