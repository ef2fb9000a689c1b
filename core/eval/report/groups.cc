// A group is a task of its own: BuildReport measures it. Only the metrics that are means of others
// are weighted anew, since their observations' weights are the whole task's. With T_k the trials of
// part k in the group and L their least common multiple, a prompt's observation is
//
//   Σ_k (L / T_k) successes_k  of  Σ_k (L / T_k) trials_k
//
// and over the group the denominators add up to L for each part: the ratio is the mean.
#include "core/eval/report/groups.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

// Group → the verdicts of one subject on its items.
using Verdicts = std::map<std::string, std::vector<ReportVerdict>>;

const Observation* Find(const ReportVerdict& verdict, absl::string_view metric) {
  for (const Observation& o : verdict.observations) {
    if (o.metric == metric) return &o;
  }
  return nullptr;
}

// L / T_k for each part of `mean`; empty where a part was never observed, or where the numbers do
// not fit the trials of an observation.
std::vector<int64_t> Weights(const MeanMetric& mean, const std::vector<ReportVerdict>& verdicts) {
  std::vector<int64_t> trials;
  const auto limit = std::numeric_limits<int>::max() / static_cast<int64_t>(mean.of.size());
  int64_t common = 1;
  for (const std::string& part : mean.of) {
    int64_t total = 0;
    for (const ReportVerdict& v : verdicts) {
      const Observation* o = Find(v, part);
      if (o != nullptr && !v.execution_error) total += o->trials;
    }
    if (total == 0) return {};
    trials.push_back(total);
    common = std::lcm(common, total);
    if (common > limit) return {};
  }
  for (int64_t& t : trials) t = common / t;
  return trials;
}

// Gives `metric` in every verdict its weight in the group.
void Reweigh(const MeanMetric& mean, std::vector<ReportVerdict>& verdicts) {
  const std::vector<int64_t> weights = Weights(mean, verdicts);
  if (weights.empty()) return;
  for (ReportVerdict& v : verdicts) {
    Observation sum = {mean.metric, 0, 0};
    int64_t trials = 0;
    for (size_t k = 0; k < weights.size(); ++k) {
      const Observation* part = Find(v, mean.of[k]);
      if (part == nullptr) continue;
      sum.successes += static_cast<double>(weights[k]) * part->successes;
      trials += weights[k] * part->trials;
    }
    sum.trials = static_cast<int>(trials);
    for (Observation& o : v.observations) {
      if (o.metric == mean.metric && trials > 0) o = sum;
    }
  }
}

// The cells of one subject, one group after the other.
absl::Status MeasureSubject(const ReportInput& input, int subject, int task,
                            const std::vector<MeanMetric>& means, Verdicts by_group,
                            const ReportOptions& options,
                            std::map<std::string, ReportGroup>& groups) {
  ReportInput alone;
  alone.subjects = {input.subjects[static_cast<size_t>(subject)]};
  for (auto& [name, verdicts] : by_group) {
    for (const MeanMetric& mean : means) Reweigh(mean, verdicts);
    for (ReportVerdict& v : verdicts) {
      v.subject = 0;
      v.task = static_cast<int>(alone.tasks.size());
    }
    std::move(verdicts.begin(), verdicts.end(), std::back_inserter(alone.verdicts));
    alone.tasks.push_back(input.tasks[static_cast<size_t>(task)]);
  }
  ABSL_ASSIGN_OR_RETURN(const Report report, BuildReport(alone, options));
  int index = 0;
  for (const auto& [name, verdicts] : by_group) {
    for (const std::string& metric : alone.tasks[static_cast<size_t>(index)].metrics) {
      ReportCell cell = *report.FindCell(0, index, metric);
      cell.subject = subject;
      cell.task = task;
      groups[name].cells.push_back(std::move(cell));
    }
    ++index;
  }
  return absl::OkStatus();
}

std::vector<std::string> Headline(const ReportTask& listed, const Task& task) {
  std::vector<std::string> headline;
  for (const std::string& metric : listed.metrics) {
    const bool mean = std::any_of(task.means.begin(), task.means.end(),
                                  [&](const MeanMetric& m) { return m.metric == metric; });
    if (mean) headline.push_back(metric);
  }
  if (headline.empty()) headline.push_back(listed.metrics.front());
  return headline;
}

absl::Status AddGroups(const ReportInput& input, int task, const Task& of,
                       const ReportOptions& options, std::vector<ReportGroup>& out) {
  const ReportTask& listed = input.tasks[static_cast<size_t>(task)];
  std::map<std::string, std::string> group_of;  // by key
  for (const TaskItem& item : of.items) group_of[item.key] = item.group;
  std::vector<Verdicts> by_subject(input.subjects.size());
  const std::vector<std::string> headline = Headline(listed, of);
  std::map<std::string, ReportGroup> groups;
  for (const ReportVerdict& v : input.verdicts) {
    const auto group = group_of.find(v.key);
    if (v.task != task || group == group_of.end()) continue;
    groups.try_emplace(group->second, ReportGroup{task, of.group_by, group->second, headline, {}});
    by_subject.at(static_cast<size_t>(v.subject))[group->second].push_back(v);
  }
  for (size_t s = 0; s < by_subject.size(); ++s) {
    for (const auto& [name, group] : groups) by_subject[s][name];  // also those without a verdict
    if (groups.empty()) break;
    ABSL_RETURN_IF_ERROR(MeasureSubject(input, static_cast<int>(s), task, of.means,
                                        std::move(by_subject[s]), options, groups));
  }
  for (auto& [name, group] : groups) out.push_back(std::move(group));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<ReportGroup>> BuildGroups(const ReportInput& input,
                                                     const std::vector<const Task*>& tasks,
                                                     const ReportOptions& options) {
  std::vector<ReportGroup> groups;
  for (size_t t = 0; t < input.tasks.size() && t < tasks.size(); ++t) {
    if (tasks[t] == nullptr || tasks[t]->group_by.empty()) continue;
    const absl::Status added = AddGroups(input, static_cast<int>(t), *tasks[t], options, groups);
    if (!added.ok()) return Annotate(added, "groups");
  }
  return groups;
}

}  // namespace plumbline
