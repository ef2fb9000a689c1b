// The report and the gate of a job, always computed from its recorded verdicts: a running job has a
// partial report, a finished one the same report after every restart.
#ifndef PLUMBLINE_CORE_JOBS_JOB_REPORT_H_
#define PLUMBLINE_CORE_JOBS_JOB_REPORT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/gate/gate.h"
#include "core/eval/report/report.h"
#include "core/jobs/job.h"
#include "core/jobs/job_store.h"

namespace plumbline {

// What BuildReport needs of a job: subjects and tasks in the job's order (indices are equal), the
// base as baseline, and every verdict recorded so far, from one snapshot.
absl::StatusOr<ReportInput> ReadReportInput(JobStore& store, const Job& job);

// ReadReportInput, then BuildReport.
absl::StatusOr<Report> BuildJobReport(JobStore& store, const Job& job,
                                      const ReportOptions& options = {});

// The job's own policy (JobSpec::gate_policy) held against its report. Status kUnspecified without
// a policy.
absl::StatusOr<JobGate> EvaluateJobGate(const JobSpec& spec, const Report& report);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_JOB_REPORT_H_
