// Drift over time: a series of versions of one adapter, each against the first and against the one
// before it, on the same prompts. This is what `plumbline history` prints.
#ifndef PLUMBLINE_CORE_EVAL_REPORT_HISTORY_H_
#define PLUMBLINE_CORE_EVAL_REPORT_HISTORY_H_

#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/report/report.h"

namespace plumbline {

struct HistoryStep {
  int subject = 0;                    // index into ReportInput::subjects; the order is the series'
  std::vector<ReportCell> cells;      // its own scores
  std::vector<ReportDelta> to_first;  // empty for the first
  std::vector<ReportDelta> to_previous;
};

struct History {
  std::vector<HistoryStep> steps;
  Report to_first;  // the whole report with the first version as its baseline
};

// `input.subjects` is the series, oldest first; `input.baseline` is ignored. Holm's adjustment is
// over the tasks *and steps* of one comparison column (to_first, to_previous): a long series must
// not find a regression by looking often. Errors as BuildReport's.
absl::StatusOr<History> BuildHistory(const ReportInput& input, const ReportOptions& options = {});

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_REPORT_HISTORY_H_
