#include "core/jobs/job_report.h"

#include <utility>

#include "core/base/status_macros.h"
#include "core/jobs/gate_baseline.h"

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
    input.verdicts.push_back(
        {r.subject, r.task, r.key, r.sample, r.is_error, r.observations, r.too_long, r.extracted});
  }));
  return input;
}

absl::StatusOr<Report> BuildJobReport(JobStore& store, const Job& job,
                                      const ReportOptions& options) {
  ABSL_ASSIGN_OR_RETURN(ReportInput input, ReadReportInput(store, job));
  return BuildReport(input, options);
}

absl::StatusOr<GateResult> EvaluateJobGate(JobStore& store, ModelProvider* models, const Job& job,
                                           const GatePolicy& policy, const Report& report) {
  ABSL_ASSIGN_OR_RETURN(const auto comparisons, CompareWithBaseline(store, models, job, policy));
  return EvaluateGate(policy, report, comparisons);
}

absl::StatusOr<JobGate> EvaluateJobGate(JobStore& store, ModelProvider* models, const Job& job,
                                        const Report& report) {
  JobGate gate;
  if (job.spec.gate_policy.empty()) return gate;
  ABSL_ASSIGN_OR_RETURN(const GatePolicy policy, ParseGatePolicy(job.spec.gate_policy));
  ABSL_ASSIGN_OR_RETURN(GateResult result, EvaluateJobGate(store, models, job, policy, report));
  gate.status = result.status;
  gate.reasons = std::move(result.reasons);
  return gate;
}

}  // namespace plumbline
