#include "core/eval/report/label.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/eval/stats/cluster.h"

namespace plumbline {
namespace {

// What one task says.
struct TaskFinding {
  int task = 0;
  const ReportDelta* delta = nullptr;  // of the primary metric; never null
  bool complete = false;
  bool gain = false;  // significant
  bool loss = false;
  bool below_margin = false;
};

double MissingShare(const ReportCoverage& c) {
  return static_cast<double>(c.errors + c.missing) / static_cast<double>(c.expected);
}

TaskFinding Find(const Report& report, int subject, int task) {
  const ReportOptions& options = report.options;
  TaskFinding finding;
  finding.task = task;
  finding.delta = report.FindDelta(subject, task, report.tasks[task].metrics[0]);
  const ReportDelta& delta = *finding.delta;
  const double unpaired =
      1 - static_cast<double>(delta.pairs) / static_cast<double>(report.tasks[task].prompts);
  const double missing =
      std::max({MissingShare(report.CoverageOf(subject, task)),
                MissingShare(report.CoverageOf(report.baseline, task)), unpaired});
  finding.complete = delta.pairs > 0 && missing <= options.max_missing;
  const bool significant = delta.pairs > 0 && delta.p_holm < 1 - options.confidence;
  finding.gain = significant && delta.value > 0;
  finding.loss = significant && delta.value < 0;
  finding.below_margin = delta.pairs > 0 && delta.upper < options.label_margin;
  return finding;
}

std::string Describe(const Report& report, const TaskFinding& f, absl::string_view side) {
  const ReportDelta& d = *f.delta;
  const ReportTask& task = report.tasks[f.task];
  if (d.pairs == 0) {
    return absl::StrFormat("%s (%s target): no prompt has %s for both adapter and baseline",
                           task.name, side, d.metric);
  }
  const char* finding = f.gain           ? "a significant gain"
                        : f.loss         ? "a significant loss"
                        : f.below_margin ? "no gain as large as the margin"
                                         : "undecided";
  return absl::StrFormat(
      "%s (%s target): %s %.3f -> %.3f, %+.1f points (%g%% interval %+.1f to %+.1f, p %.2g, %.2g "
      "after Holm; %d "
      "prompts, %d better, %d worse): %s",
      task.name, side, d.metric, d.baseline, d.subject_value, 100 * d.value,
      100 * report.options.confidence, 100 * d.lower, 100 * d.upper, d.p, d.p_holm, d.pairs,
      d.gained, d.lost, finding);
}

std::string DescribeIncomplete(const Report& report, int subject, const TaskFinding& f) {
  const ReportCoverage& own = report.CoverageOf(subject, f.task);
  const ReportCoverage& base = report.CoverageOf(report.baseline, f.task);
  return absl::StrFormat(
      "%s: evidence is incomplete: adapter %d of %d scored (%d errors), baseline %d of %d (%d "
      "errors), %d of %d "
      "prompts paired; at most %g%% may be missing",
      report.tasks[f.task].name, own.scored, own.expected, own.errors, base.scored, base.expected,
      base.errors, f.delta->pairs, report.tasks[f.task].prompts, 100 * report.options.max_missing);
}

std::optional<ReportDrift> MeasureDrift(const std::vector<TaskFinding>& on,
                                        const std::vector<TaskFinding>& off) {
  ReportDrift drift;
  std::vector<WeightedEstimate> parts;
  const auto add = [&parts](const std::vector<TaskFinding>& findings, double sign, double& gain,
                            std::vector<int>& tasks) {
    int usable = 0;
    for (const TaskFinding& f : findings) usable += f.delta->pairs > 0;
    for (const TaskFinding& f : findings) {
      if (f.delta->pairs == 0) continue;
      gain += f.delta->value / usable;
      tasks.push_back(f.task);
      parts.push_back({sign / usable, f.delta->value, {f.delta->lower, f.delta->upper}});
    }
  };
  add(off, 1, drift.off_target_gain, drift.off_target_tasks);
  add(on, -1, drift.on_target_gain, drift.on_target_tasks);
  if (drift.on_target_tasks.empty() || drift.off_target_tasks.empty()) return std::nullopt;
  const Interval interval = CombineIndependent(parts);
  drift.value = drift.off_target_gain - drift.on_target_gain;
  drift.lower = interval.lower;
  drift.upper = interval.upper;
  return drift;
}

template <typename Predicate>
bool Any(const std::vector<TaskFinding>& findings, Predicate predicate) {
  return std::any_of(findings.begin(), findings.end(), predicate);
}

// The rules of LabelVerdict, with the sentence that says which one it was.
std::pair<LabelVerdict, std::string> Decide(const Report& report, int subject,
                                            const std::vector<TaskFinding>& on,
                                            const std::vector<TaskFinding>& off,
                                            const std::optional<ReportDrift>& drift) {
  const std::string& target = report.subjects[subject].nominal_target;
  if (on.empty()) {
    return {LabelVerdict::kInconclusive, absl::StrCat("no task of this report measures ", target,
                                                      ", the label's capability: add one")};
  }
  for (const TaskFinding& f : on) {
    if (!f.complete) return {LabelVerdict::kInconclusive, DescribeIncomplete(report, subject, f)};
  }
  const bool gain = Any(on, [](const TaskFinding& f) { return f.gain; });
  const bool loss = Any(on, [](const TaskFinding& f) { return f.loss; });
  if (gain && loss) {
    return {LabelVerdict::kInconclusive,
            absl::StrCat("tasks of ", target,
                         " disagree: a significant gain on one and a significant loss on another")};
  }
  if (loss)
    return {LabelVerdict::kContradicted,
            absl::StrCat("significantly worse at ", target, " than the baseline")};
  if (gain)
    return {LabelVerdict::kSupported,
            absl::StrCat("significantly better at ", target, " than the baseline")};
  const std::string margin = absl::StrFormat("%g points", 100 * report.options.label_margin);
  if (Any(on, [](const TaskFinding& f) { return !f.below_margin; })) {
    return {LabelVerdict::kInconclusive,
            absl::StrCat("neither a change at ", target, " nor the absence of a gain of ", margin,
                         " can be shown: more prompts would tell")};
  }
  if (drift.has_value() && drift->lower > 0 &&
      Any(off, [](const TaskFinding& f) { return f.gain && f.complete; })) {
    return {LabelVerdict::kContradicted,
            absl::StrCat("a significant gain elsewhere, and no gain of ", margin, " at ", target)};
  }
  return {LabelVerdict::kNotSupported, absl::StrCat("no gain of ", margin, " at ", target)};
}

}  // namespace

ReportLabel JudgeLabel(const Report& report, int subject) {
  ReportLabel label;
  label.subject = subject;
  label.nominal_target = report.subjects[subject].nominal_target;
  if (report.baseline < 0) {
    label.reasons.push_back("the report has no baseline to compare with");
    return label;
  }
  if (subject == report.baseline) {
    label.reasons.push_back("this is the baseline");
    return label;
  }
  if (label.nominal_target.empty()) {
    label.reasons.push_back("the adapter declares no nominal target");
    return label;
  }
  std::vector<TaskFinding> on, off;
  for (size_t t = 0; t < report.tasks.size(); ++t) {
    (report.tasks[t].capability == label.nominal_target ? on : off)
        .push_back(Find(report, subject, static_cast<int>(t)));
  }
  label.drift = MeasureDrift(on, off);
  auto [verdict, reason] = Decide(report, subject, on, off, label.drift);
  label.verdict = verdict;
  label.reasons.push_back(std::move(reason));
  for (const TaskFinding& f : on) label.reasons.push_back(Describe(report, f, "on"));
  for (const TaskFinding& f : off) label.reasons.push_back(Describe(report, f, "off"));
  if (label.drift.has_value()) {
    label.reasons.push_back(
        absl::StrFormat("drift %+.1f points (%g%% interval %+.1f to %+.1f): mean gain %+.1f off "
                        "target, %+.1f on target",
                        100 * label.drift->value, 100 * report.options.confidence,
                        100 * label.drift->lower, 100 * label.drift->upper,
                        100 * label.drift->off_target_gain, 100 * label.drift->on_target_gain));
  }
  return label;
}

}  // namespace plumbline
