// The keys that say how a response is scored: filter_list, metric_list, tolerances.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/eval/task_file/task_config_internal.h"

namespace plumbline {

absl::StatusOr<FilterStep> ConfigParser::ReadFilterStep(const ConfigNode& node) {
  const ConfigNode* function = node.Find("function");
  if (node.kind() != ConfigNode::kMap || function == nullptr) {
    return node.Error("want a map with the key function");
  }
  ABSL_ASSIGN_OR_RETURN(std::string name, function->String());
  FilterStep step;
  if (name == "regex" || name == "multi_choice_regex") {
    std::set<std::string> keys = {"function", "regex_pattern", "group_select", "fallback"};
    if (name != "regex") keys.insert({"ignore_case", "ignore_punctuation", "regexes_to_ignore"});
    ABSL_RETURN_IF_ERROR(node.CheckKeys(keys));
    std::string pattern = "#### (\\-?[0-9\\.\\,]+)";
    const ConfigNode* given = node.Find("regex_pattern");
    if (given != nullptr) {
      ABSL_ASSIGN_OR_RETURN(pattern, given->String());
    }
    int64_t group = 0;
    const ConfigNode* select = node.Find("group_select");
    if (select != nullptr) {
      ABSL_ASSIGN_OR_RETURN(group, select->Integer(-1000, 1000));
    }
    std::string fallback = "[invalid]";
    const ConfigNode* other = node.Find("fallback");
    if (other != nullptr) {
      ABSL_ASSIGN_OR_RETURN(fallback, other->String());
    }
    auto made = MakeRegexStep(pattern, static_cast<int>(group), fallback);
    if (!made.ok()) return (given != nullptr ? *given : node).Error(made.status().message());
    if (name == "regex") return made;
    made->kind = FilterStep::kMultiChoiceRegex;
    ABSL_RETURN_IF_ERROR(ReadIgnored(node, made->ignored));
    return made;
  }
  if (name == "map") {
    ABSL_RETURN_IF_ERROR(node.CheckKeys({"function", "mapping_dict", "default_value"}));
    step.kind = FilterStep::kMap;
    const ConfigNode* mapping = node.Find("mapping_dict");
    if (mapping == nullptr) return node.Error("mapping_dict is missing");
    for (const auto& [from, to] : mapping->map()) {
      ABSL_ASSIGN_OR_RETURN(step.mapping[from], to.String());
    }
    const ConfigNode* other = node.Find("default_value");
    if (other == nullptr)
      return node.Error("default_value is missing: what an unknown text becomes");
    ABSL_ASSIGN_OR_RETURN(step.default_value, other->String());
    return step;
  }
  if (name == "take_first_k") {
    ABSL_RETURN_IF_ERROR(node.CheckKeys({"function", "k"}));
    step.kind = FilterStep::kTakeFirstK;
    const ConfigNode* k = node.Find("k");
    if (k == nullptr) return node.Error("k is missing: how many responses are kept");
    ABSL_ASSIGN_OR_RETURN(step.k, k->Integer(1, 1024));
    return step;
  }
  static const auto& plain = *new std::map<std::string, FilterStep::Kind>{
      {"majority_vote", FilterStep::kMajorityVote},
      {"take_first", FilterStep::kTakeFirst},
      {"remove_whitespace", FilterStep::kRemoveWhitespace},
      {"lowercase", FilterStep::kLowercase},
      {"uppercase", FilterStep::kUppercase}};
  const auto found = plain.find(name);
  if (found == plain.end()) {
    return function->Error(
        absl::StrCat("the filter \"", name,
                     "\" is not supported; the filters are lowercase, majority_vote, map, "
                     "multi_choice_regex, regex, remove_whitespace, take_first, take_first_k, "
                     "uppercase"));
  }
  ABSL_RETURN_IF_ERROR(node.CheckKeys({"function"}));
  step.kind = found->second;
  return step;
}

absl::Status ConfigParser::ReadFilters() {
  const ConfigNode* list = root_.Find("filter_list");
  if (list == nullptr) return absl::OkStatus();
  if (config_.output_type == OutputType::kMultipleChoice || config_.checker == CheckerKind::kMath) {
    return list->Error("filters are for checker exact_match and numeric");
  }
  if (list->kind() != ConfigNode::kList || list->list().empty()) {
    return list->Error("want a list of {name, filter}");
  }
  std::set<std::string> names;
  for (const ConfigNode& node : list->list()) {
    ABSL_RETURN_IF_ERROR(node.CheckKeys({"name", "filter"}));
    FilterPipeline pipeline;
    const ConfigNode* name = node.Find("name");
    const ConfigNode* steps = node.Find("filter");
    if (name == nullptr || steps == nullptr || steps->kind() != ConfigNode::kList) {
      return node.Error("want a name and a filter, which is a list of functions");
    }
    ABSL_ASSIGN_OR_RETURN(pipeline.name, name->String());
    if (!names.insert(pipeline.name).second) return name->Error("the name is there twice");
    for (const ConfigNode& step : steps->list()) {
      ABSL_ASSIGN_OR_RETURN(FilterStep read, ReadFilterStep(step));
      pipeline.steps.push_back(std::move(read));
    }
    const absl::Status planned = pipeline.PlanSelection(config_.samples);
    if (!planned.ok()) return steps->Error(planned.message());
    if (pipeline.among > 0) config_.fingerprint["among"].push_back(pipeline.among);
    config_.filters.push_back(std::move(pipeline));
  }
  return absl::OkStatus();
}

absl::Status ConfigParser::ReadIgnored(const ConfigNode& node, ExactMatchOptions& options) {
  for (const auto& [key, target] :
       {std::pair<const char*, bool*>{"ignore_case", &options.ignore_case},
        {"ignore_punctuation", &options.ignore_punctuation},
        {"ignore_numbers", &options.ignore_numbers}}) {
    const ConfigNode* option = node.Find(key);
    if (option == nullptr) continue;
    ABSL_ASSIGN_OR_RETURN(*target, option->Bool());
  }
  const ConfigNode* ignored = node.Find("regexes_to_ignore");
  if (ignored == nullptr) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(std::vector<std::string> patterns, ignored->Strings());
  for (const std::string& pattern : patterns) {
    auto regex = PyRegex::Compile(pattern);
    if (!regex.ok()) return ignored->Error(regex.status().message());
    options.regexes_to_ignore.push_back(*std::move(regex));
  }
  return absl::OkStatus();
}

absl::Status ConfigParser::ReadMetrics() {
  const ConfigNode* list = root_.Find("metric_list");
  if (list == nullptr) return absl::OkStatus();
  if (list->kind() != ConfigNode::kList) return list->Error("want a list of {metric: name}");
  if (config_.checker == CheckerKind::kMath) {
    return list->Error("checker math has metrics of its own: remove it");
  }
  const bool choice = config_.output_type == OutputType::kMultipleChoice;
  const std::set<std::string> supported =
      choice ? std::set<std::string>{"acc", "acc_norm", "acc_bytes", "exact_match"}
             : std::set<std::string>{"exact_match"};
  for (const ConfigNode& node : list->list()) {
    const ConfigNode* metric = node.Find("metric");
    if (metric == nullptr) return node.Error("the key metric is missing");
    ABSL_ASSIGN_OR_RETURN(std::string name, metric->String());
    if (supported.count(name) == 0) {
      return metric->Error(absl::StrCat("the metric \"", name, "\" is not supported for ",
                                        choice ? "multiple_choice" : "generate_until", "; want ",
                                        absl::StrJoin(supported, ", ")));
    }
    std::set<std::string> keys = {"metric", "aggregation", "higher_is_better"};
    if (choice) {
      keys.insert("weight_by_size");  // of groups of tasks
    } else {
      keys.insert({"ignore_case", "ignore_punctuation", "ignore_numbers", "regexes_to_ignore"});
    }
    ABSL_RETURN_IF_ERROR(node.CheckKeys(keys));
    const ConfigNode* aggregation = node.Find("aggregation");
    if (aggregation != nullptr) {
      ABSL_ASSIGN_OR_RETURN(std::string how, aggregation->String());
      if (how != "mean") return aggregation->Error(absl::StrCat("is \"", how, "\", want mean"));
    }
    config_.metrics.push_back(name);
    if (choice) continue;
    config_.has_comparison = true;
    ABSL_RETURN_IF_ERROR(ReadIgnored(node, config_.comparison));
  }
  if (std::set<std::string>(config_.metrics.begin(), config_.metrics.end()).size() !=
      config_.metrics.size()) {
    return list->Error("a metric is there twice");
  }
  return absl::OkStatus();
}

absl::Status ConfigParser::ReadTolerances() {
  for (const auto& [key, target] :
       {std::pair<const char*, ExactNumber*>{"tolerance", &config_.tolerance},
        {"relative_tolerance", &config_.relative_tolerance}}) {
    const ConfigNode* node = root_.Find(key);
    if (node == nullptr) continue;
    if (config_.checker != CheckerKind::kNumeric) return node->Error("is for checker numeric only");
    ABSL_ASSIGN_OR_RETURN(std::string text, node->Text());
    auto number = ParseExactNumber(text);
    if (!number.ok() || number->numerator < 0) {
      return node->Error(absl::StrCat("is \"", text, "\", want a number of at least 0"));
    }
    *target = *std::move(number);
  }
  return absl::OkStatus();
}

}  // namespace plumbline
