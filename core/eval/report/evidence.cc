#include "core/eval/report/evidence.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/metrics.h"
#include "core/eval/selection.h"

namespace plumbline {
namespace {

std::string Place(const ReportInput& input, const ReportVerdict& v) {
  const ReportSubject& subject = input.subjects[v.subject];
  return absl::StrCat("report: ", subject.adapter.empty() ? subject.model : subject.adapter,
                      ", task ", input.tasks[v.task].name, ", prompt ", v.key, ", sample ",
                      v.sample);
}

absl::Status CheckShape(const ReportInput& input) {
  if (input.subjects.empty()) return absl::InvalidArgumentError("report: no subject");
  if (input.tasks.empty()) return absl::InvalidArgumentError("report: no task");
  if (input.baseline < -1 || input.baseline >= static_cast<int>(input.subjects.size())) {
    return absl::InvalidArgumentError(absl::StrCat("report: baseline is ", input.baseline,
                                                   ", want -1 or below ", input.subjects.size()));
  }
  for (const ReportTask& task : input.tasks) {
    const auto refuse = [&](absl::string_view what) {
      return absl::InvalidArgumentError(absl::StrCat("report: task ", task.name, ": ", what));
    };
    if (task.metrics.empty()) return refuse("no metrics, want the primary one at least");
    if (task.prompts < 1)
      return refuse(absl::StrCat("prompts is ", task.prompts, ", want at least 1"));
    if (task.samples < 1)
      return refuse(absl::StrCat("samples is ", task.samples, ", want at least 1"));
    if (std::set<std::string>(task.metrics.begin(), task.metrics.end()).size() !=
        task.metrics.size()) {
      return refuse("a metric is listed twice");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckVerdict(const ReportInput& input, const ReportVerdict& v) {
  if (v.subject < 0 || v.subject >= static_cast<int>(input.subjects.size()) || v.task < 0 ||
      v.task >= static_cast<int>(input.tasks.size())) {
    return absl::InvalidArgumentError(absl::StrCat("report: prompt ", v.key, ": subject ",
                                                   v.subject, ", task ", v.task,
                                                   ": no such subject or task"));
  }
  if (v.sample < 0 || v.sample >= input.tasks[v.task].samples) {
    return absl::InvalidArgumentError(
        absl::StrCat(Place(input, v), ": want a sample below ", input.tasks[v.task].samples));
  }
  if (v.execution_error) return absl::OkStatus();
  for (const Observation& o : v.observations) {
    if (o.trials < 1 || !(o.successes >= 0 && o.successes <= o.trials)) {
      return absl::InvalidArgumentError(absl::StrCat(Place(input, v), ": metric ", o.metric, ": ",
                                                     o.successes, " successes of ", o.trials,
                                                     " trials, want 0 to trials"));
    }
  }
  return absl::OkStatus();
}

// The metrics that a task lists and those that were seen besides.
std::vector<EvidenceMetric> OrderMetrics(const ReportTask& task,
                                         const std::vector<const ReportVerdict*>& verdicts) {
  std::vector<EvidenceMetric> metrics;
  for (const std::string& name : task.metrics) {
    metrics.push_back({name, metrics.empty(), IsValidityMetric(name)});
  }
  std::set<std::pair<bool, std::string>> others;  // guards (false) before others (true)
  for (const ReportVerdict* v : verdicts) {
    if (v->execution_error) continue;
    for (const Observation& o : v->observations) {
      if (std::find(task.metrics.begin(), task.metrics.end(), o.metric) == task.metrics.end()) {
        others.emplace(!IsValidityMetric(o.metric), o.metric);
      }
    }
  }
  for (const auto& [score, name] : others) metrics.push_back({name, false, !score});
  return metrics;
}

// One trial a prompt: the response that its vote takes. `votes` are the trials'.
std::vector<Trial> SelectTrials(const std::vector<Trial>& responses,
                                const std::vector<Vote>& votes) {
  std::vector<Trial> selected;
  for (size_t begin = 0; begin < responses.size();) {
    const int prompt = responses[begin].prompt;
    std::vector<Observation> observations;
    std::vector<const Observation*> by_sample;
    size_t end = begin;
    while (end < responses.size() && responses[end].prompt == prompt) ++end;
    observations.reserve(end - begin);
    for (size_t i = begin; i < end; ++i) {
      const Trial& trial = responses[i];
      observations.push_back({"", trial.successes, trial.trials, votes[i].among, votes[i].text});
      by_sample.resize(static_cast<size_t>(trial.sample) + 1, nullptr);
      by_sample.back() = &observations.back();
    }
    const std::optional<size_t> winner = SelectResponse(by_sample);
    if (winner.has_value()) {
      const Observation& taken = *by_sample[*winner];
      selected.push_back({prompt, 0, taken.successes, taken.trials});
    }
    begin = end;
  }
  return selected;
}

}  // namespace

absl::StatusOr<Evidence> Evidence::Collect(const ReportInput& input) {
  ABSL_RETURN_IF_ERROR(CheckShape(input));
  std::vector<std::vector<const ReportVerdict*>> by_task(input.tasks.size());
  for (const ReportVerdict& v : input.verdicts) {
    ABSL_RETURN_IF_ERROR(CheckVerdict(input, v));
    by_task[v.task].push_back(&v);
  }
  Evidence evidence;
  for (size_t t = 0; t < input.tasks.size(); ++t) {
    ABSL_ASSIGN_OR_RETURN(TaskEvidence task,
                          CollectTask(input, static_cast<int>(t), std::move(by_task[t])));
    evidence.tasks_.push_back(std::move(task));
  }
  return evidence;
}

absl::StatusOr<Evidence::TaskEvidence> Evidence::CollectTask(
    const ReportInput& input, int task_index, std::vector<const ReportVerdict*> verdicts) {
  const ReportTask& task = input.tasks[task_index];
  std::sort(verdicts.begin(), verdicts.end(), [](const ReportVerdict* a, const ReportVerdict* b) {
    return std::tie(a->key, a->subject, a->sample) < std::tie(b->key, b->subject, b->sample);
  });
  TaskEvidence evidence;
  evidence.expected = task.prompts * task.samples;
  evidence.metrics = OrderMetrics(task, verdicts);
  evidence.series.assign(input.subjects.size(),
                         std::vector<std::vector<Trial>>(evidence.metrics.size()));
  evidence.responses = evidence.series;
  evidence.votes.assign(input.subjects.size(),
                        std::vector<std::vector<Vote>>(evidence.metrics.size()));
  evidence.scored.assign(input.subjects.size(), 0);
  evidence.errors.assign(input.subjects.size(), 0);
  evidence.too_long.assign(input.subjects.size(), 0);
  evidence.answers.resize(input.subjects.size());
  absl::flat_hash_map<std::string, int> index;
  for (size_t m = 0; m < evidence.metrics.size(); ++m)
    index[evidence.metrics[m].name] = static_cast<int>(m);
  std::vector<int> trials_of_prompt(evidence.metrics.size(), 0);  // by metric; 0: not seen yet
  const ReportVerdict* previous = nullptr;
  for (const ReportVerdict* v : verdicts) {
    const bool same_prompt = previous != nullptr && previous->key == v->key;
    if (!same_prompt) {
      evidence.keys.push_back(v->key);
      std::fill(trials_of_prompt.begin(), trials_of_prompt.end(), 0);
    } else if (previous->subject == v->subject && previous->sample == v->sample) {
      return absl::InvalidArgumentError(absl::StrCat(Place(input, *v), ": two verdicts, want one"));
    }
    previous = v;
    if (v->execution_error) {
      ++evidence.errors[v->subject];
      evidence.too_long[v->subject] += v->too_long;
      continue;
    }
    ++evidence.scored[v->subject];
    if (task.samples > 1) {
      evidence.answers[v->subject].push_back(
          {static_cast<int>(evidence.keys.size()) - 1, v->sample, v->extracted});
    }
    for (const Observation& o : v->observations) {
      const int m = index[o.metric];
      std::vector<Trial>& series = evidence.series[v->subject][m];
      const Trial trial = {static_cast<int>(evidence.keys.size()) - 1, v->sample, o.successes,
                           o.trials};
      if (!series.empty() && series.back().prompt == trial.prompt &&
          series.back().sample == trial.sample) {
        return absl::InvalidArgumentError(
            absl::StrCat(Place(input, *v), ": metric ", o.metric, " is observed twice"));
      }
      int& trials = trials_of_prompt[m];
      if (trials != 0 && trials != o.trials) {
        return absl::InvalidArgumentError(absl::StrCat(Place(input, *v), ": metric ", o.metric,
                                                       " has ", o.trials, " trials here and ",
                                                       trials, " in another subject or sample"));
      }
      trials = o.trials;
      series.push_back(trial);
      if (o.among > 0) evidence.votes[v->subject][m].push_back({o.among, o.vote});
      if (!evidence.votes[v->subject][m].empty() &&
          evidence.votes[v->subject][m].size() != series.size()) {
        return absl::InvalidArgumentError(
            absl::StrCat(Place(input, *v), ": metric ", o.metric,
                         " takes one response a prompt here and every one elsewhere"));
      }
    }
  }
  for (size_t s = 0; s < input.subjects.size(); ++s) {
    for (size_t m = 0; m < evidence.metrics.size(); ++m) {
      if (evidence.votes[s][m].empty()) continue;
      evidence.responses[s][m] = std::move(evidence.series[s][m]);
      evidence.series[s][m] = SelectTrials(evidence.responses[s][m], evidence.votes[s][m]);
    }
  }
  evidence.votes.clear();
  if (static_cast<int64_t>(evidence.keys.size()) > task.prompts) {
    return absl::InvalidArgumentError(absl::StrCat("report: task ", task.name, ": verdicts of ",
                                                   evidence.keys.size(),
                                                   " prompts, want at most its ", task.prompts));
  }
  return evidence;
}

ReportCoverage Evidence::coverage(int subject, int task) const {
  const TaskEvidence& evidence = tasks_[task];
  ReportCoverage coverage;
  coverage.subject = subject;
  coverage.task = task;
  coverage.expected = evidence.expected;
  coverage.scored = evidence.scored[subject];
  coverage.errors = evidence.errors[subject];
  coverage.too_long = evidence.too_long[subject];
  coverage.missing = coverage.expected - coverage.scored - coverage.errors;
  return coverage;
}

}  // namespace plumbline
