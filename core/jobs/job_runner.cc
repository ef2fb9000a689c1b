// The outer life of the runner: jobs taken in, recovered and ended, the drain.
#include "core/jobs/job_runner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_report.h"
#include "core/jobs/job_runner_internal.h"
#include "spdlog/spdlog.h"

namespace plumbline {

JobRunner::Impl::Impl(JobStore& store, ModelProvider& models, TaskProvider& tasks,
                      Executor& executor, const Clock& clock, IdGenerator& ids,
                      JobRunnerOptions options)
    : store_(store),
      models_(models),
      tasks_(tasks),
      executor_(executor),
      clock_(clock),
      ids_(ids),
      options_(options),
      owner_(ids.NewId("runner")) {}

absl::StatusOr<JobPlan> JobRunner::Impl::Plan(const JobSpec& spec) {
  return PlanJob(spec, options_.limits, models_, tasks_);
}

absl::StatusOr<Job> JobRunner::Impl::Submit(absl::string_view request_id, const JobSpec& spec) {
  Job job;
  job.request_id = request_id.empty() ? ids_.NewId("request") : std::string(request_id);
  job.spec = spec;
  // A repeated request must be answered from the store even when its alias or task has gone since.
  absl::StatusOr<Job> known = store_.GetJobByRequestId(job.request_id);
  if (known.ok() && JobSpecDigest(known->spec) == JobSpecDigest(spec)) return known;
  if (!known.ok() && !absl::IsNotFound(known.status())) return known.status();
  ABSL_ASSIGN_OR_RETURN(JobPlan plan, Plan(spec));
  if (!known.ok()) {  // otherwise CreateJob refuses, and keeping would be in vain
    for (const auto& task : plan.task_values) ABSL_RETURN_IF_ERROR(tasks_.Keep(*task));
  }
  job.subjects = plan.subjects;
  job.tasks = plan.tasks;
  ABSL_ASSIGN_OR_RETURN(Job created, store_.CreateJob(job, options_.shard_items));
  {
    absl::MutexLock lock(&mutex_);
    if (!IsTerminal(created.state)) held_models_.emplace(created.id, std::move(plan.models));
  }
  Wake();
  return created;
}

absl::StatusOr<Job> JobRunner::Impl::Cancel(absl::string_view id) {
  ABSL_ASSIGN_OR_RETURN(Job job, store_.CancelJob(id));
  Close(job.id);
  Wake();
  return job;
}

void JobRunner::Impl::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void JobRunner::Impl::Loop() {
  const absl::Duration period = std::min(options_.lease / 3, absl::Seconds(1));
  auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return wake_ || stopped_; };
  while (true) {
    Tick();
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&ready), period);
    if (stopped_) return;
  }
}

void JobRunner::Impl::Wake() {
  absl::MutexLock lock(&mutex_);
  wake_ = true;
}

void JobRunner::Impl::Tick() {
  absl::MutexLock one_at_a_time(&tick_mutex_);
  WorkScope scope(*this);
  if (!scope) return;
  {
    absl::MutexLock lock(&mutex_);
    wake_ = false;
    ScheduleCommit();  // what a failing store refused
  }
  const absl::Time now = clock_.Now();
  if (!recovered_ || now >= next_renewal_) {
    RenewHeld();
    Recover();
    recovered_ = true;
    next_renewal_ = now + options_.lease / 3;
  }
  Claim();
  Dispatch();
}

// Looks after jobs that have not ended: pins their subjects early, so that nothing unloads them,
// and finishes those whose last verdict was recorded by a process that died before it could.
void JobRunner::Impl::Recover() {
  JobFilter filter;
  filter.states = {JobState::kPending, JobState::kRunning};
  std::set<std::string> unfinished;
  std::string token;
  do {
    absl::StatusOr<JobPage> page = store_.ListJobs(filter, 100, token);
    if (!page.ok()) {
      spdlog::error("jobs cannot be listed: {}", page.status().ToString());
      return;
    }
    for (const Job& job : page->jobs) {
      unfinished.insert(job.id);
      if (job.counts.done == job.counts.total) {
        Finish(job.id);
        continue;
      }
      {
        absl::MutexLock lock(&mutex_);
        if (held_models_.count(job.id) > 0) continue;
      }
      // Not there (yet) is no error here: the claim of its first unit decides.
      absl::StatusOr<Models> models = PinSubjects(job);
      absl::MutexLock lock(&mutex_);
      if (models.ok()) held_models_.emplace(job.id, *std::move(models));
    }
    token = page->next_page_token;
  } while (!token.empty());
  // Jobs that ended elsewhere.
  std::vector<std::string> ended;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, models] : held_models_) {
      if (unfinished.count(id) == 0) ended.push_back(id);
    }
  }
  for (const std::string& id : ended) {
    // It may have been created after the list was read.
    absl::StatusOr<Job> job = store_.GetJob(id);
    if (job.ok() ? IsTerminal(job->state) : absl::IsNotFound(job.status())) Close(id);
  }
}

std::vector<Lease> JobRunner::Impl::Close(const std::string& id, bool keep_pins) {
  std::vector<Lease> leases;
  Models let_go;       // destroyed outside the lock: the last pin frees memory
  Models let_go_held;  // likewise
  absl::MutexLock lock(&mutex_);
  auto held = held_models_.find(id);
  if (held != held_models_.end() && !keep_pins) {
    let_go_held = std::move(held->second);
    held_models_.erase(held);
  }
  paused_until_.erase(id);
  strikes_.erase(id);
  auto found = active_.find(id);
  if (found == active_.end()) return leases;
  ActiveJob& job = *found->second;
  job.closed = true;
  job.cancel->Cancel();
  for (const auto& [key, lease] : job.units) leases.push_back(lease);
  job.units.clear();
  for (auto& queue : job.pending) queue.clear();
  let_go = std::move(job.models);
  job.models.clear();
  active_.erase(found);
  return leases;
}

