#include "core/eval/report/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/report/evidence.h"
#include "core/eval/report/label.h"
#include "core/eval/report/measure.h"

namespace plumbline {
namespace {

absl::Status CheckOptions(const ReportOptions& o) {
  const auto refuse = [](absl::string_view field, double value, absl::string_view want) {
    return absl::InvalidArgumentError(
        absl::StrCat("report: ", field, " is ", value, ", want ", want));
  };
  if (!(o.confidence > 0.5 && o.confidence < 1))
    return refuse("confidence", o.confidence, "a share in (0.5, 1)");
  if (!(o.label_margin > 0 && o.label_margin < 1))
    return refuse("label_margin", o.label_margin, "a share in (0, 1)");
  if (!(o.max_missing >= 0 && o.max_missing < 1))
    return refuse("max_missing", o.max_missing, "a share in [0, 1)");
  if (o.resamples < 200 || o.resamples > 1'000'000)
    return refuse("resamples", o.resamples, "200 to 1000000");
  return absl::OkStatus();
}

// Entries are in the order (subject, task, ...): the few of one (subject, task) are found by
// bisection.
template <typename Entry>
const Entry* Find(const std::vector<Entry>& entries, int subject, int task,
                  absl::string_view metric) {
  const auto place = [](const Entry& e) { return std::pair(e.subject, e.task); };
  auto it = std::lower_bound(
      entries.begin(), entries.end(), std::pair(subject, task),
      [&](const Entry& e, const std::pair<int, int>& key) { return place(e) < key; });
  for (; it != entries.end() && place(*it) == std::pair(subject, task); ++it) {
    if (absl::string_view(it->metric) == metric) return &*it;
  }
  return nullptr;
}

}  // namespace

absl::string_view IntervalMethodName(IntervalMethod method) {
  switch (method) {
    case IntervalMethod::kNone:
      return "none";
    case IntervalMethod::kWilson:
      return "wilson";
    case IntervalMethod::kClusterBootstrap:
      return "cluster_bootstrap";
    case IntervalMethod::kClusterWilson:
      return "cluster_wilson";
    case IntervalMethod::kPairedScore:
      return "paired_score";
    case IntervalMethod::kPairedBootstrap:
      return "paired_bootstrap";
  }
  return "none";
}

absl::string_view LabelVerdictName(LabelVerdict verdict) {
  switch (verdict) {
    case LabelVerdict::kUnspecified:
      return "UNSPECIFIED";
    case LabelVerdict::kSupported:
      return "SUPPORTED";
    case LabelVerdict::kNotSupported:
      return "NOT_SUPPORTED";
    case LabelVerdict::kContradicted:
      return "CONTRADICTED";
    case LabelVerdict::kInconclusive:
      return "INCONCLUSIVE";
  }
  return "UNSPECIFIED";
}

const ReportCell* Report::FindCell(int subject, int task, absl::string_view metric) const {
  return Find(cells, subject, task, metric);
}

const ReportDelta* Report::FindDelta(int subject, int task, absl::string_view metric) const {
  return Find(deltas, subject, task, metric);
}

const ReportCoverage& Report::CoverageOf(int subject, int task) const {
  return coverage[static_cast<size_t>(subject) * tasks.size() + static_cast<size_t>(task)];
}

absl::StatusOr<Report> BuildReport(const ReportInput& input, const ReportOptions& options) {
  ABSL_RETURN_IF_ERROR(CheckOptions(options));
  ABSL_ASSIGN_OR_RETURN(const Evidence evidence, Evidence::Collect(input));
  Report report;
  report.subjects = input.subjects;
  report.baseline = input.baseline;
  report.tasks = input.tasks;
  report.options = options;
  report.complete = true;
  const int subjects = static_cast<int>(input.subjects.size());
  const int tasks = static_cast<int>(input.tasks.size());
  for (int s = 0; s < subjects; ++s) {
    for (int t = 0; t < tasks; ++t) {
      report.coverage.push_back(evidence.coverage(s, t));
      report.complete =
          report.complete && report.coverage.back().scored == report.coverage.back().expected;
      for (size_t m = 0; m < evidence.metrics(t).size(); ++m) {
        const int metric = static_cast<int>(m);
        report.cells.push_back(
            MeasureCell(evidence, s, t, metric, input.tasks[t].samples, options));
        if (input.baseline < 0 || s == input.baseline) continue;
        report.deltas.push_back(MeasureDelta(evidence, input.baseline, s, t, metric, options));
      }
    }
  }
  for (int s = 0; s < subjects; ++s) {
    std::vector<ReportDelta*> own;
    for (ReportDelta& delta : report.deltas) {
      if (delta.subject == s) own.push_back(&delta);
    }
    AdjustDeltas(own);
  }
  for (int s = 0; s < subjects; ++s) report.labels.push_back(JudgeLabel(report, s));
  return report;
}

}  // namespace plumbline
