// The policy file, YAML. docs/gate.md is its manual; unknown keys are refused so that a misspelt
// rule cannot silently not apply.
//
//   name: text
//   subjects: [alias, ...]
//   require_tasks:   [{task: name, min_prompts: n}]
//   floors:          [{task: name or "*", metric: name, at_least: share, using: lower | point}]
//   baseline:        base, {alias: name}, {version: sha256 or name@sha256} or
//                    {job: id, adapter: name or base}
//   non_inferiority: [{task: name or "*", metric: name, margin: share}]
//   label:           SUPPORTED, or a list of verdicts
//   validity:        [{task: name or "*", metric: guard, at_most: share}]
#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/config_node.h"
#include "core/base/status_macros.h"
#include "core/eval/gate/gate.h"
#include "core/eval/metrics.h"

namespace plumbline {
namespace {

// Every key is known and has a value: what is empty would not apply, and nobody would know.
absl::Status CheckKeys(const ConfigNode& map, const std::set<std::string>& known) {
  ABSL_RETURN_IF_ERROR(map.CheckKeys(known));
  for (const auto& [key, value] : map.map()) {
    if (value.is_null()) return value.Error("has no value");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadText(const ConfigNode& map, absl::string_view key,
                                     absl::string_view otherwise) {
  const ConfigNode* node = map.Find(key);
  if (node == nullptr) return std::string(otherwise);
  ABSL_ASSIGN_OR_RETURN(std::string text, node->Text());
  if (text.empty()) return node->Error("is empty, want a text");
  return text;
}

absl::StatusOr<double> ReadShare(const ConfigNode& map, absl::string_view key) {
  const ConfigNode* node = map.Find(key);
  if (node == nullptr) {
    return map.Error(absl::StrCat(key, " is missing: want a share from 0 to 1"));
  }
  const absl::StatusOr<double> share = node->Number(0, 1);
  if (share.ok()) return share;
  const absl::StatusOr<std::string> got = node->Text();
  return node->Error(absl::StrCat("want a share from 0 to 1 (0.05 is five points)",
                                  got.ok() ? absl::StrCat(", got ", *got) : ""));
}

absl::Status ForEachRule(const ConfigNode& policy, const char* section,
                         const std::set<std::string>& known,
                         const std::function<absl::Status(const ConfigNode&)>& read) {
  const ConfigNode* rules = policy.Find(section);
  if (rules == nullptr) return absl::OkStatus();
  if (rules->list().empty()) return rules->Error("want a list with at least one rule");
  for (const ConfigNode& rule : rules->list()) {
    ABSL_RETURN_IF_ERROR(CheckKeys(rule, known));
    ABSL_RETURN_IF_ERROR(read(rule));
  }
  return absl::OkStatus();
}

// The rules of a section by what they limit: a second one for the same is a slip.
template <typename Rule, typename SameAs>
absl::Status AddOnce(const ConfigNode& node, absl::string_view what, Rule rule,
                     std::vector<Rule>& rules, SameAs same) {
  rule.line = node.line();
  for (const Rule& other : rules) {
    if (!same(other, rule)) continue;
    return node.Error(
        absl::StrCat(what, " has a rule already, in line ", other.line, ": keep one of them"));
  }
  rules.push_back(std::move(rule));
  return absl::OkStatus();
}

// "ifeval pla_strict", "* (primary metric)".
std::string Place(const std::string& task, const std::string& metric) {
  return absl::StrCat(task, " ", metric.empty() ? "(primary metric)" : metric);
}

template <typename Rule>
bool SamePlace(const Rule& a, const Rule& b) {
  return a.task == b.task && a.metric == b.metric;
}

absl::StatusOr<std::string> ReadScoreMetric(const ConfigNode& rule) {
  ABSL_ASSIGN_OR_RETURN(std::string metric, ReadText(rule, "metric", ""));
  if (IsValidityMetric(metric)) {
    return rule.Find("metric")->Error(absl::StrCat(
        metric, " is a validity guard, where less is better: limit it under \"validity\""));
  }
  return metric;
}

absl::Status ReadRequiredTasks(const ConfigNode& policy, GatePolicy& out) {
  return ForEachRule(
      policy, "require_tasks", {"task", "min_prompts"},
      [&](const ConfigNode& rule) -> absl::Status {
        RequiredTask required;
        ABSL_ASSIGN_OR_RETURN(required.task, ReadText(rule, "task", ""));
        if (required.task.empty() || required.task == "*") {
          return rule.Error("task is missing: want the name of one task");
        }
        if (const ConfigNode* prompts = rule.Find("min_prompts")) {
          ABSL_ASSIGN_OR_RETURN(required.min_prompts, prompts->Integer(1, INT64_MAX));
        }
        const std::string what = required.task;
        return AddOnce(rule, what, std::move(required), out.require_tasks,
                       [](const auto& a, const auto& b) { return a.task == b.task; });
      });
}

absl::Status ReadFloors(const ConfigNode& policy, GatePolicy& out) {
  return ForEachRule(
      policy, "floors", {"task", "metric", "at_least", "using"},
      [&](const ConfigNode& rule) -> absl::Status {
        FloorRule floor;
        ABSL_ASSIGN_OR_RETURN(floor.task, ReadText(rule, "task", "*"));
        ABSL_ASSIGN_OR_RETURN(floor.metric, ReadScoreMetric(rule));
        ABSL_ASSIGN_OR_RETURN(floor.at_least, ReadShare(rule, "at_least"));
        ABSL_ASSIGN_OR_RETURN(const std::string bound, ReadText(rule, "using", "lower"));
        if (bound != "lower" && bound != "point") {
          return rule.Find("using")->Error(absl::StrCat("want lower or point, got ", bound));
        }
        floor.using_bound = bound == "lower" ? FloorBound::kLower : FloorBound::kPoint;
        const std::string what =
            absl::StrCat(Place(floor.task, floor.metric), ", using ", bound, ",");
        return AddOnce(rule, what, std::move(floor), out.floors,
                       [](const FloorRule& a, const FloorRule& b) {
                         return SamePlace(a, b) && a.using_bound == b.using_bound;
                       });
      });
}

absl::Status ReadNonInferiority(const ConfigNode& policy, GatePolicy& out) {
  return ForEachRule(
      policy, "non_inferiority", {"task", "metric", "margin"},
      [&](const ConfigNode& rule) -> absl::Status {
        NonInferiorityRule entry;
        ABSL_ASSIGN_OR_RETURN(entry.task, ReadText(rule, "task", "*"));
        ABSL_ASSIGN_OR_RETURN(entry.metric, ReadScoreMetric(rule));
        ABSL_ASSIGN_OR_RETURN(entry.margin, ReadShare(rule, "margin"));
        if (entry.margin >= 1) {
          return rule.Find("margin")->Error("a loss of everything is no limit, want below 1");
        }
        const std::string what = Place(entry.task, entry.metric);
        return AddOnce(rule, what, std::move(entry), out.non_inferiority,
                       SamePlace<NonInferiorityRule>);
      });
}

bool IsHexStart(absl::string_view text) {
  return text.size() >= 8 && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

absl::Status ReadVersion(const ConfigNode& node, GateBaseline& out) {
  const std::string text = std::move(out.name);
  const size_t at = text.rfind('@');
  if (at != std::string::npos) out.adapter = text.substr(0, at);
  out.name = at == std::string::npos ? text : text.substr(at + 1);
  if (IsHexStart(out.name) && at != 0) return absl::OkStatus();
  return node.Error(
      absl::StrCat("want 8 to 64 hex digits (0-9, a-f), or alias@digits, got ", text));
}

absl::Status ReadBaseline(const ConfigNode& policy, GatePolicy& out) {
  const ConfigNode* node = policy.Find("baseline");
  if (node == nullptr) return absl::OkStatus();
  constexpr char kForms[] =
      "want base, {alias: NAME}, {version: SHA256}, or {job: ID, adapter: NAME}";
  if (out.non_inferiority.empty()) {
    return node->Error("there is no non_inferiority rule that would use it");
  }
  if (node->kind() != ConfigNode::kMap) {
    const absl::StatusOr<std::string> word = node->String();
    return word.ok() && *word == "base" ? absl::OkStatus() : node->Error(kForms);
  }
  ABSL_RETURN_IF_ERROR(CheckKeys(*node, {"alias", "version", "job", "adapter"}));
  const auto kinds = {std::pair("alias", GateBaseline::kAlias),
                      std::pair("version", GateBaseline::kVersion),
                      std::pair("job", GateBaseline::kJob)};
  int given = 0;
  for (const auto& [key, kind] : kinds) {
    if (node->Find(key) == nullptr) continue;
    ++given;
    out.baseline.kind = kind;
    ABSL_ASSIGN_OR_RETURN(out.baseline.name, ReadText(*node, key, ""));
  }
  if (given != 1) return node->Error(kForms);
  if (const ConfigNode* version = node->Find("version")) {
    ABSL_RETURN_IF_ERROR(ReadVersion(*version, out.baseline));
  }
  const ConfigNode* adapter = node->Find("adapter");
  if (adapter == nullptr) return absl::OkStatus();
  if (out.baseline.kind != GateBaseline::kJob) {
    return adapter->Error("adapter goes with job: it names one of its subjects");
  }
  ABSL_ASSIGN_OR_RETURN(out.baseline.adapter, ReadText(*node, "adapter", ""));
  return absl::OkStatus();
}

absl::Status ReadValidity(const ConfigNode& policy, GatePolicy& out) {
  return ForEachRule(
      policy, "validity", {"task", "metric", "at_most"},
      [&](const ConfigNode& rule) -> absl::Status {
        ValidityRule entry;
        ABSL_ASSIGN_OR_RETURN(entry.task, ReadText(rule, "task", "*"));
        ABSL_ASSIGN_OR_RETURN(entry.metric, ReadText(rule, "metric", ""));
        if (!IsValidityMetric(entry.metric)) {
          return rule.Error(absl::StrCat("metric \"", entry.metric, "\": want ", kEmptyResponse,
                                         ", ", kTruncated, ", ", kRefusalToStop, " or ",
                                         kExtractionFailure));
        }
        ABSL_ASSIGN_OR_RETURN(entry.at_most, ReadShare(rule, "at_most"));
        const std::string what = Place(entry.task, entry.metric);
        return AddOnce(rule, what, std::move(entry), out.validity, SamePlace<ValidityRule>);
      });
}

absl::Status ReadSubjects(const ConfigNode& policy, GatePolicy& out) {
  const ConfigNode* subjects = policy.Find("subjects");
  if (subjects == nullptr) return absl::OkStatus();
  if (subjects->list().empty()) return subjects->Error("want a list of adapter aliases");
  for (const ConfigNode& node : subjects->list()) {
    ABSL_ASSIGN_OR_RETURN(std::string alias, node.Text());
    if (alias.empty()) return node.Error("is empty, want an adapter's alias");
    if (std::find(out.subjects.begin(), out.subjects.end(), alias) != out.subjects.end()) {
      return node.Error(absl::StrCat(alias, " is named twice"));
    }
    out.subjects.push_back(std::move(alias));
  }
  return absl::OkStatus();
}

absl::Status ReadLabel(const ConfigNode& policy, GatePolicy& out) {
  const ConfigNode* label = policy.Find("label");
  if (label == nullptr) return absl::OkStatus();
  const auto add = [&out](const ConfigNode& node) -> absl::Status {
    const absl::StatusOr<std::string> name = node.String();
    for (LabelVerdict v :
         {LabelVerdict::kSupported, LabelVerdict::kNotSupported, LabelVerdict::kContradicted}) {
      if (!name.ok() || absl::string_view(*name) != LabelVerdictName(v)) continue;
      if (std::find(out.accept_labels.begin(), out.accept_labels.end(), v) !=
          out.accept_labels.end()) {
        return node.Error(absl::StrCat(*name, " is named twice"));
      }
      out.accept_labels.push_back(v);
      return absl::OkStatus();
    }
    return node.Error(
        "want SUPPORTED, NOT_SUPPORTED, CONTRADICTED or a list of those (INCONCLUSIVE can never be "
        "accepted: it is missing evidence)");
  };
  if (label->kind() != ConfigNode::kList) return add(*label);
  if (label->list().empty()) return label->Error("the list is empty");
  for (const ConfigNode& node : label->list()) ABSL_RETURN_IF_ERROR(add(node));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GatePolicy> ParseGatePolicy(absl::string_view yaml) {
  ABSL_ASSIGN_OR_RETURN(const ConfigNode root, ConfigNode::ParseYaml(yaml, "gate policy"));
  constexpr char kNoRule[] =
      "no rule: want at least one of require_tasks, floors, non_inferiority, label, validity";
  if (root.is_null()) return root.Error(kNoRule);
  ABSL_RETURN_IF_ERROR(CheckKeys(root, {"name", "subjects", "require_tasks", "floors", "baseline",
                                        "non_inferiority", "label", "validity"}));
  GatePolicy policy;
  ABSL_ASSIGN_OR_RETURN(policy.name, ReadText(root, "name", ""));
  ABSL_RETURN_IF_ERROR(ReadSubjects(root, policy));
  ABSL_RETURN_IF_ERROR(ReadRequiredTasks(root, policy));
  ABSL_RETURN_IF_ERROR(ReadFloors(root, policy));
  ABSL_RETURN_IF_ERROR(ReadNonInferiority(root, policy));
  ABSL_RETURN_IF_ERROR(ReadBaseline(root, policy));
  ABSL_RETURN_IF_ERROR(ReadLabel(root, policy));
  ABSL_RETURN_IF_ERROR(ReadValidity(root, policy));
  if (policy.require_tasks.empty() && policy.floors.empty() && policy.non_inferiority.empty() &&
      policy.accept_labels.empty() && policy.validity.empty()) {
    return root.Error(kNoRule);
  }
  return policy;
}

}  // namespace plumbline
