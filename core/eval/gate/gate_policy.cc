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
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/eval/gate/gate.h"
#include "core/eval/metrics.h"

namespace plumbline {
namespace {

absl::Status ErrorAt(const YAML::Node& node, absl::string_view message) {
  const YAML::Mark mark = node.Mark();
  if (mark.is_null()) return absl::InvalidArgumentError(absl::StrCat("gate policy: ", message));
  return absl::InvalidArgumentError(
      absl::StrCat("gate policy: line ", mark.line + 1, ": ", message));
}

// Every key is known and given once.
absl::Status CheckKeys(const YAML::Node& map, absl::string_view what,
                       const std::vector<std::string>& known) {
  if (!map.IsMap())
    return ErrorAt(
        map, absl::StrCat(what, ": want a mapping with the keys ", absl::StrJoin(known, ", ")));
  std::set<std::string> seen;
  for (const auto& entry : map) {
    if (!entry.first.IsScalar())
      return ErrorAt(entry.first, absl::StrCat(what, ": a key is not a word"));
    const std::string& key = entry.first.Scalar();
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return ErrorAt(entry.first, absl::StrCat(what, ": unknown key \"", key, "\", want one of ",
                                               absl::StrJoin(known, ", ")));
    }
    if (!seen.insert(key).second)
      return ErrorAt(entry.first, absl::StrCat(what, ": key \"", key, "\" is given twice"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadText(const YAML::Node& map, absl::string_view what, const char* key,
                                     absl::string_view otherwise) {
  const YAML::Node node = map[key];
  if (!node.IsDefined()) return std::string(otherwise);
  if (!node.IsScalar() || node.Scalar().empty())
    return ErrorAt(node, absl::StrCat(what, ": ", key, ": want a text"));
  return node.Scalar();
}

absl::StatusOr<double> ReadShare(const YAML::Node& map, absl::string_view what, const char* key) {
  const YAML::Node node = map[key];
  if (!node.IsDefined())
    return ErrorAt(map, absl::StrCat(what, ": ", key, " is missing: want a share from 0 to 1"));
  double value = 0;
  if (!node.IsScalar() || !YAML::convert<double>::decode(node, value) ||
      !(value >= 0 && value <= 1)) {
    return ErrorAt(node,
                   absl::StrCat(what, ": ", key, ": want a share from 0 to 1 (0.05 is five points)",
                                node.IsScalar() ? absl::StrCat(", got ", node.Scalar()) : ""));
  }
  return value;
}

absl::Status ForEachRule(const YAML::Node& policy, const char* section,
                         const std::vector<std::string>& known,
                         const std::function<absl::Status(const YAML::Node&)>& read) {
  const YAML::Node rules = policy[section];
  if (!rules.IsDefined()) return absl::OkStatus();
  if (!rules.IsSequence() || rules.size() == 0) {
    return ErrorAt(rules, absl::StrCat(section, ": want a list with at least one rule"));
  }
  for (const auto& rule : rules) {
    ABSL_RETURN_IF_ERROR(CheckKeys(rule, section, known));
    ABSL_RETURN_IF_ERROR(read(rule));
  }
  return absl::OkStatus();
}

// The rules of a section by what they limit: a second one for the same is a slip.
template <typename Rule, typename SameAs>
absl::Status AddOnce(const YAML::Node& node, absl::string_view section, absl::string_view what,
                     Rule rule, std::vector<Rule>& rules, SameAs same) {
  rule.line = node.Mark().line + 1;
  for (const Rule& other : rules) {
    if (!same(other, rule)) continue;
    return ErrorAt(node, absl::StrCat(section, ": ", what, " has a rule already, in line ",
                                      other.line, ": keep one of them"));
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

absl::StatusOr<std::string> ReadScoreMetric(const YAML::Node& rule, absl::string_view section) {
  ABSL_ASSIGN_OR_RETURN(std::string metric, ReadText(rule, section, "metric", ""));
  if (IsValidityMetric(metric)) {
    return ErrorAt(
        rule["metric"],
        absl::StrCat(section, ": ", metric,
                     " is a validity guard, where less is better: limit it under \"validity\""));
  }
  return metric;
}

absl::Status ReadRequiredTasks(const YAML::Node& policy, GatePolicy& out) {
  return ForEachRule(
      policy, "require_tasks", {"task", "min_prompts"},
      [&](const YAML::Node& rule) -> absl::Status {
        RequiredTask required;
        ABSL_ASSIGN_OR_RETURN(required.task, ReadText(rule, "require_tasks", "task", ""));
        if (required.task.empty() || required.task == "*") {
          return ErrorAt(rule, "require_tasks: task is missing: want the name of one task");
        }
        const YAML::Node prompts = rule["min_prompts"];
        if (prompts.IsDefined() &&
            (!prompts.IsScalar() ||
             !YAML::convert<int64_t>::decode(prompts, required.min_prompts) ||
             required.min_prompts < 1)) {
          return ErrorAt(prompts, "require_tasks: min_prompts: want a whole number, at least 1");
        }
        const std::string what = required.task;
        return AddOnce(rule, "require_tasks", what, std::move(required), out.require_tasks,
                       [](const auto& a, const auto& b) { return a.task == b.task; });
      });
}

absl::Status ReadFloors(const YAML::Node& policy, GatePolicy& out) {
  return ForEachRule(
      policy, "floors", {"task", "metric", "at_least", "using"},
      [&](const YAML::Node& rule) -> absl::Status {
        FloorRule floor;
        ABSL_ASSIGN_OR_RETURN(floor.task, ReadText(rule, "floors", "task", "*"));
        ABSL_ASSIGN_OR_RETURN(floor.metric, ReadScoreMetric(rule, "floors"));
        ABSL_ASSIGN_OR_RETURN(floor.at_least, ReadShare(rule, "floors", "at_least"));
        ABSL_ASSIGN_OR_RETURN(const std::string bound, ReadText(rule, "floors", "using", "lower"));
        if (bound != "lower" && bound != "point") {
          return ErrorAt(rule["using"],
                         absl::StrCat("floors: using: want lower or point, got ", bound));
        }
        floor.using_bound = bound == "lower" ? FloorBound::kLower : FloorBound::kPoint;
        const std::string what =
            absl::StrCat(Place(floor.task, floor.metric), ", using ", bound, ",");
        return AddOnce(rule, "floors", what, std::move(floor), out.floors,
                       [](const FloorRule& a, const FloorRule& b) {
                         return SamePlace(a, b) && a.using_bound == b.using_bound;
                       });
      });
}

absl::Status ReadNonInferiority(const YAML::Node& policy, GatePolicy& out) {
  return ForEachRule(
      policy, "non_inferiority", {"task", "metric", "margin"},
      [&](const YAML::Node& rule) -> absl::Status {
        NonInferiorityRule entry;
        ABSL_ASSIGN_OR_RETURN(entry.task, ReadText(rule, "non_inferiority", "task", "*"));
        ABSL_ASSIGN_OR_RETURN(entry.metric, ReadScoreMetric(rule, "non_inferiority"));
        ABSL_ASSIGN_OR_RETURN(entry.margin, ReadShare(rule, "non_inferiority", "margin"));
        if (entry.margin >= 1)
          return ErrorAt(rule["margin"],
                         "non_inferiority: margin: a loss of everything is no limit, want below 1");
        const std::string what = Place(entry.task, entry.metric);
        return AddOnce(rule, "non_inferiority", what, std::move(entry), out.non_inferiority,
                       SamePlace<NonInferiorityRule>);
      });
}

bool IsHexStart(absl::string_view text) {
  return text.size() >= 8 && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

absl::Status ReadVersion(const YAML::Node& node, GateBaseline& out) {
  const std::string& text = node.Scalar();
  const size_t at = text.rfind('@');
  if (at != std::string::npos) out.adapter = text.substr(0, at);
  out.name = at == std::string::npos ? text : text.substr(at + 1);
  if (IsHexStart(out.name) && at != 0) return absl::OkStatus();
  return ErrorAt(node, absl::StrCat("baseline: version: want 8 to 64 hex digits (0-9, a-f), or "
                                    "alias@digits, got ",
                                    text));
}

absl::Status ReadBaseline(const YAML::Node& policy, GatePolicy& out) {
  const YAML::Node node = policy["baseline"];
  if (!node.IsDefined()) return absl::OkStatus();
  constexpr char kForms[] =
      "baseline: want base, {alias: NAME}, {version: SHA256}, or {job: ID, adapter: NAME}";
  if (out.non_inferiority.empty())
    return ErrorAt(node, "baseline: there is no non_inferiority rule that would use it");
  if (node.IsScalar() && node.Scalar() == "base") return absl::OkStatus();
  if (!node.IsMap()) return ErrorAt(node, kForms);
  ABSL_RETURN_IF_ERROR(CheckKeys(node, "baseline", {"alias", "version", "job", "adapter"}));
  const auto kinds = {std::pair("alias", GateBaseline::kAlias),
                      std::pair("version", GateBaseline::kVersion),
                      std::pair("job", GateBaseline::kJob)};
  int given = 0;
  for (const auto& [key, kind] : kinds) {
    if (!node[key].IsDefined()) continue;
    ++given;
    out.baseline.kind = kind;
    ABSL_ASSIGN_OR_RETURN(out.baseline.name, ReadText(node, "baseline", key, ""));
  }
  if (given != 1) return ErrorAt(node, kForms);
  if (out.baseline.kind == GateBaseline::kVersion)
    ABSL_RETURN_IF_ERROR(ReadVersion(node["version"], out.baseline));
  if (!node["adapter"].IsDefined()) return absl::OkStatus();
  if (out.baseline.kind != GateBaseline::kJob)
    return ErrorAt(node["adapter"],
                   "baseline: adapter goes with job: it names one of its subjects");
  ABSL_ASSIGN_OR_RETURN(out.baseline.adapter, ReadText(node, "baseline", "adapter", ""));
  return absl::OkStatus();
}

absl::Status ReadValidity(const YAML::Node& policy, GatePolicy& out) {
  return ForEachRule(
      policy, "validity", {"task", "metric", "at_most"},
      [&](const YAML::Node& rule) -> absl::Status {
        ValidityRule entry;
        ABSL_ASSIGN_OR_RETURN(entry.task, ReadText(rule, "validity", "task", "*"));
        ABSL_ASSIGN_OR_RETURN(entry.metric, ReadText(rule, "validity", "metric", ""));
        if (!IsValidityMetric(entry.metric)) {
          return ErrorAt(rule, absl::StrCat("validity: metric \"", entry.metric, "\": want ",
                                            kEmptyResponse, ", ", kTruncated, ", ", kRefusalToStop,
                                            " or ", kExtractionFailure));
        }
        ABSL_ASSIGN_OR_RETURN(entry.at_most, ReadShare(rule, "validity", "at_most"));
        const std::string what = Place(entry.task, entry.metric);
        return AddOnce(rule, "validity", what, std::move(entry), out.validity,
                       SamePlace<ValidityRule>);
      });
}

absl::Status ReadSubjects(const YAML::Node& policy, GatePolicy& out) {
  const YAML::Node subjects = policy["subjects"];
  if (!subjects.IsDefined()) return absl::OkStatus();
  if (!subjects.IsSequence() || subjects.size() == 0)
    return ErrorAt(subjects, "subjects: want a list of adapter aliases");
  for (const auto& alias : subjects) {
    if (!alias.IsScalar() || alias.Scalar().empty())
      return ErrorAt(alias, "subjects: want adapter aliases");
    if (std::find(out.subjects.begin(), out.subjects.end(), alias.Scalar()) != out.subjects.end()) {
      return ErrorAt(alias, absl::StrCat("subjects: ", alias.Scalar(), " is named twice"));
    }
    out.subjects.push_back(alias.Scalar());
  }
  return absl::OkStatus();
}

absl::Status ReadLabel(const YAML::Node& policy, GatePolicy& out) {
  const YAML::Node label = policy["label"];
  if (!label.IsDefined()) return absl::OkStatus();
  const auto add = [&out](const YAML::Node& node) -> absl::Status {
    for (LabelVerdict v :
         {LabelVerdict::kSupported, LabelVerdict::kNotSupported, LabelVerdict::kContradicted}) {
      if (node.IsScalar() && absl::string_view(node.Scalar()) == LabelVerdictName(v)) {
        if (std::find(out.accept_labels.begin(), out.accept_labels.end(), v) !=
            out.accept_labels.end()) {
          return ErrorAt(node, absl::StrCat("label: ", node.Scalar(), " is named twice"));
        }
        out.accept_labels.push_back(v);
        return absl::OkStatus();
      }
    }
    return ErrorAt(node,
                   "label: want SUPPORTED, NOT_SUPPORTED, CONTRADICTED or a list of those "
                   "(INCONCLUSIVE can never be accepted: it is missing evidence)");
  };
  if (!label.IsSequence()) return add(label);
  if (label.size() == 0) return ErrorAt(label, "label: the list is empty");
  for (const auto& node : label) ABSL_RETURN_IF_ERROR(add(node));
  return absl::OkStatus();
}

absl::StatusOr<GatePolicy> Read(const YAML::Node& root) {
  ABSL_RETURN_IF_ERROR(CheckKeys(root, "policy",
                                 {"name", "subjects", "require_tasks", "floors", "baseline",
                                  "non_inferiority", "label", "validity"}));
  GatePolicy policy;
  ABSL_ASSIGN_OR_RETURN(policy.name, ReadText(root, "policy", "name", ""));
  ABSL_RETURN_IF_ERROR(ReadSubjects(root, policy));
  ABSL_RETURN_IF_ERROR(ReadRequiredTasks(root, policy));
  ABSL_RETURN_IF_ERROR(ReadFloors(root, policy));
  ABSL_RETURN_IF_ERROR(ReadNonInferiority(root, policy));
  ABSL_RETURN_IF_ERROR(ReadBaseline(root, policy));
  ABSL_RETURN_IF_ERROR(ReadLabel(root, policy));
  ABSL_RETURN_IF_ERROR(ReadValidity(root, policy));
  if (policy.require_tasks.empty() && policy.floors.empty() && policy.non_inferiority.empty() &&
      policy.accept_labels.empty() && policy.validity.empty()) {
    return ErrorAt(
        root,
        "no rule: want at least one of require_tasks, floors, non_inferiority, label, validity");
  }
  return policy;
}

}  // namespace

absl::StatusOr<GatePolicy> ParseGatePolicy(absl::string_view yaml) {
  // yaml-cpp reports by exception; none leaves this function.
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(yaml));
    if (documents.size() != 1 || documents[0].IsNull()) {
      return absl::InvalidArgumentError(
          absl::StrCat("gate policy: want one YAML document, got ", documents.size()));
    }
    return Read(documents[0]);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("gate policy: line ", error.mark.line + 1, ": ", error.msg));
  }
}

}  // namespace plumbline
