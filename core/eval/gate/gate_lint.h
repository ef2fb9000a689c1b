// What a policy says before anything was measured: its rules in words, what in it looks like a
// slip, and, against the job it is meant for, the names that the job does not have. A gate that
// nothing can pass should be known when it is written, not when the job has run.
#ifndef PLUMBLINE_CORE_EVAL_GATE_GATE_LINT_H_
#define PLUMBLINE_CORE_EVAL_GATE_GATE_LINT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/gate/gate.h"

namespace plumbline {

// The job a policy is to be held against.
struct GateScope {
  struct Task {
    std::string name;
    std::string capability;
    int64_t prompts = 0;
    // Every metric its verdicts will have, validity guards included; not empty, the primary first.
    std::vector<std::string> metrics;
  };
  struct Subject {
    std::string adapter;  // alias
    std::string nominal_target;
  };
  std::vector<Task> tasks;
  std::vector<Subject> subjects;  // adapters; the base is not among them
};

struct GatePlan {
  std::vector<std::string> rules;     // in words, one for each task and metric it is held against
  std::vector<std::string> warnings;  // what cannot pass, always passes or says nothing
};

// The policy by itself: "*" stays "*".
GatePlan DescribeGate(const GatePolicy& policy);

// The policy against a job. InvalidArgument: a task, metric or subject that the job does not have,
// with the line, the nearest name and those there are.
absl::StatusOr<GatePlan> PlanGate(const GatePolicy& policy, const GateScope& scope);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_GATE_GATE_LINT_H_
