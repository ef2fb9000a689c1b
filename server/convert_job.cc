#include "server/convert_job.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "server/convert_model.h"
#include "server/status_conversion.h"
#include "server/utf8.h"

namespace plumbline {

JobSpec FromProto(const v1::CreateJobRequest& request) {
  JobSpec spec;
  spec.model = request.model();
  spec.adapters.assign(request.adapters().begin(), request.adapters().end());
  spec.tasks.assign(request.tasks().begin(), request.tasks().end());
  if (request.limit() > 0) spec.sample_limit = request.limit();
  if (request.has_seed()) spec.seed = request.seed();
  spec.gate_policy = request.gate_policy();
  spec.priority = request.priority();
  spec.display_name = request.display_name();
  return spec;
}

v1::JobState ToProto(JobState state) {
  switch (state) {
    case JobState::kPending:
      return v1::JOB_STATE_PENDING;
    case JobState::kRunning:
      return v1::JOB_STATE_RUNNING;
    case JobState::kSucceeded:
      return v1::JOB_STATE_SUCCEEDED;
    case JobState::kFailed:
      return v1::JOB_STATE_FAILED;
    case JobState::kCancelled:
      return v1::JOB_STATE_CANCELLED;
  }
  return v1::JOB_STATE_UNSPECIFIED;
}

bool FromProto(v1::JobState state, JobState* out) {
  for (const JobState candidate : {JobState::kPending, JobState::kRunning, JobState::kSucceeded,
                                   JobState::kFailed, JobState::kCancelled}) {
    if (ToProto(candidate) == state) {
      *out = candidate;
      return true;
    }
  }
  return false;
}

v1::GateStatus ToProto(GateStatus status) {
  switch (status) {
    case GateStatus::kUnspecified:
      return v1::GATE_STATUS_UNSPECIFIED;
    case GateStatus::kPass:
      return v1::GATE_STATUS_PASS;
    case GateStatus::kFail:
      return v1::GATE_STATUS_FAIL;
    case GateStatus::kInconclusive:
      return v1::GATE_STATUS_INCONCLUSIVE;
  }
  return v1::GATE_STATUS_UNSPECIFIED;
}

v1::Subject ToProto(const PinnedSubject& subject) {
  v1::Subject out;
  out.set_adapter(subject.alias);
  out.set_adapter_version(subject.version);
  out.set_nominal_target(subject.nominal_target);
  return out;
}

v1::PinnedTask ToProto(const PinnedTask& task) {
  v1::PinnedTask out;
  out.set_name(task.name);
  out.set_version(task.version);
  out.set_capability(task.capability);
  out.set_prompts(task.items);
  out.set_samples(task.samples);
  return out;
}

v1::Job ToProto(const Job& job) {
  v1::Job out;
  out.set_id(job.id);
  out.set_request_id(job.request_id);
  out.set_display_name(job.spec.display_name);
  out.set_model(job.spec.model);
  for (const PinnedSubject& subject : job.subjects) *out.add_subjects() = ToProto(subject);
  for (const PinnedTask& task : job.tasks) *out.add_tasks() = ToProto(task);
  out.set_state(ToProto(job.state));
  out.set_total_verdicts(job.counts.total);
  out.set_done_verdicts(job.counts.done);
  out.set_error_verdicts(job.counts.errors);
  out.set_last_sequence(job.last_sequence);
  *out.mutable_create_time() = ToProto(job.created);
  if (job.started != absl::InfinitePast()) *out.mutable_start_time() = ToProto(job.started);
  if (job.finished != absl::InfinitePast()) *out.mutable_end_time() = ToProto(job.finished);
  if (job.state == JobState::kFailed) {
    *out.mutable_error() = ToRpcStatus(WithReason(job.error, "JOB_FAILED"));
  }
  out.set_gate_status(ToProto(job.gate.status));
  out.set_priority(job.spec.priority);
  out.set_limit(job.spec.sample_limit.value_or(0));
  if (!job.subjects.empty()) {
    *out.mutable_numerics() = ToProto(job.subjects[0].numerics);
    out.set_model_version(job.subjects[0].model_version);
  }
  return out;
}

v1::Job ToProto(const JobPlan& plan, const v1::CreateJobRequest& request) {
  v1::Job out;
  out.set_request_id(request.request_id());
  out.set_display_name(request.display_name());
  out.set_model(request.model());
  for (const PinnedSubject& subject : plan.subjects) *out.add_subjects() = ToProto(subject);
  for (const PinnedTask& task : plan.tasks) *out.add_tasks() = ToProto(task);
  out.set_total_verdicts(plan.total);
  for (const std::string& rule : plan.gate.rules) out.add_gate_rules(ToValidUtf8(rule));
  for (const std::string& warning : plan.gate.warnings) out.add_gate_warnings(ToValidUtf8(warning));
  out.set_priority(request.priority());
  out.set_limit(request.limit());
  if (!plan.subjects.empty()) {
    *out.mutable_numerics() = ToProto(plan.subjects[0].numerics);
    out.set_model_version(plan.subjects[0].model_version);
  }
  return out;
}

v1::Verdict ToProto(const Verdict& verdict, const Job& job) {
  v1::Verdict out;
  out.set_sequence(verdict.sequence);
  const PinnedSubject& subject = job.subjects.at(verdict.subject);
  out.set_adapter(subject.alias);
  out.set_adapter_version(subject.version);
  out.set_task(job.tasks.at(verdict.task).name);
  out.set_key(ToValidUtf8(verdict.key));
  out.set_sample(verdict.sample);
  *out.mutable_numerics() = ToProto(verdict.numerics);
  *out.mutable_commit_time() = ToProto(verdict.committed);
  out.set_checker(verdict.checker_version);
  out.set_model_version(subject.model_version);
  if (!verdict.error.ok()) {
    *out.mutable_error() = ToRpcStatus(WithReason(verdict.error, "EXECUTION_ERROR"));
    return out;
  }
  out.set_response(ToValidUtf8(verdict.response));
  out.set_finish_reason(ToProto(verdict.finish_reason));
  out.set_prompt_tokens(verdict.prompt_tokens);
  out.set_completion_tokens(verdict.completion_tokens);
  for (const Observation& observation : verdict.observations) {
    v1::Observation* o = out.add_observations();
    o->set_metric(observation.metric);
    o->set_successes(observation.successes);
    o->set_trials(observation.trials);
    o->set_among(observation.among);
    o->set_vote(ToValidUtf8(observation.vote));
  }
  for (const CheckOutcome& outcome : verdict.outcomes) {
    v1::CheckOutcome* o = out.add_outcomes();
    o->set_id(ToValidUtf8(outcome.id));
    o->set_strict(outcome.strict);
    o->set_loose(outcome.loose);
    o->set_strict_fixed(outcome.strict_fixed);
    o->set_loose_fixed(outcome.loose_fixed);
    o->set_explanation(ToValidUtf8(outcome.explanation));
  }
  for (const LogLikelihood& choice : verdict.choices) {
    v1::ChoiceScore* c = out.add_choices();
    c->set_log_likelihood(choice.sum);
    c->set_is_greedy(choice.is_greedy);
    c->set_tokens(choice.tokens);
  }
  out.set_extracted(ToValidUtf8(verdict.extracted));
  out.set_passed(verdict.passed);
  return out;
}

v1::JobEvent ToProto(const JobEvent& event, const Job& job) {
  v1::JobEvent out;
  out.set_sequence(event.sequence);
  switch (event.kind) {
    case JobEvent::Kind::kVerdict:
      *out.mutable_verdict() = ToProto(*event.verdict, job);
      break;
    case JobEvent::Kind::kHeartbeat:
      out.mutable_heartbeat();
      break;
    case JobEvent::Kind::kStateChange:
    case JobEvent::Kind::kTerminal: {
      Job then = job;
      then.state = event.state;
      then.error = event.error;
      then.gate = event.gate;
      then.last_sequence = event.sequence;
      if (event.state == JobState::kPending) then.started = absl::InfinitePast();
      if (!IsTerminal(event.state)) then.finished = absl::InfinitePast();
      *out.mutable_state_change() = ToProto(then);
      break;
    }
  }
  return out;
}

v1::JobEvent Heartbeat(int64_t last_sequence) {
  v1::JobEvent out;
  out.set_sequence(last_sequence);
  out.mutable_heartbeat();
  return out;
}

std::string RenderForPeople(const Prompt& prompt) {
  if (prompt.format == PromptFormat::kPlain) return ToValidUtf8(prompt.text);
  if (prompt.messages.size() == 1) return ToValidUtf8(prompt.messages[0].content);
  std::string out;
  for (const ChatMessage& message : prompt.messages) {
    absl::StrAppend(&out, out.empty() ? "" : "\n\n", message.role, ": ", message.content);
  }
  return ToValidUtf8(out);
}

}  // namespace plumbline
