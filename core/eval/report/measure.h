// From evidence to numbers: one cell, one paired delta, Holm's adjustment. Internal to
// core/eval/report.
#ifndef PLUMBLINE_CORE_EVAL_REPORT_MEASURE_H_
#define PLUMBLINE_CORE_EVAL_REPORT_MEASURE_H_

#include <vector>

#include "core/eval/report/evidence.h"
#include "core/eval/report/report.h"

namespace plumbline {

// `metric` indexes evidence.metrics(task); `samples` is the task's.
ReportCell MeasureCell(const Evidence& evidence, int subject, int task, int metric, int samples,
                       const ReportOptions& options);

// `subject` minus `baseline`; p_holm is left at 1.
ReportDelta MeasureDelta(const Evidence& evidence, int baseline, int subject, int task, int metric,
                         const ReportOptions& options);

// Fills p_holm of deltas that belong to one comparison: primaries among themselves, all scores
// among themselves (kept for those that are not primary), guards among themselves. Deltas without
// pairs take no part.
void AdjustDeltas(const std::vector<ReportDelta*>& deltas);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_REPORT_MEASURE_H_
