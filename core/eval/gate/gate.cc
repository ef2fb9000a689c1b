#include "core/eval/gate/gate.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/eval/stats/equivalence.h"
#include "core/eval/stats/paired_test.h"
#include "core/eval/stats/proportion.h"

namespace plumbline {
namespace {

// A check whose FAIL waits for Holm's adjustment over the whole gate.
struct PendingFail {
  size_t subject = 0;  // indices into GateResult::subjects and its checks
  size_t check = 0;
  double p = 1;  // of "the requirement is met"
};

std::string SubjectName(const ReportSubject& s) { return s.adapter.empty() ? s.model : s.adapter; }

// Holds one policy against one report.
class Evaluation {
 public:
  Evaluation(const GatePolicy& policy, const Report& report,
             const std::map<int, GateComparison>& comparisons)
      : policy_(policy), report_(report), comparisons_(comparisons) {}

  GateResult Run() {
    result_.policy = policy_.name;
    for (int subject : Judged()) {
      result_.subjects.push_back({subject});
      CheckCompleteness();
      CheckRequiredTasks();
      CheckFloors();
      CheckNonInferiority();
      CheckLabel();
      CheckValidity();
    }
    DecideFails();
    Conclude();
    return std::move(result_);
  }

 private:
  std::vector<int> Judged() {
    std::vector<int> judged;
    const int n = static_cast<int>(report_.subjects.size());
    for (int s = 0; s < n; ++s) {
      const std::string& alias = report_.subjects[s].adapter;
      const bool named = std::find(policy_.subjects.begin(), policy_.subjects.end(), alias) !=
                         policy_.subjects.end();
      const auto comparison = comparisons_.find(s);
      const bool baseline = s == report_.baseline ||
                            (comparison != comparisons_.end() && comparison->second.is_itself);
      if (policy_.subjects.empty() ? !baseline : !alias.empty() && named) judged.push_back(s);
    }
    for (const std::string& alias : policy_.subjects) {
      const bool present = std::any_of(report_.subjects.begin(), report_.subjects.end(),
                                       [&](const ReportSubject& s) { return s.adapter == alias; });
      if (!present) absent_.push_back(absl::StrCat(alias, ": the report has no such adapter"));
    }
    if (judged.empty() && absent_.empty())
      absent_.push_back("the report has no subject to judge but the baseline");
    return judged;
  }

  int subject() const { return result_.subjects.back().subject; }

  void Add(absl::string_view rule, int task, absl::string_view metric, GateStatus status,
           std::string message) {
    result_.subjects.back().checks.push_back(
        {std::string(rule), task, std::string(metric), status, std::move(message)});
  }

  // For a check just added that passes or is inconclusive: FAIL if `p` stands Holm's adjustment.
  void FailIfShown(double p) {
    pending_.push_back({result_.subjects.size() - 1, result_.subjects.back().checks.size() - 1, p});
  }

  // The tasks and metrics a rule speaks of. An inconclusive check stands for a rule that speaks of
  // nothing.
  std::vector<std::pair<int, std::string>> Resolve(absl::string_view rule, const std::string& task,
                                                   const std::string& metric) {
    std::vector<std::pair<int, std::string>> found;
    for (size_t t = 0; t < report_.tasks.size(); ++t) {
      const std::string& name = metric.empty() ? report_.tasks[t].metrics[0] : metric;
      const int index = static_cast<int>(t);
      // "*" speaks of tasks that have the metric; a task named must have it, and is found wanting
      // later.
      if (report_.tasks[t].name == task || (task == "*" && HasMetric(index, name)))
        found.emplace_back(index, name);
    }
    if (found.empty()) {
      Add(rule, -1, metric, GateStatus::kInconclusive,
          task == "*"
              ? absl::StrCat("no task of the report has ", metric.empty() ? "a score" : metric)
              : absl::StrCat("the report has no task ", task));
    }
    return found;
  }

  bool HasMetric(int task, absl::string_view metric) const {
    return report_.FindCell(0, task, metric) != nullptr;  // cells exist for every subject alike
  }

  // The cell, or an inconclusive check and null.
  const ReportCell* Cell(absl::string_view rule, int task, const std::string& metric) {
    const ReportCell* cell = report_.FindCell(subject(), task, metric);
    if (cell != nullptr && cell->trials > 0) return cell;
    Add(rule, task, metric, GateStatus::kInconclusive,
        absl::StrCat(report_.tasks[task].name, ": ", metric, " was not measured"));
    return nullptr;
  }

  std::string Place(int task, absl::string_view metric) const {
    return absl::StrCat(report_.tasks[task].name, " ", metric);
  }

  void CheckCompleteness() {
    bool complete = true;
    std::vector<int> whose = {subject()};
    if (report_.baseline >= 0 && report_.baseline != subject()) whose.push_back(report_.baseline);
    for (size_t t = 0; t < report_.tasks.size(); ++t) {
      for (int s : whose) {
        const ReportCoverage& c = report_.CoverageOf(s, static_cast<int>(t));
        if (c.scored == c.expected) continue;
        complete = false;
        Add("completeness", static_cast<int>(t), "", GateStatus::kInconclusive,
            absl::StrFormat("%s: %s has %d of %d responses scored, %d execution errors, %d missing",
                            report_.tasks[t].name, SubjectName(report_.subjects[s]), c.scored,
                            c.expected, c.errors, c.missing));
      }
    }
    if (complete)
      Add("completeness", -1, "", GateStatus::kPass, "every prompt of every task was scored");
  }

