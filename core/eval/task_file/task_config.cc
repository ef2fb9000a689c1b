#include "core/eval/task_file/task_config.h"

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/eval/task_file/task_config_internal.h"

namespace plumbline {
namespace {

// Keys of lm-eval that have no meaning here, each with what to do instead.
const std::map<std::string, std::string>& RefusedKeys() {
  static const auto& keys = *new std::map<std::string, std::string>{
      {"process_docs", "no Python runs here; prepare the data file instead"},
      {"process_results", "no Python runs here; use checker, filter_list and metric_list"},
      {"custom_dataset", "no Python runs here; write the data to a file"},
      {"use_prompt", "promptsource is not supported; write doc_to_text"},
      {"doc_to_image", "only text is supported"},
      {"doc_to_audio", "only text is supported"},
      {"group", "a task file describes one task"},
      {"template_aliases", "rename the fields in the data file"},
      {"class", "no Python runs here"},
  };
  return keys;
}

const std::set<std::string>& KnownKeys() {
  static const auto& keys = *new std::set<std::string>{
      "task", "task_alias", "tag", "dataset_path", "dataset_name", "dataset_kwargs",
      "training_split", "validation_split", "test_split", "fewshot_split", "output_type",
      "doc_to_text", "doc_to_target", "doc_to_choice", "description", "target_delimiter",
      "fewshot_delimiter", "num_fewshot", "fewshot_config", "generation_kwargs", "repeats",
      "filter_list", "metric_list", "metadata", "gen_prefix",
      // of no consequence: lm-eval 0.4.13 decontaminates nothing, and no code of a task runs here
      "should_decontaminate", "doc_to_decontamination_query", "unsafe_code",
      // ours
      "capability", "checker", "prompt_format", "version", "summary", "tolerance",
      "relative_tolerance", "key_field", "group_by"};
  return keys;
}

}  // namespace

absl::Status ConfigParser::CheckRootKeys() {
  if (root_.kind() != ConfigNode::kMap) {
    return root_.Error(absl::StrCat("the task file is ", ConfigNode::KindName(root_.kind()),
                                    ", want a map of keys"));
  }
  for (const auto& [key, node] : root_.map()) {
    const auto refused = RefusedKeys().find(key);
    if (refused != RefusedKeys().end() && !node.is_null()) {
      return node.Error(absl::StrCat("this key of lm-eval is not supported: ", refused->second));
    }
    if (refused == RefusedKeys().end() && KnownKeys().count(key) == 0) {
      return node.Error(
          absl::StrCat("unknown key; the keys are ", absl::StrJoin(KnownKeys(), ", ")));
    }
  }
  return RefuseNulls(root_, {"output_type", "target_delimiter", "fewshot_delimiter", "repeats"});
}

absl::Status ConfigParser::RefuseNulls(const ConfigNode& map, const std::set<std::string>& keys) {
  for (const auto& [key, node] : map.map()) {
    if (node.is_null() && keys.count(key) > 0) {
      return node.Error("is null, which lm-eval does not take for absent: remove it");
    }
  }
  return absl::OkStatus();
}

absl::Status ConfigParser::ReadNames() {
  const ConfigNode* name = root_.Find("task");
  if (name != nullptr) {
    ABSL_ASSIGN_OR_RETURN(config_.name, name->String());
    const absl::Status valid = ValidateTaskName(config_.name);
    if (!valid.ok()) return name->Error(valid.message());
  }
  ABSL_ASSIGN_OR_RETURN(config_.summary, StringOr("summary", ""));
  const ConfigNode* capability = root_.Find("capability");
  if (capability == nullptr) {
    config_.capability = "other";
    return absl::OkStatus();
  }
  ABSL_ASSIGN_OR_RETURN(config_.capability, capability->String());
  const absl::Status valid = ValidateCapability(config_.capability);
  if (!valid.ok()) return capability->Error(valid.message());
  return absl::OkStatus();
}

absl::Status ConfigParser::ReadKind() {
  const ConfigNode* output = root_.Find("output_type");
  if (output != nullptr) {
    ABSL_ASSIGN_OR_RETURN(std::string type, output->String());
    if (type == "multiple_choice") {
      config_.output_type = OutputType::kMultipleChoice;
    } else if (type != "generate_until") {
      return output->Error(absl::StrCat("\"", type,
                                        "\" is not supported; want generate_until or "
                                        "multiple_choice"));
    }
  }
  const bool choice = config_.output_type == OutputType::kMultipleChoice;
  config_.checker = choice ? CheckerKind::kChoice : CheckerKind::kExactMatch;
  const ConfigNode* checker = root_.Find("checker");
  if (checker != nullptr) {
    static const auto& kinds =
        *new std::map<std::string, CheckerKind>{{"exact_match", CheckerKind::kExactMatch},
                                                {"choice", CheckerKind::kChoice},
                                                {"ifbench", CheckerKind::kIfbench},
                                                {"ifeval", CheckerKind::kIfeval},
                                                {"math", CheckerKind::kMath},
                                                {"multi_if", CheckerKind::kMultiIf},
                                                {"numeric", CheckerKind::kNumeric}};
    ABSL_ASSIGN_OR_RETURN(std::string name, checker->String());
    const auto found = kinds.find(name);
    if (found == kinds.end()) {
      return checker->Error(
          absl::StrCat("unknown checker \"", name,
                       "\"; want choice, exact_match, ifbench, ifeval, math, multi_if or numeric"));
    }
    config_.checker = found->second;
    if ((config_.checker == CheckerKind::kChoice) != choice) {
      return checker->Error(absl::StrCat("\"", name, "\" does not go with output_type ",
                                         choice ? "multiple_choice" : "generate_until"));
    }
  }
  const bool ifeval = HasInstructionRows(config_.checker);
  config_.format = ifeval ? PromptFormat::kChat : PromptFormat::kPlain;
  if (ifeval && root_.Find("capability") == nullptr) config_.capability = "instruction_following";
  const ConfigNode* format = root_.Find("prompt_format");
  if (format != nullptr) {
    ABSL_ASSIGN_OR_RETURN(std::string name, format->String());
    if (name != "chat" && name != "plain") {
      return format->Error(absl::StrCat("is \"", name, "\", want chat or plain"));
    }
    config_.format = name == "chat" ? PromptFormat::kChat : PromptFormat::kPlain;
  }
  return absl::OkStatus();
}

absl::Status ValidateTaskName(absl::string_view name) {
  if (IsTaskName(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the task's name \"", name,
      "\" must be 1 to 128 of a-z, A-Z, 0-9, \"_\", \".\" and \"-\"; set it with the key "
      "\"task\" or rename the file"));
}

absl::StatusOr<TaskConfig> ParseTaskConfig(const ConfigNode& root) {
  return ConfigParser(root).Run();
}

}  // namespace plumbline
