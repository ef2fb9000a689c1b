// Units of work claimed, renewed and given back, and the subjects of their jobs pinned.
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_runner_internal.h"
#include "spdlog/spdlog.h"

namespace plumbline {
namespace {

std::string NumericsText(const Numerics& n) {
  return absl::StrCat(n.device, "/", n.dtype, "/", n.mode);
}

}  // namespace

void JobRunner::Impl::Claim() {
  JobStore::ClaimRequest request;
  request.owner = owner_;
  request.per_job = options_.max_units_per_job;
  request.duration = options_.lease;
  {
    absl::MutexLock lock(&mutex_);
    if (draining_ || store_failing_) return;
    int held = 0;
    for (const auto& [id, job] : active_) held += static_cast<int>(job->units.size());
    request.limit = options_.max_units - held;
    const absl::Time now = clock_.Now();
    for (auto it = paused_until_.begin(); it != paused_until_.end();) {
      if (it->second <= now) {
        it = paused_until_.erase(it);
      } else {
        request.skip_jobs.push_back(it->first);
        ++it;
      }
    }
  }
  if (request.limit <= 0) return;
  absl::StatusOr<std::vector<Lease>> leases = store_.ClaimUnits(request);
  if (!leases.ok()) {
    spdlog::error("work cannot be claimed: {}", leases.status().ToString());
    return;
  }
  AddUnits(*std::move(leases));
}

void JobRunner::Impl::AddUnits(std::vector<Lease> leases) {
  std::vector<Lease> given_back;
  std::set<std::string> refused;  // jobs that Activate has dealt with: once is enough
  for (Lease& lease : leases) {
    if (refused.count(lease.unit.job) > 0) {
      given_back.push_back(lease);
      continue;
    }
    absl::StatusOr<std::shared_ptr<ActiveJob>> job = Activate(lease.unit.job);
    if (!job.ok()) {
      refused.insert(lease.unit.job);
      given_back.push_back(lease);
      continue;
    }
    absl::StatusOr<std::vector<std::pair<int, int>>> recorded = store_.RecordedInUnit(lease);
    if (!recorded.ok()) {
      spdlog::error("a unit cannot be resumed: {}", recorded.status().ToString());
      given_back.push_back(lease);
      continue;
    }
    const std::set<std::pair<int, int>> done(recorded->begin(), recorded->end());
    absl::MutexLock lock(&mutex_);
    if ((*job)->closed) continue;
    (*job)->units[lease.unit] = lease;
    std::deque<Prompt>& queue = (*job)->pending[static_cast<size_t>(lease.unit.subject)];
    for (int item = lease.first_item; item < lease.first_item + lease.items; ++item) {
      for (int sample = 0; sample < lease.samples; ++sample) {
        if (done.count({item, sample}) == 0) {
          queue.push_back({lease.unit, lease.epoch, item, sample});
        }
      }
    }
  }
  absl::Status status = store_.ReleaseLeases(given_back);
  if (!status.ok()) spdlog::warn("leases cannot be given back: {}", status.ToString());
}

absl::StatusOr<JobRunner::Impl::Models> JobRunner::Impl::PinSubjects(const Job& job) {
  Models models;
  for (const PinnedSubject& subject : job.subjects) {
    absl::StatusOr<std::shared_ptr<LanguageModel>> model =
        models_.Pin(job.spec.model, subject.version);
    if (!model.ok()) {
      return Annotate(model.status(),
                      absl::StrCat("pin ", subject.version.empty()
                                               ? "the base"
                                               : absl::StrCat("adapter \"", subject.alias, "\"")));
    }
    const Numerics& now = (*model)->identity().numerics;
    if (now != subject.numerics) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the job began with ", NumericsText(subject.numerics), ", the model now computes with ",
          NumericsText(now), "; its verdicts would not be comparable"));
    }
    const std::string& version = (*model)->identity().model_version;
    if (!subject.model_version.empty() && version != subject.model_version) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the job began with checkpoint ", subject.model_version.substr(0, 12), " of model \"",
          job.spec.model, "\", which is checkpoint ", version.substr(0, 12),
          " now; its verdicts would not be comparable: submit a new job"));
    }
    models.push_back(*std::move(model));
  }
  return models;
}

