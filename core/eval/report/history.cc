#include "core/eval/report/history.h"

#include "core/base/status_macros.h"
#include "core/eval/report/evidence.h"
#include "core/eval/report/measure.h"

namespace plumbline {

absl::StatusOr<History> BuildHistory(const ReportInput& input, const ReportOptions& options) {
  ReportInput against_first = input;
  against_first.baseline = 0;
  History history;
  ABSL_ASSIGN_OR_RETURN(history.to_first, BuildReport(against_first, options));
  ABSL_ASSIGN_OR_RETURN(const Evidence evidence, Evidence::Collect(against_first));
  std::vector<ReportDelta*> to_first, to_previous;
  history.steps.resize(input.subjects.size());
  for (size_t s = 0; s < input.subjects.size(); ++s) {
    HistoryStep& step = history.steps[s];
    const int subject = static_cast<int>(s);
    step.subject = subject;
    for (const ReportCell& cell : history.to_first.cells) {
      if (cell.subject == subject) step.cells.push_back(cell);
    }
    if (s == 0) continue;
    for (const ReportDelta& delta : history.to_first.deltas) {
      if (delta.subject == subject) step.to_first.push_back(delta);
    }
    for (size_t t = 0; t < input.tasks.size(); ++t) {
      const int task = static_cast<int>(t);
      for (size_t m = 0; m < evidence.metrics(task).size(); ++m) {
        step.to_previous.push_back(
            MeasureDelta(evidence, subject - 1, subject, task, static_cast<int>(m), options));
      }
    }
    for (ReportDelta& delta : step.to_first) to_first.push_back(&delta);
    for (ReportDelta& delta : step.to_previous) to_previous.push_back(&delta);
  }
  AdjustDeltas(to_first);
  AdjustDeltas(to_previous);
  return history;
}

}  // namespace plumbline
