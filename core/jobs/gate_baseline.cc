#include "core/jobs/gate_baseline.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

constexpr int kJobsLookedAt = 2000;
constexpr int kPage = 200;

std::string Short(const std::string& version) { return version.substr(0, 12); }

// Where the baseline's verdicts on one task are.
struct Place {
  std::string job;
  int subject = 0, task = 0;  // in that job
};

// The baseline as found, for one subject that is judged.
struct Located {
  std::string who;  // "adapter prod (1a2b3c4d5e6f)", "the base"
  bool is_itself = false;
  std::string problem;
  std::vector<std::optional<Place>> places;  // by task of the judged job
  std::vector<std::string> task_problems;
};

class Comparer {
 public:
  Comparer(JobStore& store, ModelProvider* models, const Job& job, const GatePolicy& policy)
      : store_(store), models_(models), job_(job), policy_(policy) {}

  absl::StatusOr<std::map<int, GateComparison>> Run() {
    std::map<int, GateComparison> comparisons;
    if (policy_.baseline.kind == GateBaseline::kReport) return comparisons;
    for (size_t s = 1; s < job_.subjects.size(); ++s) {
      const std::string& alias = job_.subjects[s].alias;
      const bool judged = policy_.subjects.empty() ||
                          std::find(policy_.subjects.begin(), policy_.subjects.end(), alias) !=
                              policy_.subjects.end();
      if (!judged) continue;
      const int subject = static_cast<int>(s);
      ABSL_ASSIGN_OR_RETURN(comparisons[subject], Compare(subject));
    }
    return comparisons;
  }

 private:
  absl::StatusOr<GateComparison> Compare(int subject) {
    ABSL_ASSIGN_OR_RETURN(Located located, Locate(subject));
    GateComparison comparison;
    comparison.is_itself = located.is_itself;
    comparison.problem = std::move(located.problem);
    if (comparison.is_itself || !comparison.problem.empty()) return comparison;
    std::set<std::string> elsewhere;
    for (const auto& place : located.places) {
      if (place.has_value() && place->job != job_.id) elsewhere.insert(place->job);
    }
    comparison.baseline = elsewhere.empty()
                              ? located.who
                              : absl::StrCat(located.who, " of ", absl::StrJoin(elsewhere, ", "));
    comparison.task_problems = std::move(located.task_problems);
    ABSL_RETURN_IF_ERROR(Pair(subject, located.places, comparison));
    return comparison;
  }

  absl::StatusOr<Located> Locate(int subject) {
    switch (policy_.baseline.kind) {
      case GateBaseline::kAlias:
        return LocateAlias(subject);
      case GateBaseline::kVersion:
        return LocateVersion(subject, policy_.baseline.name, policy_.baseline.adapter);
      default:
        return LocateInJob(subject);
    }
  }

  absl::StatusOr<Located> LocateAlias(int subject) {
    const std::string& alias = policy_.baseline.name;
    for (size_t s = 1; s < job_.subjects.size(); ++s) {
      if (job_.subjects[s].alias == alias) return InThisJob(subject, static_cast<int>(s));
    }
    if (models_ == nullptr) return Problem(absl::StrCat("alias \"", alias, "\" is not in the job"));
    auto model = models_->Pin(job_.spec.model, alias);
    if (absl::IsNotFound(model.status())) {
      return Problem(absl::StrCat("baseline: ", model.status().message(),
                                  "; load it, or name the baseline by version or job"));
    }
    ABSL_RETURN_IF_ERROR(model.status());
    return LocateVersion(subject, (*model)->identity().adapter_version, "");
  }

  // `start` is all or the first digits of a version; `alias`, where not empty, must be the
  // subject's.
  absl::StatusOr<Located> LocateVersion(int subject, const std::string& start,
                                        const std::string& alias) {
    const auto fits = [&](const PinnedSubject& s) {
      return absl::StartsWith(s.version, start) && (alias.empty() || s.alias == alias);
    };
    for (size_t s = 1; s < job_.subjects.size(); ++s) {
      if (fits(job_.subjects[s])) return InThisJob(subject, static_cast<int>(s));
    }
    if (!searched_) {
      ABSL_RETURN_IF_ERROR(Search(fits));
      searched_ = true;
    }
    const std::string name = alias.empty() ? Short(start) : absl::StrCat(alias, "@", Short(start));
    if (versions_.empty()) {
      return Problem(absl::StrCat("baseline: no finished job of model \"", job_.spec.model,
                                  "\" evaluated adapter version ", name, "; ", Remedy(start)));
    }
    if (versions_.size() > 1) {
      return Problem(absl::StrCat("baseline: ", versions_.size(), " adapter versions start with ",
                                  start, "; give more digits: ", absl::StrJoin(versions_, ", ")));
    }
    Located located = found_;
    const auto& [version, as] = *names_.begin();
    located.who = absl::StrCat(
        "adapter ", as.empty() ? Short(version) : absl::StrCat(as, " (", Short(version), ")"));
    for (size_t t = 0; t < located.places.size(); ++t) {
      if (located.places[t].has_value()) continue;
      std::string& problem = located.task_problems[t];
      if (problem.empty()) problem = "no finished job evaluated the baseline on this task";
      absl::StrAppend(&problem, "; ", Remedy(version));
    }
    return located;
  }