absl::StatusOr<std::shared_ptr<JobRunner::Impl::ActiveJob>> JobRunner::Impl::PinJob(
    const std::string& id) {
  auto active = std::make_shared<ActiveJob>();
  active->id = id;
  ABSL_ASSIGN_OR_RETURN(active->job, store_.GetJob(id));
  for (const PinnedTask& pinned : active->job.tasks) {
    ABSL_ASSIGN_OR_RETURN(std::shared_ptr<const Task> task,
                          tasks_.Version(pinned.name, pinned.version));
    if (task->items.size() < static_cast<size_t>(pinned.items)) {
      return absl::FailedPreconditionError(
          absl::StrCat("task \"", pinned.name, "\" has ", task->items.size(),
                       " prompts, the job was made for ", pinned.items));
    }
    active->tasks.push_back(std::move(task));
  }
  {
    absl::MutexLock lock(&mutex_);
    auto held = held_models_.find(id);
    if (held != held_models_.end()) active->models = held->second;
  }
  if (active->models.empty()) {
    ABSL_ASSIGN_OR_RETURN(active->models, PinSubjects(active->job));
  }
  active->pending.resize(active->models.size());
  return active;
}

absl::StatusOr<std::shared_ptr<JobRunner::Impl::ActiveJob>> JobRunner::Impl::Activate(
    const std::string& id) {
  {
    absl::MutexLock lock(&mutex_);
    auto found = active_.find(id);
    if (found != active_.end()) return found->second;
    if (paused_until_.count(id) > 0) return absl::UnavailableError("put off");
  }
  absl::StatusOr<std::shared_ptr<ActiveJob>> job = PinJob(id);
  if (job.ok()) {
    absl::MutexLock lock(&mutex_);
    held_models_.emplace(id, (*job)->models);
    active_[id] = *job;
    return job;
  }
  if (IsWorthPausingJob(job.status())) {
    spdlog::warn("job {} has to wait: {}", id, job.status().ToString());
    absl::MutexLock lock(&mutex_);
    paused_until_[id] = clock_.Now() + options_.pin_retry;
  } else {
    Fail(id, Annotate(job.status(), "the job cannot go on"));
  }
  return job.status();
}

void JobRunner::Impl::RenewHeld() {
  std::vector<Lease> held;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, job] : active_) {
      for (const auto& [key, lease] : job->units) held.push_back(lease);
    }
  }
  if (held.empty()) return;
  absl::StatusOr<std::vector<Lease>> live = store_.RenewLeases(held, options_.lease);
  if (!live.ok()) {
    spdlog::error("leases cannot be renewed: {}", live.status().ToString());
    return;  // they live on until they expire; commits will tell
  }
  std::set<std::string> suspects;
  {
    absl::MutexLock lock(&mutex_);
    absl::flat_hash_map<UnitKey, Lease> renewed;
    for (const Lease& lease : *live) renewed.emplace(lease.unit, lease);
    for (const Lease& lease : held) {
      auto job = active_.find(lease.unit.job);
      if (job == active_.end()) continue;
      auto unit = job->second->units.find(lease.unit);
      if (unit == job->second->units.end() || unit->second.epoch != lease.epoch) continue;
      auto found = renewed.find(lease.unit);
      if (found != renewed.end()) {
        unit->second = found->second;
      } else {
        DropUnit(*job->second, lease.unit);
        suspects.insert(lease.unit.job);
      }
    }
  }
  for (const std::string& id : suspects) {  // lost, or done meanwhile, or the job has ended
    absl::StatusOr<Job> job = store_.GetJob(id);
    if (job.ok() ? IsTerminal(job->state) : absl::IsNotFound(job.status())) Close(id);
  }
}

void JobRunner::Impl::DropUnit(ActiveJob& job, const UnitKey& unit) {
  if (job.units.erase(unit) == 0) return;
  ++stats_.leases_lost;
  std::deque<Prompt>& queue = job.pending[static_cast<size_t>(unit.subject)];
  queue.erase(std::remove_if(queue.begin(), queue.end(),
                             [&](const Prompt& prompt) { return prompt.unit == unit; }),
              queue.end());
}

}  // namespace plumbline