  void CheckRequiredTasks() {
    for (const RequiredTask& required : policy_.require_tasks) {
      for (const auto& [task, metric] : Resolve("require_task", required.task, "")) {
        const ReportCell* cell = Cell("require_task", task, metric);
        if (cell == nullptr) continue;
        Add("require_task", task, metric,
            cell->prompts >= required.min_prompts ? GateStatus::kPass : GateStatus::kInconclusive,
            absl::StrFormat("%s: %d prompts scored, want at least %d", required.task, cell->prompts,
                            required.min_prompts));
      }
    }
  }

  void CheckFloors() {
    for (const FloorRule& floor : policy_.floors) {
      for (const auto& [task, metric] : Resolve("floor", floor.task, floor.metric)) {
        const ReportCell* cell = Cell("floor", task, metric);
        if (cell == nullptr) continue;
        if (floor.using_bound == FloorBound::kPoint) {
          Add("floor", task, metric,
              cell->value >= floor.at_least ? GateStatus::kPass : GateStatus::kFail,
              absl::StrFormat("%s: %.4f, want at least %g", Place(task, metric), cell->value,
                              floor.at_least));
          continue;
        }
        Add("floor", task, metric,
            cell->lower >= floor.at_least ? GateStatus::kPass : GateStatus::kInconclusive,
            absl::StrFormat("%s: %.4f (%.4f to %.4f), want its lower limit at least %g",
                            Place(task, metric), cell->value, cell->lower, cell->upper,
                            floor.at_least));
        FailIfShown(
            ShareBelowP(cell->value * cell->effective_n, cell->effective_n, floor.at_least));
      }
    }
  }

  // The comparison with a baseline that is not the report's own; null: there is none to use.
  const GateComparison* Comparison() const {
    const auto found = comparisons_.find(subject());
    return found == comparisons_.end() ? nullptr : &found->second;
  }

  // Why the subject can't be compared at all; empty: it can.
  std::string ComparisonProblem() const {
    if (policy_.baseline.kind == GateBaseline::kReport) return "";
    const GateComparison* comparison = Comparison();
    if (comparison == nullptr) return "the policy's baseline was not looked up";
    if (comparison->is_itself)
      return "the policy's baseline is this adapter itself; name the others under \"subjects\"";
    return comparison->problem;
  }

  void CheckNonInferiority() {
    if (policy_.non_inferiority.empty()) return;
    const std::string problem = ComparisonProblem();
    if (!problem.empty()) return Add("non_inferiority", -1, "", GateStatus::kInconclusive, problem);
    const bool own = policy_.baseline.kind == GateBaseline::kReport;
    for (const NonInferiorityRule& rule : policy_.non_inferiority) {
      for (const auto& [task, metric] : Resolve("non_inferiority", rule.task, rule.metric)) {
        if (!own) CheckBaselineCoverage(*Comparison(), task);
        CheckMargin(task, metric, rule.margin, own ? nullptr : Comparison());
      }
    }
  }

  // Once a task: the baseline's evidence on it is whole.
  void CheckBaselineCoverage(const GateComparison& comparison, int task) {
    if (!covered_.insert({subject(), task}).second) return;
    const std::string& problem = comparison.task_problems[task];
    const ReportCoverage& c = comparison.coverage[task];
    if (problem.empty() && c.scored == c.expected) return;
    Add("completeness", task, "", GateStatus::kInconclusive,
        !problem.empty()
            ? absl::StrCat(report_.tasks[task].name, ": ", problem)
            : absl::StrFormat(
                  "%s: the baseline, %s, has %d of %d responses scored, %d execution errors, %d "
                  "missing",
                  report_.tasks[task].name, comparison.baseline, c.scored, c.expected, c.errors,
                  c.missing));
  }

  // `comparison` null: against the report's own baseline.
  void CheckMargin(int task, const std::string& metric, double margin,
                   const GateComparison* comparison) {
    const ReportDelta* delta = nullptr;
    if (comparison == nullptr) {
      delta = report_.FindDelta(subject(), task, metric);
    } else {
      for (const ReportDelta& d : comparison->deltas) {
        if (d.task == task && d.metric == metric) delta = &d;
      }
    }
    const std::string against = comparison == nullptr ? "the baseline" : comparison->baseline;
    if (delta == nullptr || delta->pairs == 0) {
      Add("non_inferiority", task, metric, GateStatus::kInconclusive,
          absl::StrCat(Place(task, metric), ": no prompt to compare with ",
                       comparison == nullptr ? "a baseline" : against));
      return;
    }
    Add("non_inferiority", task, metric,
        delta->lower > -margin ? GateStatus::kPass : GateStatus::kInconclusive,
        absl::StrFormat("%s: %+.4f against %s (%+.4f to %+.4f; %d better, %d worse "
                        "of %d), want its lower limit above %+g",
                        Place(task, metric), delta->value, against, delta->lower, delta->upper,
                        delta->gained, delta->lost, delta->pairs, 0 - margin));
    const MarginTest test =
        delta->method == IntervalMethod::kPairedScore
            ? TestMargin(PairedCounts{delta->pairs, delta->gained, delta->lost}, margin)
            : TestMargin(delta->value, delta->standard_error, delta->pairs, margin);
    FailIfShown(test.worse);
  }

