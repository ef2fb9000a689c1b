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

// A policy held against the job's report, with the baseline it names looked up in the store
// (core/jobs/gate_baseline.h). `models` may be null: then no alias outside the job is known.
absl::StatusOr<GateResult> EvaluateJobGate(JobStore& store, ModelProvider* models, const Job& job,
                                           const GatePolicy& policy, const Report& report);

// The same of the job's own policy (JobSpec::gate_policy), as it is stored. Status kUnspecified
// without a policy.
absl::StatusOr<JobGate> EvaluateJobGate(JobStore& store, ModelProvider* models, const Job& job,
                                        const Report& report);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_JOB_REPORT_H_
