// core -> proto: the report with its gate.
#ifndef PLUMBLINE_SERVER_CONVERT_REPORT_H_
#define PLUMBLINE_SERVER_CONVERT_REPORT_H_

#include <optional>

#include "core/eval/gate/gate.h"
#include "core/eval/report/groups.h"
#include "core/eval/report/report.h"
#include "core/jobs/job.h"
#include "plumbline/v1/evaluation.pb.h"

namespace plumbline {

// `report` was built from `job`'s verdicts: indices are equal. `gate` nothing: no policy.
v1::Report ToProto(const Job& job, const Report& report, const std::optional<GateResult>& gate);

// `group` was built from `job`'s verdicts too.
v1::TaskGroup ToProto(const ReportGroup& group, const Job& job);

v1::LabelVerdict ToProto(LabelVerdict verdict);

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_CONVERT_REPORT_H_
