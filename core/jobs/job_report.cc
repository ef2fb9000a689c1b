#include "core/jobs/job_report.h"

#include <utility>

#include "core/base/status_macros.h"

namespace plumbline {

absl::StatusOr<ReportInput> ReadReportInput(JobStore& store, const Job& job) {
  ReportInput input;
  for (const PinnedSubject& s : job.subjects) {
    input.subjects.push_back({job.spec.model, s.alias, s.version, s.nominal_target});
  }
  input.baseline = 0;
  for (const PinnedTask& t : job.tasks) {
    input.tasks.push_back({t.name, t.version, t.capability, t.metrics, t.items, t.samples});
  }
  input.verdicts.reserve(static_cast<size_t>(job.counts.done));
  ABSL_RETURN_IF_ERROR(store.ReadObservations(job.id, [&](const RecordedObservations& r) {
    input.verdicts.push_back({r.subject, r.task, r.key, r.sample, r.is_error, r.observations});
  }));
  return input;
}

absl::StatusOr<Report> BuildJobReport(JobStore& store, const Job& job,
                                      const ReportOptions& options) {
  ABSL_ASSIGN_OR_RETURN(ReportInput input, ReadReportInput(store, job));
  return BuildReport(input, options);
}

absl::StatusOr<JobGate> EvaluateJobGate(const JobSpec& spec, const Report& report) {
  JobGate gate;
  if (spec.gate_policy.empty()) return gate;
  ABSL_ASSIGN_OR_RETURN(GatePolicy policy, ParseGatePolicy(spec.gate_policy));
  GateResult result = EvaluateGate(policy, report);
  gate.status = result.status;
  gate.reasons = std::move(result.reasons);
  return gate;
}

}  // namespace plumbline
