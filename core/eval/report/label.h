// Drift and label verdict of one adapter, from its deltas. The rules are stated at LabelVerdict in
// report.h. Internal to core/eval/report.
#ifndef PLUMBLINE_CORE_EVAL_REPORT_LABEL_H_
#define PLUMBLINE_CORE_EVAL_REPORT_LABEL_H_

#include "core/eval/report/report.h"

namespace plumbline {

// `report` has its coverage and deltas already.
ReportLabel JudgeLabel(const Report& report, int subject);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_REPORT_LABEL_H_