  // The newest finished jobs that have a subject that fits, for each task.
  template <typename Fits>
  absl::Status Search(Fits fits) {
    found_.places.resize(job_.tasks.size());
    found_.task_problems.resize(job_.tasks.size());
    JobFilter filter;
    filter.states = {JobState::kSucceeded};
    filter.model = job_.spec.model;
    JobPage page;
    for (int looked_at = 0; looked_at < kJobsLookedAt; looked_at += kPage) {
      ABSL_ASSIGN_OR_RETURN(page, store_.ListJobs(filter, kPage, page.next_page_token));
      for (const Job& other : page.jobs) {
        if (other.id == job_.id || !SameCheckpoint(other)) continue;
        for (size_t s = 1; s < other.subjects.size(); ++s) {
          if (!fits(other.subjects[s])) continue;
          versions_.insert(other.subjects[s].version);
          names_.emplace(other.subjects[s].version, other.subjects[s].alias);
          TakePlaces(other, static_cast<int>(s), found_);
        }
      }
      if (page.next_page_token.empty()) break;
    }
    return absl::OkStatus();
  }

  bool SameCheckpoint(const Job& other) const {
    const std::string& mine = job_.subjects[0].model_version;
    const std::string& its = other.subjects[0].model_version;
    return mine.empty() || its.empty() || mine == its;
  }

  // Notes where `other` has this job's tasks; an earlier find is replaced by one with more prompts.
  void TakePlaces(const Job& other, int subject, Located& located) {
    for (size_t t = 0; t < job_.tasks.size(); ++t) {
      const PinnedTask& mine = job_.tasks[t];
      for (size_t o = 0; o < other.tasks.size(); ++o) {
        const PinnedTask& its = other.tasks[o];
        if (its.name != mine.name) continue;
        std::string& problem = located.task_problems[t];
        if (its.version != mine.version) {
          if (problem.empty() && !located.places[t].has_value()) {
            problem = absl::StrCat("the baseline's verdicts (", other.id, ") are of task version ",
                                   Short(its.version), ", this job's of ", Short(mine.version),
                                   ": other prompts or scoring");
          }
          continue;
        }
        int& prompts = prompts_of_[t];
        if (located.places[t].has_value() && prompts >= std::min(its.items, mine.items)) continue;
        located.places[t] = Place{other.id, subject, static_cast<int>(o)};
        problem.clear();
        prompts = its.items;
      }
    }
  }

  Located InThisJob(int subject, int baseline) const {
    Located located;
    const PinnedSubject& s = job_.subjects[static_cast<size_t>(baseline)];
    located.is_itself = subject == baseline;
    located.who = absl::StrCat("adapter ", s.alias, " (", Short(s.version), ")");
    located.task_problems.resize(job_.tasks.size());
    for (size_t t = 0; t < job_.tasks.size(); ++t) {
      located.places.push_back(Place{job_.id, baseline, static_cast<int>(t)});
    }
    return located;
  }

  absl::StatusOr<Located> LocateInJob(int subject) {
    const std::string& id = policy_.baseline.name;
    absl::StatusOr<Job> other = store_.GetJob(id);
    if (absl::IsNotFound(other.status())) {
      return Problem(
          absl::StrCat("baseline: there is no job \"", id, "\"; name one of `plumbline job list`"));
    }
    ABSL_RETURN_IF_ERROR(other.status());
    if (id != job_.id && other->state != JobState::kSucceeded) {
      return Problem(absl::StrCat("baseline: job ", id, " is ",
                                  std::string(JobStateName(other->state)),
                                  "; a baseline must have succeeded"));
    }
    const std::string wanted = policy_.baseline.adapter.empty()
                                   ? job_.subjects[static_cast<size_t>(subject)].alias
                                   : policy_.baseline.adapter;
    int found = -1;
    std::vector<std::string> aliases;
    for (size_t s = 0; s < other->subjects.size(); ++s) {
      const PinnedSubject& candidate = other->subjects[s];
      const std::string alias = s == 0 ? "base" : candidate.alias;
      aliases.push_back(alias);
      if (alias == wanted || (s > 0 && candidate.version == wanted)) found = static_cast<int>(s);
    }
    if (found < 0) {
      return Problem(absl::StrCat("baseline: job ", id, " has no adapter \"", wanted,
                                  "\"; name one with {job: ", id, ", adapter: NAME}: it has ",
                                  absl::StrJoin(aliases, ", ")));
    }
    Located located;
    located.is_itself = id == job_.id && found == subject;
    const PinnedSubject& s = other->subjects[static_cast<size_t>(found)];
    located.who =
        found == 0 ? "the base" : absl::StrCat("adapter ", s.alias, " (", Short(s.version), ")");
    located.places.resize(job_.tasks.size());
    located.task_problems.resize(job_.tasks.size());
    prompts_of_.clear();
    TakePlaces(*other, found, located);
    for (size_t t = 0; t < job_.tasks.size(); ++t) {
      std::string& problem = located.task_problems[t];
      if (located.places[t].has_value()) continue;
      if (problem.empty()) problem = absl::StrCat("job ", id, " did not evaluate this task");
      absl::StrAppend(&problem, "; ", Remedy(found == 0 ? "" : s.version));
    }
    return located;
  }

