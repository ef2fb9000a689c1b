#include "core/eval/gate/gate_lint.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/base/names.h"
#include "core/base/status_macros.h"
#include "core/eval/stats/proportion.h"

namespace plumbline {
namespace {

// The end of "baseline: ..." for people.
std::string BaselineName(const GateBaseline& baseline) {
  switch (baseline.kind) {
    case GateBaseline::kReport:
      return "the base";
    case GateBaseline::kAlias:
      return absl::StrCat("adapter ", baseline.name);
    case GateBaseline::kVersion:
      return absl::StrCat("version ", baseline.adapter.empty() ? "" : baseline.adapter + "@",
                          baseline.name);
    case GateBaseline::kJob:
      return absl::StrCat(baseline.adapter.empty() ? "the same adapter" : baseline.adapter, " in ",
                          baseline.name);
  }
  return "";
}

class Planner {
 public:
  // `scope` null: the policy by itself.
  Planner(const GatePolicy& policy, const GateScope* scope) : policy_(policy), scope_(scope) {}

  absl::StatusOr<GatePlan> Run() {
    ABSL_RETURN_IF_ERROR(Subjects());
    for (const RequiredTask& rule : policy_.require_tasks) ABSL_RETURN_IF_ERROR(Require(rule));
    for (const FloorRule& rule : policy_.floors) ABSL_RETURN_IF_ERROR(Floor(rule));
    for (const NonInferiorityRule& rule : policy_.non_inferiority)
      ABSL_RETURN_IF_ERROR(NonInferiority(rule));
    Label();
    for (const ValidityRule& rule : policy_.validity) ABSL_RETURN_IF_ERROR(Validity(rule));
    return std::move(plan_);
  }

 private:
  struct Place {
    std::string name;  // "ifeval pla_strict"
    std::string metric;
    int64_t prompts = 0;  // 0: not known
  };

  void Rule(std::string text) { plan_.rules.push_back(std::move(text)); }
  void Warn(std::string text) { plan_.warnings.push_back(std::move(text)); }

  static absl::Status Unknown(absl::string_view section, int line, absl::string_view what,
                              const std::string& name, const std::vector<std::string>& names) {
    return absl::InvalidArgumentError(
        absl::StrCat("gate policy:", line > 0 ? absl::StrCat(line, ":") : "", " ", section, ": ",
                     what, " \"", name, "\"", NamesInstead(name, names)));
  }

  absl::Status Subjects() {
    const std::string named =
        policy_.subjects.empty() ? "every adapter" : absl::StrJoin(policy_.subjects, ", ");
    Rule(absl::StrCat("judges ", named, ", against ", BaselineName(policy_.baseline)));
    if (scope_ == nullptr) return absl::OkStatus();
    std::vector<std::string> aliases;
    for (const GateScope::Subject& subject : scope_->subjects) aliases.push_back(subject.adapter);
    for (const std::string& alias : policy_.subjects) {
      if (std::find(aliases.begin(), aliases.end(), alias) != aliases.end()) continue;
      return Unknown("subjects", 0, "the job has no adapter", alias, aliases);
    }
    if (aliases.empty()) {
      Warn(
          "the job has no adapter to judge, so the gate can only be INCONCLUSIVE: name one with "
          "--adapter");
    }
    return absl::OkStatus();
  }

  // The tasks and metrics that a rule is held against.
  absl::StatusOr<std::vector<Place>> Resolve(absl::string_view section, int line,
                                             const std::string& task, const std::string& metric) {
    if (scope_ == nullptr) {
      return std::vector<Place>{{absl::StrCat(task == "*" ? "every task" : task, " ",
                                              metric.empty() ? "(primary metric)" : metric),
                                 metric, 0}};
    }
    std::vector<Place> places;
    std::vector<std::string> tasks, metrics;
    for (const GateScope::Task& t : scope_->tasks) {
      tasks.push_back(t.name);
      if (task != "*" && task != t.name) continue;
      const std::string& wanted = metric.empty() ? t.metrics.front() : metric;
      if (std::find(t.metrics.begin(), t.metrics.end(), wanted) != t.metrics.end()) {
        places.push_back({absl::StrCat(t.name, " ", wanted), wanted, t.prompts});
        continue;
      }
      for (const std::string& m : t.metrics) {
        if (std::find(metrics.begin(), metrics.end(), m) == metrics.end()) metrics.push_back(m);
      }
    }
    if (!places.empty()) return places;
    if (task != "*" && std::find(tasks.begin(), tasks.end(), task) == tasks.end())
      return Unknown(section, line, "the job has no task", task, tasks);
    return Unknown(section, line,
                   task == "*" ? "no task of the job has the metric"
                               : absl::StrCat("task ", task, " has no metric"),
                   metric, metrics);
  }

  // Notes that a rule of `section` limits a place; warns of the second one that does.
  void Once(const std::string& section, const Place& place) {
    if (scope_ == nullptr || limited_.insert({section, place.name}).second) return;
    Warn(absl::StrCat(section, ": two rules are held against ", place.name,
                      " (\"*\" and an absent metric stand for it too): both must pass, the "
                      "narrower does not replace the wider"));
  }

  absl::Status Require(const RequiredTask& rule) {
    ABSL_ASSIGN_OR_RETURN(const std::vector<Place> places,
                          Resolve("require_tasks", rule.line, rule.task, ""));
    Rule(absl::StrFormat("require_tasks: %s: %d prompts scored or more", rule.task,
                         rule.min_prompts));
    if (scope_ != nullptr && places[0].prompts < rule.min_prompts) {
      Warn(
          absl::StrFormat("require_tasks: %s: the job asks %d prompts of the %d required, so the "
                          "gate can only be INCONCLUSIVE or FAIL (is --limit too low?)",
                          rule.task, places[0].prompts, rule.min_prompts));
    }
    return absl::OkStatus();
  }

