#include "core/jobs/job_plan.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/gate/gate_lint.h"
#include "core/jobs/job_check.h"

namespace plumbline {
namespace {

template <typename Size, typename Bound>
absl::Status CheckBound(Size size, Bound bound, absl::string_view field, absl::string_view unit) {
  if (static_cast<int64_t>(size) <= static_cast<int64_t>(bound)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", size, " ", unit, ", at most ", bound, " are allowed"));
}

absl::Status CheckNames(const std::vector<std::string>& names, absl::string_view field) {
  std::set<std::string> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) {
      return absl::InvalidArgumentError(absl::StrCat(field, "[", i, "] is empty"));
    }
    if (!seen.insert(names[i]).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, "[", i, "]: \"", names[i], "\" is named twice"));
    }
  }
  return absl::OkStatus();
}

// The base and the adapters; refuses two columns that could not be told apart.
absl::Status PinSubjects(const JobSpec& spec, ModelProvider& provider, JobPlan& plan) {
  std::set<std::string> aliases;
  for (size_t i = 0; i <= spec.adapters.size(); ++i) {
    const std::string wanted = i == 0 ? "" : spec.adapters[i - 1];
    ABSL_ASSIGN_OR_RETURN(std::shared_ptr<LanguageModel> model, provider.Pin(spec.model, wanted));
    const ModelIdentity& identity = model->identity();
    PinnedSubject subject{identity.adapter, identity.adapter_version, identity.nominal_target,
                          identity.numerics, identity.model_version};
    if (i > 0 && subject.version.empty()) {
      return absl::InternalError(
          absl::StrCat("pinning adapter \"", wanted, "\" gave the base model"));
    }
    // A version that no alias points to is shown by the start of its hash.
    if (i > 0 && subject.alias.empty()) subject.alias = subject.version.substr(0, 12);
    if (!aliases.insert(subject.alias).second) {
      return absl::InvalidArgumentError(absl::StrCat("adapters[", i - 1, "]: \"", wanted,
                                                     "\" is \"", subject.alias,
                                                     "\", which the job has already"));
    }
    plan.subjects.push_back(std::move(subject));
    plan.models.push_back(std::move(model));
  }
  return absl::OkStatus();
}

absl::Status PinTasks(const JobSpec& spec, TaskProvider& provider, JobPlan& plan) {
  for (const std::string& name : spec.tasks) {
    ABSL_ASSIGN_OR_RETURN(std::shared_ptr<const Task> task, provider.Current(name));
    int items = static_cast<int>(task->items.size());
    if (spec.sample_limit.has_value()) items = std::min(items, *spec.sample_limit);
    plan.tasks.push_back(
        {task->name, task->version, task->capability, task->metrics, items, task->samples});
    plan.task_values.push_back(std::move(task));
  }
  return absl::OkStatus();
}

// What a policy can be held against.
GateScope ScopeOf(const JobPlan& plan) {
  GateScope scope;
  for (size_t t = 0; t < plan.tasks.size(); ++t) {
    const PinnedTask& task = plan.tasks[t];
    scope.tasks.push_back(
        {task.name, task.capability, task.items, VerdictMetrics(*plan.task_values[t])});
  }
  for (size_t s = 1; s < plan.subjects.size(); ++s)
    scope.subjects.push_back({plan.subjects[s].alias, plan.subjects[s].nominal_target});
  return scope;
}

// Counts, duplicates and ranges.
absl::Status ValidateJobSpec(const JobSpec& spec, const JobLimits& limits) {
  if (spec.model.empty()) return absl::InvalidArgumentError("model is empty");
  if (spec.tasks.empty()) return absl::InvalidArgumentError("tasks is empty; name at least one");
  ABSL_RETURN_IF_ERROR(
      CheckBound(spec.adapters.size(), limits.max_adapters, "adapters", "adapters"));
  ABSL_RETURN_IF_ERROR(CheckBound(spec.tasks.size(), limits.max_tasks, "tasks", "tasks"));
  ABSL_RETURN_IF_ERROR(CheckBound(spec.labels.size(), limits.max_labels, "labels", "labels"));
  ABSL_RETURN_IF_ERROR(
      CheckBound(spec.gate_policy.size(), limits.max_gate_policy_bytes, "gate_policy", "bytes"));
  ABSL_RETURN_IF_ERROR(CheckNames(spec.adapters, "adapters"));
  ABSL_RETURN_IF_ERROR(CheckNames(spec.tasks, "tasks"));
  if (spec.sample_limit.has_value() && *spec.sample_limit <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("limit is ", *spec.sample_limit, ", want 1 or more"));
  }
  if (spec.priority < -100 || spec.priority > 100) {
    return absl::InvalidArgumentError(
        absl::StrCat("priority is ", spec.priority, ", want -100 to 100"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JobPlan> PlanJob(const JobSpec& spec, const JobLimits& limits, ModelProvider& models,
                                TaskProvider& tasks) {
  ABSL_RETURN_IF_ERROR(ValidateJobSpec(spec, limits));
  std::optional<GatePolicy> policy;
  if (!spec.gate_policy.empty()) {
    absl::StatusOr<GatePolicy> parsed = ParseGatePolicy(spec.gate_policy);
    if (!parsed.ok()) return Annotate(parsed.status(), "gate_policy");
    policy = *std::move(parsed);
  }
  JobPlan plan;
  ABSL_RETURN_IF_ERROR(PinSubjects(spec, models, plan));
  ABSL_RETURN_IF_ERROR(PinTasks(spec, tasks, plan));
  plan.total = PlannedVerdicts(plan.subjects, plan.tasks);
  ABSL_RETURN_IF_ERROR(CheckBound(plan.total, limits.max_verdicts, "job", "verdicts"));
  if (policy.has_value()) {
    absl::StatusOr<GatePlan> gate = PlanGate(*policy, ScopeOf(plan));
    if (!gate.ok()) return Annotate(gate.status(), "gate_policy");
    plan.gate = *std::move(gate);
  }
  return plan;
}

}  // namespace plumbline