  static Located Problem(std::string problem) {
    Located located;
    located.problem = std::move(problem);
    return located;
  }

  // How to get what is missing. `adapter` empty: the base, which every job evaluates.
  std::string Remedy(const std::string& adapter) const {
    std::string command = absl::StrCat("evaluate it: plumbline job submit -m ", job_.spec.model,
                                       adapter.empty() ? "" : " -a ", adapter);
    for (const PinnedTask& task : job_.tasks) absl::StrAppend(&command, " -t ", task.name);
    return command;
  }

  // Every verdict of a job, read once.
  absl::StatusOr<const std::vector<RecordedObservations>*> VerdictsOf(const std::string& id) {
    const auto known = verdicts_.find(id);
    if (known != verdicts_.end()) return &known->second;
    std::vector<RecordedObservations> read;
    ABSL_RETURN_IF_ERROR(
        store_.ReadObservations(id, [&read](const RecordedObservations& r) { read.push_back(r); }));
    return &(verdicts_[id] = std::move(read));
  }

  // Adds one side's verdicts on one task, of the prompts this job asks.
  absl::Status AddVerdicts(const Place& place, int side, int task, ReportInput& input) {
    ABSL_ASSIGN_OR_RETURN(const auto* verdicts, VerdictsOf(place.job));
    for (const RecordedObservations& r : *verdicts) {
      if (r.subject != place.subject || r.task != place.task) continue;
      if (r.item >= job_.tasks[static_cast<size_t>(task)].items) continue;
      input.verdicts.push_back(
          {side, task, r.key, r.sample, r.is_error, r.observations, r.too_long, r.extracted});
    }
    return absl::OkStatus();
  }

  // Two subjects, the baseline first, as a report of their own: the statistics are the report's.
  absl::Status Pair(int subject, const std::vector<std::optional<Place>>& places,
                    GateComparison& comparison) {
    ReportInput input;
    const PinnedSubject& judged = job_.subjects[static_cast<size_t>(subject)];
    input.subjects = {{job_.spec.model, "the baseline", "", ""},
                      {job_.spec.model, judged.alias, judged.version, ""}};
    input.baseline = 0;
    for (size_t t = 0; t < job_.tasks.size(); ++t) {
      const PinnedTask& task = job_.tasks[t];
      const int index = static_cast<int>(t);
      input.tasks.push_back(
          {task.name, task.version, task.capability, task.metrics, task.items, task.samples});
      ABSL_RETURN_IF_ERROR(AddVerdicts({job_.id, subject, index}, 1, index, input));
      if (places[t].has_value()) ABSL_RETURN_IF_ERROR(AddVerdicts(*places[t], 0, index, input));
    }
    absl::StatusOr<Report> report = BuildReport(input);
    if (!report.ok()) {
      comparison.problem = absl::StrCat("baseline: ", report.status().message());
      return absl::OkStatus();
    }
    comparison.deltas = std::move(report->deltas);
    for (size_t t = 0; t < job_.tasks.size(); ++t) {
      comparison.coverage.push_back(report->CoverageOf(0, static_cast<int>(t)));
    }
    return absl::OkStatus();
  }

  JobStore& store_;
  ModelProvider* const models_;
  const Job& job_;
  const GatePolicy& policy_;
  std::map<std::string, std::vector<RecordedObservations>> verdicts_;  // by job
  // What Search found; the same for every subject that is judged.
  bool searched_ = false;
  Located found_;
  std::set<std::string> versions_;
  std::map<std::string, std::string> names_;  // version → alias it was evaluated under
  std::map<size_t, int> prompts_of_;          // task → prompts of the place taken for it
};

}  // namespace

absl::StatusOr<std::map<int, GateComparison>> CompareWithBaseline(JobStore& store,
                                                                  ModelProvider* models,
                                                                  const Job& job,
                                                                  const GatePolicy& policy) {
  return Comparer(store, models, job, policy).Run();
}

}  // namespace plumbline
