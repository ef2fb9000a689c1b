#include "server/convert_report.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "server/convert_job.h"
#include "server/convert_model.h"
#include "server/utf8.h"

namespace plumbline {
namespace {

void Set(v1::Estimate* out, double value, double lower, double upper) {
  out->set_value(value);
  out->set_lower(lower);
  out->set_upper(upper);
}

v1::Cell ToProto(const ReportCell& cell, const Job& job) {
  v1::Cell out;
  out.set_adapter(job.subjects[cell.subject].alias);
  out.set_task(job.tasks[cell.task].name);
  out.set_metric(cell.metric);
  Set(out.mutable_estimate(), cell.value, cell.lower, cell.upper);
  out.set_n(cell.trials);
  out.set_prompts(cell.prompts);
  out.set_method(std::string(IntervalMethodName(cell.method)));
  out.set_primary(cell.primary);
  out.set_validity(cell.validity);
  if (cell.samples.has_value()) {
    v1::SampleStats* samples = out.mutable_samples();
    samples->set_samples(cell.samples->samples);
    samples->set_prompts(cell.samples->prompts);
    for (const double pass : cell.samples->pass_at) samples->add_pass_at(pass);
    samples->set_majority(cell.samples->majority);
    samples->set_consistency(cell.samples->consistency);
    if (cell.samples->voted.has_value()) samples->set_voted(*cell.samples->voted);
  }
  return out;
}

v1::Coverage ToProto(const ReportCoverage& coverage, const Job& job) {
  v1::Coverage out;
  out.set_adapter(job.subjects[coverage.subject].alias);
  out.set_task(job.tasks[coverage.task].name);
  out.set_expected(coverage.expected);
  out.set_scored(coverage.scored);
  out.set_errors(coverage.errors);
  out.set_too_long(coverage.too_long);
  out.set_missing(coverage.missing);
  return out;
}

v1::Delta ToProto(const ReportDelta& delta, const Job& job) {
  v1::Delta out;
  out.set_adapter(job.subjects[delta.subject].alias);
  out.set_task(job.tasks[delta.task].name);
  out.set_metric(delta.metric);
  Set(out.mutable_estimate(), delta.value, delta.lower, delta.upper);
  out.set_p_value(delta.p);
  out.set_p_adjusted(delta.p_holm);
  out.set_pairs(delta.pairs);
  out.set_gained(delta.gained);
  out.set_lost(delta.lost);
  out.set_primary(delta.primary);
  out.set_validity(delta.validity);
  return out;
}

v1::Drift DriftOf(const ReportLabel& label, const Job& job) {
  v1::Drift out;
  out.set_adapter(job.subjects[label.subject].alias);
  out.set_defined(label.drift.has_value());
  if (!label.drift.has_value()) return out;
  const ReportDrift& drift = *label.drift;
  Set(out.mutable_estimate(), drift.value, drift.lower, drift.upper);
  // Only drift itself is resampled: its two parts are points.
  Set(out.mutable_on_target_gain(), drift.on_target_gain, drift.on_target_gain,
      drift.on_target_gain);
  Set(out.mutable_off_target_gain(), drift.off_target_gain, drift.off_target_gain,
      drift.off_target_gain);
  return out;
}

v1::LabelResult LabelOf(const ReportLabel& label, const Job& job) {
  v1::LabelResult out;
  out.set_adapter(job.subjects[label.subject].alias);
  out.set_nominal_target(label.nominal_target);
  out.set_verdict(ToProto(label.verdict));
  for (const std::string& reason : label.reasons) out.add_reasons(ToValidUtf8(reason));
  return out;
}

v1::GateResult ToProto(const GateResult& gate, const Job& job) {
  v1::GateResult out;
  out.set_status(ToProto(gate.status));
  for (const std::string& reason : gate.reasons) out.add_reasons(ToValidUtf8(reason));
  for (const SubjectGate& subject : gate.subjects) {
    for (const GateCheck& check : subject.checks) {
      if (check.status != GateStatus::kPass) continue;  // among the reasons already
      const bool known =
          subject.subject >= 0 && subject.subject < static_cast<int>(job.subjects.size());
      const std::string who = known ? job.subjects[subject.subject].alias : "";
      out.add_reasons(ToValidUtf8(absl::StrCat(who.empty() ? "base" : who, ": ", check.message)));
    }
  }
  return out;
}

}  // namespace

v1::LabelVerdict ToProto(LabelVerdict verdict) {
  switch (verdict) {
    case LabelVerdict::kUnspecified:
      return v1::LABEL_VERDICT_UNSPECIFIED;
    case LabelVerdict::kSupported:
      return v1::LABEL_VERDICT_SUPPORTED;
    case LabelVerdict::kNotSupported:
      return v1::LABEL_VERDICT_NOT_SUPPORTED;
    case LabelVerdict::kContradicted:
      return v1::LABEL_VERDICT_CONTRADICTED;
    case LabelVerdict::kInconclusive:
      return v1::LABEL_VERDICT_INCONCLUSIVE;
  }
  return v1::LABEL_VERDICT_UNSPECIFIED;
}

v1::TaskGroup ToProto(const ReportGroup& group, const Job& job) {
  v1::TaskGroup out;
  out.set_task(job.tasks[group.task].name);
  out.set_by(ToValidUtf8(group.by));
  out.set_name(ToValidUtf8(group.name));
  for (const std::string& metric : group.headline) out.add_headline_metrics(metric);
  for (const ReportCell& cell : group.cells) *out.add_cells() = ToProto(cell, job);
  return out;
}

v1::Report ToProto(const Job& job, const Report& report, const std::optional<GateResult>& gate) {
  v1::Report out;
  out.set_job_id(job.id);
  out.set_model(job.spec.model);
  for (const PinnedSubject& subject : job.subjects) *out.add_subjects() = ToProto(subject);
  for (const PinnedTask& task : job.tasks) *out.add_tasks() = ToProto(task);
  for (const ReportCell& cell : report.cells) *out.add_cells() = ToProto(cell, job);
  for (const ReportCoverage& c : report.coverage) *out.add_coverage() = ToProto(c, job);
  for (const ReportDelta& delta : report.deltas) *out.add_deltas() = ToProto(delta, job);
  for (const ReportLabel& label : report.labels) {
    if (label.subject == report.baseline) continue;
    *out.add_drifts() = DriftOf(label, job);
    *out.add_labels() = LabelOf(label, job);
  }
  if (gate.has_value()) *out.mutable_gate() = ToProto(*gate, job);
  out.set_partial(!IsTerminal(job.state) || job.counts.done < job.counts.total);
  out.set_done_verdicts(job.counts.done);
  out.set_total_verdicts(job.counts.total);
  out.set_error_verdicts(job.counts.errors);
  if (!job.subjects.empty()) {
    *out.mutable_numerics() = ToProto(job.subjects[0].numerics);
    out.set_model_version(job.subjects[0].model_version);
  }
  *out.mutable_create_time() = ToProto(job.created);
  return out;
}

}  // namespace plumbline
