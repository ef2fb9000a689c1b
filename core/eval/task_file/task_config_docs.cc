// The keys that make prompts and answers of rows: doc_to_..., description and few-shot examples.
#include "absl/strings/str_cat.h"
#include "core/eval/task_file/task_config_internal.h"

namespace plumbline {

absl::StatusOr<DocExpression> ConfigParser::ReadExpression(const ConfigNode& parent,
                                                           absl::string_view key) {
  DocExpression expression;
  const ConfigNode* node = parent.Find(key);
  if (node == nullptr) return expression;
  const bool is_target = key == "doc_to_target";
  expression.where = std::string(node->Error("").message());
  // "file:line: key: " without the last colon and space.
  expression.where.resize(expression.where.size() - 2);
  switch (node->kind()) {
    case ConfigNode::kString: {
      ABSL_ASSIGN_OR_RETURN(std::string text, node->String());
      expression.value = std::move(text);
      return expression;
    }
    case ConfigNode::kInteger: {
      ABSL_ASSIGN_OR_RETURN(int64_t index, node->Integer(0, 1000000));
      expression.value = nlohmann::ordered_json(index);
      return expression;
    }
    case ConfigNode::kList: {
      if (is_target) {  // indices too
        expression.value = node->Json();
        return expression;
      }
      ABSL_ASSIGN_OR_RETURN(std::vector<std::string> list, node->Strings());
      expression.value = nlohmann::ordered_json(list);
      return expression;
    }
    case ConfigNode::kMap: {
      auto values = nlohmann::ordered_json::array();
      for (const auto& [name, child] : node->map()) {
        ABSL_ASSIGN_OR_RETURN(std::string value, child.String());
        values.push_back(std::move(value));
      }
      expression.value = std::move(values);
      return expression;
    }
    default:
      if (is_target && node->kind() == ConfigNode::kBool) {
        expression.value = node->Json();
        return expression;
      }
      return node->Error(absl::StrCat("is ", ConfigNode::KindName(node->kind()),
                                      ", want a field's name, a template or a list"));
  }
}

absl::Status ConfigParser::ReadDocs() {
  ABSL_ASSIGN_OR_RETURN(config_.doc_to_text, ReadExpression(root_, "doc_to_text"));
  ABSL_ASSIGN_OR_RETURN(config_.doc_to_target, ReadExpression(root_, "doc_to_target"));
  ABSL_ASSIGN_OR_RETURN(config_.doc_to_choice, ReadExpression(root_, "doc_to_choice"));
  ABSL_ASSIGN_OR_RETURN(config_.description, ReadExpression(root_, "description"));
  ABSL_ASSIGN_OR_RETURN(config_.gen_prefix, ReadExpression(root_, "gen_prefix"));
  if (!config_.gen_prefix.empty() && config_.format == PromptFormat::kChat) {
    return root_.Find("gen_prefix")
        ->Error("is for plain prompts: no chat template here begins the assistant's turn with it");
  }
  ABSL_ASSIGN_OR_RETURN(config_.target_delimiter, StringOr("target_delimiter", " "));
  ABSL_ASSIGN_OR_RETURN(config_.fewshot_delimiter, StringOr("fewshot_delimiter", "\n\n"));
  if (HasInstructionRows(config_.checker)) {
    const std::string checker = config_.checker == CheckerKind::kIfeval    ? "ifeval"
                                : config_.checker == CheckerKind::kIfbench ? "ifbench"
                                                                           : "multi_if";
    for (const char* key : {"doc_to_target", "doc_to_choice", "description", "gen_prefix",
                            "num_fewshot", "fewshot_config", "filter_list", "metric_list"}) {
      const ConfigNode* node = root_.Find(key);
      if (node != nullptr &&
          !(absl::string_view(key) == "num_fewshot" && node->Integer(0, 0).ok())) {
        return node->Error(
            absl::StrCat("does not go with checker ", checker, ", whose rows say what is checked"));
      }
    }
    const auto* text = std::get_if<std::string>(&config_.doc_to_text.value);
    if (!config_.doc_to_text.empty() &&
        (text == nullptr ||
         (*text != "prompt" && *text != "{{prompt}}" && *text != "{{ prompt }}"))) {
      return root_.Find("doc_to_text")
          ->Error(absl::StrCat("checker ", checker, " asks the field prompt as it is: remove it"));
    }
    return absl::OkStatus();
  }
  if (config_.doc_to_text.empty()) {
    return root_.Error("doc_to_text is missing: a field's name or a template for the prompt");
  }
  if (config_.doc_to_target.empty()) {
    return root_.Error("doc_to_target is missing: a field's name or a template for the answer");
  }
  if (config_.output_type == OutputType::kMultipleChoice && config_.doc_to_choice.empty()) {
    return root_.Error("doc_to_choice is missing: output_type multiple_choice needs the choices");
  }
  const auto* choices = std::get_if<nlohmann::ordered_json>(&config_.doc_to_choice.value);
  if (choices != nullptr && !choices->is_array()) {
    return absl::InvalidArgumentError(absl::StrCat(
        config_.doc_to_choice.where, ": is an integer, want a list or a template for one"));
  }
  return absl::OkStatus();
}

absl::Status ConfigParser::ReadFewshot() {
  const ConfigNode* count = root_.Find("num_fewshot");
  if (count != nullptr) {
    ABSL_ASSIGN_OR_RETURN(int64_t shots, count->Integer(0, 256));
    config_.num_fewshot = static_cast<int>(shots);
  }
  const ConfigNode* fewshot = root_.Find("fewshot_config");
  if (fewshot == nullptr) return absl::OkStatus();
  ABSL_RETURN_IF_ERROR(fewshot->CheckKeys(
      {"sampler", "samples", "split", "doc_to_text", "doc_to_target", "doc_to_choice"}));
  ABSL_RETURN_IF_ERROR(RefuseNulls(*fewshot, {"sampler", "split", "doc_to_choice"}));
  const ConfigNode* sampler = fewshot->Find("sampler");
  if (sampler != nullptr) {
    ABSL_ASSIGN_OR_RETURN(std::string name, sampler->String());
    if (name != "default" && name != "first_n") {
      return sampler->Error(
          absl::StrCat("\"", name, "\" is not supported; want default or first_n"));
    }
    config_.fewshot_first_n = name == "first_n";
  }
  const ConfigNode* split = fewshot->Find("split");
  if (split != nullptr) {
    ABSL_ASSIGN_OR_RETURN(config_.fewshot_split, split->String());
    if (config_.data_files.count(config_.fewshot_split) == 0) {
      return split->Error(absl::StrCat("\"", config_.fewshot_split, "\" is not in data_files"));
    }
  }
  const ConfigNode* samples = fewshot->Find("samples");
  if (samples != nullptr) {
    if (!config_.fewshot_split.empty()) {
      return samples->Error("there are both samples and a few-shot split: keep one");
    }
    for (const ConfigNode& sample : samples->list()) {
      if (sample.kind() != ConfigNode::kMap) return sample.Error("want a map of fields");
      config_.fewshot_samples.push_back(sample.Json());
    }
    if (config_.fewshot_samples.empty()) return samples->Error("want a list of examples");
    config_.has_fewshot_samples = true;
  }
  ABSL_ASSIGN_OR_RETURN(config_.fewshot_doc_to_text, ReadExpression(*fewshot, "doc_to_text"));
  ABSL_ASSIGN_OR_RETURN(config_.fewshot_doc_to_target, ReadExpression(*fewshot, "doc_to_target"));
  ABSL_ASSIGN_OR_RETURN(config_.fewshot_doc_to_choice, ReadExpression(*fewshot, "doc_to_choice"));
  return absl::OkStatus();
}

}  // namespace plumbline