  void CheckLabel() {
    if (policy_.accept_labels.empty()) return;
    const ReportLabel& label = report_.labels[subject()];
    std::vector<std::string> wanted;
    bool accepted = false;
    for (LabelVerdict v : policy_.accept_labels) {
      wanted.push_back(std::string(LabelVerdictName(v)));
      accepted = accepted || v == label.verdict;
    }
    const bool undecided =
        label.verdict == LabelVerdict::kInconclusive || label.verdict == LabelVerdict::kUnspecified;
    const GateStatus status = undecided  ? GateStatus::kInconclusive
                              : accepted ? GateStatus::kPass
                                         : GateStatus::kFail;
    Add("label", -1, "", status,
        absl::StrFormat("label %s is %s (%s), want %s",
                        label.nominal_target.empty() ? "(none)" : label.nominal_target,
                        LabelVerdictName(label.verdict),
                        label.reasons.empty() ? "" : label.reasons.front(),
                        absl::StrJoin(wanted, " or ")));
  }

  void CheckValidity() {
    for (const ValidityRule& rule : policy_.validity) {
      for (const auto& [task, metric] : Resolve("validity", rule.task, rule.metric)) {
        const ReportCell* cell = Cell("validity", task, metric);
        if (cell == nullptr) continue;
        Add("validity", task, metric,
            cell->value <= rule.at_most ? GateStatus::kPass : GateStatus::kFail,
            absl::StrFormat("%s: %.4f of the responses, want at most %g", Place(task, metric),
                            cell->value, rule.at_most));
      }
    }
  }

  void DecideFails() {
    std::vector<double> p;
    for (const PendingFail& pending : pending_) p.push_back(pending.p);
    const std::vector<double> adjusted = HolmAdjust(p);
    const double level = (1 - report_.options.confidence) / 2;
    for (size_t i = 0; i < pending_.size(); ++i) {
      GateCheck& check = result_.subjects[pending_[i].subject].checks[pending_[i].check];
      if (check.status == GateStatus::kInconclusive && adjusted[i] < level) {
        check.status = GateStatus::kFail;
        absl::StrAppend(&check.message,
                        absl::StrFormat("; shown to miss it (p %.2g after Holm)", adjusted[i]));
      } else if (check.status == GateStatus::kInconclusive) {
        absl::StrAppend(&check.message, "; too few prompts to tell");
      }
    }
  }

  static GateStatus Worse(GateStatus a, GateStatus b) {
    if (a == GateStatus::kFail || b == GateStatus::kFail) return GateStatus::kFail;
    if (a == GateStatus::kInconclusive || b == GateStatus::kInconclusive)
      return GateStatus::kInconclusive;
    return GateStatus::kPass;
  }

  void Conclude() {
    result_.status = absent_.empty() ? GateStatus::kPass : GateStatus::kInconclusive;
    for (SubjectGate& gate : result_.subjects) {
      gate.status = GateStatus::kPass;
      for (const GateCheck& check : gate.checks) gate.status = Worse(gate.status, check.status);
      result_.status = Worse(result_.status, gate.status);
    }
    for (GateStatus wanted : {GateStatus::kFail, GateStatus::kInconclusive}) {
      for (const SubjectGate& gate : result_.subjects) {
        for (const GateCheck& check : gate.checks) {
          if (check.status != wanted) continue;
          result_.reasons.push_back(
              absl::StrCat(SubjectName(report_.subjects[gate.subject]), ": ", check.message));
        }
      }
    }
    result_.reasons.insert(result_.reasons.end(), absent_.begin(), absent_.end());
  }

  const GatePolicy& policy_;
  const Report& report_;
  const std::map<int, GateComparison>& comparisons_;
  GateResult result_;
  std::set<std::pair<int, int>> covered_;  // (subject, task) whose baseline was looked at
  std::vector<PendingFail> pending_;
  std::vector<std::string> absent_;
};

}  // namespace

absl::string_view GateStatusName(GateStatus status) {
  switch (status) {
    case GateStatus::kUnspecified:
      return "UNSPECIFIED";
    case GateStatus::kPass:
      return "PASS";
    case GateStatus::kFail:
      return "FAIL";
    case GateStatus::kInconclusive:
      return "INCONCLUSIVE";
  }
  return "UNSPECIFIED";
}

GateResult EvaluateGate(const GatePolicy& policy, const Report& report,
                        const std::map<int, GateComparison>& comparisons) {
  return Evaluation(policy, report, comparisons).Run();
}

}  // namespace plumbline
