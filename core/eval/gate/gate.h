// The gate: a policy (a YAML file, docs/gate.md) held against a report gives PASS, FAIL or
// INCONCLUSIVE and every reason. The one idea: PASS needs proof. A rule passes only when the
// interval lies on the good side of its limit, fails only when the data show that the requirement
// is not met, and is inconclusive otherwise; an execution error, a missing prompt or a missing
// metric can never lead to PASS.
//
// Without a policy there is no gate: its status is UNSPECIFIED, which is not a pass.
#ifndef PLUMBLINE_CORE_EVAL_GATE_GATE_H_
#define PLUMBLINE_CORE_EVAL_GATE_GATE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/report/report.h"

namespace plumbline {

enum class GateStatus { kUnspecified, kPass, kFail, kInconclusive };
// "UNSPECIFIED", "PASS", "FAIL", "INCONCLUSIVE".
absl::string_view GateStatusName(GateStatus status);

// Which number of a cell a floor is held against.
enum class FloorBound {
  kLower,  // the interval: PASS when its lower limit reaches the floor, FAIL when the score is
           // significantly below it
  kPoint,  // the score itself, without regard to its uncertainty: PASS or FAIL
};

// In every rule, an empty metric stands for the task's primary, and task "*" for each task of the
// report (with a metric named: each task in which any subject has it). `line` is the rule's place
// in the file; 0: not from one.
struct FloorRule {
  std::string task;
  std::string metric;
  double at_least = 0;  // in [0, 1]
  FloorBound using_bound = FloorBound::kLower;
  int line = 0;
};
struct NonInferiorityRule {
  std::string task;
  std::string metric;
  double margin = 0;  // >= 0: the loss against the baseline that is still acceptable, in shares
  int line = 0;
};
// A validity guard of the subject. It is a fact about this run, not an estimate: the share itself
// is held against at_most, in [0, 1], and the rule is PASS or FAIL.
struct ValidityRule {
  std::string task;
  std::string metric;
  double at_most = 0;
  int line = 0;
};
// What non-inferiority is held against.
struct GateBaseline {
  enum Kind {
    kReport,   // the report's own baseline: the base model, in the same job
    kAlias,    // the version an adapter's alias points to when the gate is evaluated
    kVersion,  // an adapter version: the start (8 hex digits or more) of its SHA-256
    kJob,      // a subject of an earlier job
  } kind = kReport;
  std::string name;     // alias, version or job id
  std::string adapter;  // kVersion: also its alias ("name@version"); kJob: the subject's alias,
                        // "base" for the base; empty: the alias of the adapter that is judged
};

struct RequiredTask {
  std::string task;
  int64_t min_prompts = 1;  // scored prompts the subject must have
  int line = 0;
};

struct GatePolicy {
  std::string name;  // shown in results; may be empty
  std::vector<std::string>
      subjects;  // adapter aliases it judges; empty: every subject but the baseline
  std::vector<RequiredTask> require_tasks;
  std::vector<FloorRule> floors;
  GateBaseline baseline;  // of non_inferiority
  std::vector<NonInferiorityRule> non_inferiority;
  // The subject's label verdict must be one of these; empty: no such rule. Never INCONCLUSIVE or
  // UNSPECIFIED.
  std::vector<LabelVerdict> accept_labels;
  std::vector<ValidityRule> validity;
};

// Parses a policy file. InvalidArgument names line and key: unknown keys, wrong types, values out
// of range, a rule without its limit, an unknown verdict name, two rules of one section for the
// same task and metric, a policy without any rule.
absl::StatusOr<GatePolicy> ParseGatePolicy(absl::string_view yaml);

// One rule held against one subject.
struct GateCheck {
  std::string
      rule;       // "floor", "non_inferiority", "label", "validity", "require_task", "completeness"
  int task = -1;  // index into the report's tasks; -1: not about one task
  std::string metric;
  GateStatus status = GateStatus::kUnspecified;
  std::string message;  // a sentence with the numbers
};

struct SubjectGate {
  int subject = 0;
  GateStatus status = GateStatus::kUnspecified;
  std::vector<GateCheck> checks;  // all of them, passed ones too
};

// How one subject of a report compares with a baseline that is not the report's own: on the same
// prompts of the same task versions. Who makes it: core/jobs/gate_baseline.h.
struct GateComparison {
  std::string baseline;    // for people: "adapter prod (1a2b3c4d5e6f) of job-..."
  bool is_itself = false;  // the baseline is this very subject of this very job: nothing to show
  // Not empty: there is nothing to compare with, and why, with the remedy.
  std::string problem;
  std::vector<std::string>
      task_problems;                     // by task of the report; the same for one task; may be ""
  std::vector<ReportDelta> deltas;       // subject minus baseline; `task` indexes the report's
  std::vector<ReportCoverage> coverage;  // of the baseline, by task
};

struct GateResult {
  std::string policy;  // its name
  GateStatus status =
      GateStatus::kUnspecified;  // the worst of the subjects': FAIL, INCONCLUSIVE, PASS
  std::vector<SubjectGate> subjects;
  std::vector<std::string> reasons;  // every check that is not a pass, FAIL first: "alias: message"
};

// FAIL decisions of floors (using lower) and non-inferiority are Holm-adjusted over all such rules
// and subjects of the gate, at one-sided level (1 - confidence) / 2, so that a gate of many rules
// does not fail a good adapter by chance; PASS needs every rule, so it needs no adjustment. Missing
// evidence is INCONCLUSIVE: an execution error or a missing prompt of the subject or the baseline
// in any task; a rule for a task or metric that the report lacks; a subject named in the policy
// that the report lacks; nobody to judge.
//
// `comparisons`, by subject of the report, are needed where policy.baseline is not kReport: a
// subject without one is INCONCLUSIVE. A subject that is the baseline itself is not judged unless
// the policy names it, and then INCONCLUSIVE.
GateResult EvaluateGate(const GatePolicy& policy, const Report& report,
                        const std::map<int, GateComparison>& comparisons = {});

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_GATE_GATE_H_
