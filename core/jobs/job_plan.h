// From a request to a job that can be created: resolves aliases and task names to versions, once.
#ifndef PLUMBLINE_CORE_JOBS_JOB_PLAN_H_
#define PLUMBLINE_CORE_JOBS_JOB_PLAN_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/eval/gate/gate_lint.h"
#include "core/eval/language_model.h"
#include "core/eval/task.h"
#include "core/jobs/job.h"
#include "core/jobs/task_provider.h"

namespace plumbline {

// Bounds of a request; beyond one is InvalidArgument, naming it.
struct JobLimits {
  int max_adapters = 64;
  int max_tasks = 64;
  int64_t max_verdicts = 1'000'000;  // subjects × prompts × samples
  int max_labels = 64;
  int max_gate_policy_bytes = 64 * 1024;
};

struct JobPlan {
  std::vector<PinnedSubject> subjects;  // [0] is the base
  std::vector<PinnedTask> tasks;
  int64_t total = 0;  // verdicts
  GatePlan gate;      // of the policy, held against this job; empty without one
  // What is held: while these live, the pinned versions stay in memory.
  std::vector<std::shared_ptr<LanguageModel>> models;    // by subject
  std::vector<std::shared_ptr<const Task>> task_values;  // by task
};

// Validates and pins. InvalidArgument names the field (counts, duplicates, ranges, the gate
// policy's text), or what the policy names and the job does not have; NotFound the model, adapter
// or task, and what there is instead. Changes nothing.
absl::StatusOr<JobPlan> PlanJob(const JobSpec& spec, const JobLimits& limits, ModelProvider& models,
                                TaskProvider& tasks);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_JOB_PLAN_H_