  absl::Status Floor(const FloorRule& rule) {
    const bool lower = rule.using_bound == FloorBound::kLower;
    ABSL_ASSIGN_OR_RETURN(const std::vector<Place> places,
                          Resolve("floors", rule.line, rule.task, rule.metric));
    for (const Place& place : places) {
      Rule(absl::StrFormat("floors: %s: %s at least %g", place.name,
                           lower ? "lower limit of the interval" : "score", rule.at_least));
      Once(lower ? "floors" : "floors (using: point)", place);
      if (rule.at_least <= 0)
        Warn(absl::StrCat("floors: ", place.name, ": at_least 0 always passes"));
      if (!lower) continue;
      // What a perfect score would have; several trials a prompt make it no better.
      const double n = static_cast<double>(place.prompts);
      const double best = place.prompts > 0 ? WilsonInterval(n, n, confidence_).lower : 1;
      if (rule.at_least >= 1 || best < rule.at_least) {
        const std::string why =
            place.prompts > 0
                ? absl::StrFormat("with %d prompts the lower limit of a perfect score is %.3f",
                                  place.prompts, best)
                : "the lower limit of a perfect score is below 1";
        Warn(
            absl::StrFormat("floors: %s: at_least %g cannot PASS: %s; lower it, ask more prompts, "
                            "or say using: point",
                            place.name, rule.at_least, why));
      }
    }
    return absl::OkStatus();
  }

  absl::Status NonInferiority(const NonInferiorityRule& rule) {
    ABSL_ASSIGN_OR_RETURN(const std::vector<Place> places,
                          Resolve("non_inferiority", rule.line, rule.task, rule.metric));
    for (const Place& place : places) {
      Rule(absl::StrFormat("non_inferiority: %s: a loss of less than %g against %s", place.name,
                           rule.margin, BaselineName(policy_.baseline)));
      Once("non_inferiority", place);
      if (rule.margin <= 0) {
        Warn(absl::StrCat("non_inferiority: ", place.name,
                          ": margin 0 passes only where a gain is proved; an equal adapter stays "
                          "INCONCLUSIVE"));
        continue;
      }
      // Of metrics with one yes/no a prompt; the others' intervals depend on the answers.
      if (place.prompts == 0 || absl::StrContains(place.metric, "ila_") ||
          absl::StrContains(place.metric, "overall"))
        continue;
      const double reach = -TangoInterval({place.prompts, 0, 0}, confidence_).lower;
      if (reach < rule.margin) continue;
      Warn(
          absl::StrFormat("non_inferiority: %s: with %d prompts an adapter whose answers are all "
                          "equal to the baseline's has an interval of ±%.3f, so margin %g passes "
                          "only with a gain; ask more prompts (plumbline plan)",
                          place.name, place.prompts, reach, rule.margin));
    }
    return absl::OkStatus();
  }

  void Label() {
    if (policy_.accept_labels.empty()) return;
    std::vector<std::string> accepted;
    for (const LabelVerdict verdict : policy_.accept_labels)
      accepted.push_back(std::string(LabelVerdictName(verdict)));
    Rule(absl::StrCat("label: ", absl::StrJoin(accepted, " or ")));
    if (accepted.size() == 3) {
      Warn(
          "label: every verdict but INCONCLUSIVE is accepted, so the rule only asks for enough "
          "prompts");
    }
    if (scope_ == nullptr) return;
    for (const GateScope::Subject& subject : scope_->subjects) {
      const bool judged =
          policy_.subjects.empty() || std::find(policy_.subjects.begin(), policy_.subjects.end(),
                                                subject.adapter) != policy_.subjects.end();
      if (!judged) continue;
      if (subject.nominal_target.empty()) {
        Warn(absl::StrCat("label: adapter ", subject.adapter,
                          " declares no label, so the rule stays INCONCLUSIVE: load it with "
                          "--label"));
        continue;
      }
      const bool measured = std::any_of(
          scope_->tasks.begin(), scope_->tasks.end(),
          [&](const GateScope::Task& task) { return task.capability == subject.nominal_target; });
      if (!measured) {
        Warn(absl::StrCat("label: no task of the job measures ", subject.nominal_target,
                          ", the label of adapter ", subject.adapter,
                          ", so the rule stays INCONCLUSIVE"));
      }
    }
  }

  absl::Status Validity(const ValidityRule& rule) {
    ABSL_ASSIGN_OR_RETURN(const std::vector<Place> places,
                          Resolve("validity", rule.line, rule.task, rule.metric));
    for (const Place& place : places) {
      Rule(absl::StrFormat("validity: %s: at most %g of the responses", place.name, rule.at_most));
      Once("validity", place);
      if (rule.at_most >= 1)
        Warn(absl::StrCat("validity: ", place.name, ": at_most 1 always passes"));
    }
    return absl::OkStatus();
  }

  const GatePolicy& policy_;
  const GateScope* scope_;
  const double confidence_ = ReportOptions().confidence;
  GatePlan plan_;
  std::set<std::pair<std::string, std::string>> limited_;  // (section, place)
};

}  // namespace

GatePlan DescribeGate(const GatePolicy& policy) {
  return *Planner(policy, nullptr).Run();  // without a scope there is no name to miss
}

absl::StatusOr<GatePlan> PlanGate(const GatePolicy& policy, const GateScope& scope) {
  return Planner(policy, &scope).Run();
}

}  // namespace plumbline