void JobRunner::Impl::Pause(const std::string& id, const absl::Status& why) {
  int strikes = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (active_.count(id) == 0) return;
    strikes = strikes_[id] + 1;
  }
  if (strikes > options_.max_pauses) {
    Fail(id, Annotate(why, absl::StrCat("the engine did not answer ", strikes, " times in a row")));
    return;
  }
  spdlog::warn("job {} has to wait: {}", id, why.ToString());
  std::vector<Lease> leases = Close(id, /*keep_pins=*/true);
  {
    absl::MutexLock lock(&mutex_);
    strikes_[id] = strikes;
    paused_until_[id] = clock_.Now() + options_.pin_retry;
  }
  absl::Status status = store_.ReleaseLeases(leases);
  if (!status.ok()) spdlog::warn("leases cannot be given back: {}", status.ToString());
}

void JobRunner::Impl::Fail(const std::string& id, const absl::Status& error) {
  spdlog::error("job {} failed: {}", id, error.ToString());
  absl::StatusOr<Job> job = store_.FailJob(id, error);
  if (!job.ok()) {
    spdlog::warn("job {} cannot be marked as failed: {}", id, job.status().ToString());
  }
  Close(id);
  absl::MutexLock lock(&mutex_);
  if (job.ok()) ++stats_.jobs_failed;
}

// The report and the gate are functions of the recorded verdicts: two replicas that finish a job at
// once say the same, and the store keeps the first.
void JobRunner::Impl::Finish(const std::string& id) {
  {
    absl::MutexLock lock(&mutex_);
    if (!finishing_.insert(id).second) return;
  }
  absl::Status status = [&]() -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(Job job, store_.GetJob(id));
    if (IsTerminal(job.state)) return absl::OkStatus();
    JobGate gate;
    if (!job.spec.gate_policy.empty()) {
      ABSL_ASSIGN_OR_RETURN(Report report, BuildJobReport(store_, job));
      ABSL_ASSIGN_OR_RETURN(gate, EvaluateJobGate(store_, &models_, job, report));
    }
    ABSL_RETURN_IF_ERROR(store_.FinishJob(id, gate).status());
    absl::MutexLock lock(&mutex_);
    ++stats_.jobs_succeeded;
    return absl::OkStatus();
  }();
  {
    absl::MutexLock lock(&mutex_);
    finishing_.erase(id);
  }
  if (status.ok() || absl::IsFailedPrecondition(status) || absl::IsNotFound(status)) {
    Close(id);
  } else if (IsWorthPausingJob(status)) {
    spdlog::error("job {} cannot be finished yet: {}", id, status.ToString());  // Recover() will
  } else {
    Fail(id, Annotate(status, "all verdicts are recorded, but the report cannot be made"));
  }
}

void JobRunner::Impl::Drain(absl::Duration timeout) {
  std::vector<std::string> jobs;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    wake_ = true;
    auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return stopped_ || (stats_.in_flight == 0 && (stats_.uncommitted == 0 || store_failing_));
    };
    mutex_.AwaitWithTimeout(absl::Condition(&idle), timeout);
    stopped_ = true;
    for (const auto& [id, job] : active_) jobs.push_back(id);
    auto quiet = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return working_ == 0; };
    mutex_.Await(absl::Condition(&quiet));
  }
  if (thread_.joinable()) thread_.join();
  std::vector<Lease> leases;
  for (const std::string& id : jobs) {
    for (Lease& lease : Close(id)) leases.push_back(std::move(lease));
  }
  absl::Status status = store_.ReleaseLeases(leases);
  if (!status.ok()) spdlog::warn("leases cannot be given back: {}", status.ToString());
  std::map<std::string, Models> let_go;  // destroyed outside the lock, as are the verdicts
  std::deque<Checked> forgotten;
  absl::MutexLock lock(&mutex_);
  let_go.swap(held_models_);
  forgotten.swap(to_commit_);
}

JobRunnerStats JobRunner::Impl::stats() const {
  absl::MutexLock lock(&mutex_);
  JobRunnerStats stats = stats_;
  stats.active_jobs = static_cast<int>(active_.size());
  for (const auto& [id, job] : active_) stats.held_units += static_cast<int>(job->units.size());
  return stats;
}

JobRunner::JobRunner(JobStore& store, ModelProvider& models, TaskProvider& tasks,
                     Executor& executor, const Clock& clock, IdGenerator& ids,
                     JobRunnerOptions options)
    : impl_(
          std::make_shared<Impl>(store, models, tasks, executor, clock, ids, std::move(options))) {}

JobRunner::~JobRunner() { Drain(absl::ZeroDuration()); }

absl::StatusOr<Job> JobRunner::Submit(absl::string_view request_id, const JobSpec& spec) {
  return impl_->Submit(request_id, spec);
}
absl::StatusOr<JobPlan> JobRunner::Plan(const JobSpec& spec) { return impl_->Plan(spec); }
absl::StatusOr<Job> JobRunner::Cancel(absl::string_view id) { return impl_->Cancel(id); }
void JobRunner::Start() { impl_->Start(); }
void JobRunner::Tick() { impl_->Tick(); }
void JobRunner::Wake() { impl_->Wake(); }
void JobRunner::Drain(absl::Duration timeout) { impl_->Drain(timeout); }
JobRunnerStats JobRunner::stats() const { return impl_->stats(); }

}  // namespace plumbline
