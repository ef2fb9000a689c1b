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
      {"doc_to_decontamination_query", "decontamination is not supported"},
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
      "filter_list", "metric_list", "metadata", "gen_prefix", "should_decontaminate", "unsafe_code",
      // ours
      "capability", "checker", "prompt_format", "version", "summary", "tolerance",
      "relative_tolerance", "key_field"};
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
  for (const char* key : {"should_decontaminate", "unsafe_code"}) {
    const ConfigNode* node = root_.Find(key);
    if (node == nullptr) continue;
    ABSL_ASSIGN_OR_RETURN(bool on, node->Bool());
    if (on) return node->Error("is true, which is not supported");
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

absl::Status ConfigParser::ReadDataFiles(const ConfigNode& files) {
  if (files.kind() == ConfigNode::kMap) {
    for (const auto& [split, node] : files.map()) {
      ABSL_ASSIGN_OR_RETURN(config_.data_files[split], node.Strings());
    }
    return absl::OkStatus();
  }
  // Without a split's name the data is "train", as Hugging Face's reader has it.
  ABSL_ASSIGN_OR_RETURN(config_.data_files["train"], files.Strings());
  return absl::OkStatus();
}

absl::Status ConfigParser::ReadData() {
  const ConfigNode* path = root_.Find("dataset_path");
  if (path == nullptr) {
    return root_.Error(
        "dataset_path is missing: write \"dataset_path: json\" and name the files in "
        "dataset_kwargs.data_files");
  }
  ABSL_ASSIGN_OR_RETURN(std::string kind, path->String());
  if (kind != "json" && kind != "csv") {
    return path->Error(absl::StrCat(
        "\"", kind,
        "\" would be fetched from a hub, which is not supported; want json or csv, with local "
        "files in dataset_kwargs.data_files"));
  }
  const ConfigNode* dataset = root_.Find("dataset_name");
  if (dataset != nullptr) return dataset->Error("local data has no configurations: remove it");
  const ConfigNode* kwargs = root_.Find("dataset_kwargs");
  if (kwargs == nullptr) return root_.Error("dataset_kwargs.data_files is missing");
  ABSL_RETURN_IF_ERROR(kwargs->CheckKeys({"data_files", "field"}));
  const ConfigNode* files = kwargs->Find("data_files");
  if (files == nullptr) return kwargs->Error("data_files is missing");
  ABSL_RETURN_IF_ERROR(ReadDataFiles(*files));
  const ConfigNode* field = kwargs->Find("field");
  if (field != nullptr) {
    ABSL_ASSIGN_OR_RETURN(config_.data_field, field->String());
  }

  ABSL_ASSIGN_OR_RETURN(config_.training_split, StringOr("training_split", ""));
  ABSL_ASSIGN_OR_RETURN(config_.validation_split, StringOr("validation_split", ""));
  ABSL_ASSIGN_OR_RETURN(config_.test_split, StringOr("test_split", ""));
  ABSL_ASSIGN_OR_RETURN(config_.fewshot_split, StringOr("fewshot_split", ""));
  config_.eval_split = config_.test_split.empty() ? config_.validation_split : config_.test_split;
  if (config_.eval_split.empty()) {
    if (config_.data_files.size() != 1) {
      return root_.Error("test_split is missing, and there is more than one split to choose from");
    }
    config_.eval_split = config_.data_files.begin()->first;
    config_.test_split = config_.eval_split;
  }
  for (const char* key : {"training_split", "validation_split", "test_split", "fewshot_split"}) {
    const ConfigNode* node = root_.Find(key);
    if (node == nullptr) continue;
    ABSL_ASSIGN_OR_RETURN(std::string split, node->String());
    if (config_.data_files.count(split) == 0) {
      return node->Error(absl::StrCat("the split \"", split, "\" is not in data_files"));
    }
  }
  ABSL_ASSIGN_OR_RETURN(config_.key_field, StringOr("key_field", ""));
  return absl::OkStatus();
}

absl::StatusOr<DocExpression> ConfigParser::ReadExpression(const ConfigNode& parent,
                                                           absl::string_view key) {
  DocExpression expression;
  const ConfigNode* node = parent.Find(key);
  if (node == nullptr) return expression;
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
      expression.value = index;
      return expression;
    }
    case ConfigNode::kList: {
      ABSL_ASSIGN_OR_RETURN(std::vector<std::string> list, node->Strings());
      expression.value = std::move(list);
      return expression;
    }
    case ConfigNode::kMap: {
      std::vector<std::string> values;
      for (const auto& [name, child] : node->map()) {
        ABSL_ASSIGN_OR_RETURN(std::string value, child.String());
        values.push_back(std::move(value));
      }
      expression.value = std::move(values);
      return expression;
    }
    default:
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
  if (std::holds_alternative<int64_t>(config_.doc_to_choice.value)) {
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

absl::Status ConfigParser::ReadGeneration() {
  Decoding& decoding = config_.decoding;
  decoding.max_new_tokens = HasInstructionRows(config_.checker) ? 1280 : 256;
  if (!HasInstructionRows(config_.checker)) decoding.stop = {config_.fewshot_delimiter};
  const ConfigNode* repeats = root_.Find("repeats");
  if (repeats != nullptr) {
    ABSL_ASSIGN_OR_RETURN(int64_t samples, repeats->Integer(1, 1024));
    config_.samples = static_cast<int>(samples);
  }
  const ConfigNode* kwargs = root_.Find("generation_kwargs");
  if (config_.output_type == OutputType::kMultipleChoice) {
    if (kwargs != nullptr) {
      return kwargs->Error("output_type multiple_choice generates nothing: remove it");
    }
    if (config_.samples > 1) {
      return repeats->Error("a choice's log-likelihood is always the same: remove it");
    }
    return absl::OkStatus();
  }
  if (kwargs != nullptr) ABSL_RETURN_IF_ERROR(ReadDecoding(*kwargs));
  if (config_.samples > 1 && decoding.temperature == 0) {
    return repeats->Error(
        "is greater than 1 and decoding is greedy: every response would be the same; set do_sample "
        "and temperature in generation_kwargs");
  }
  return absl::OkStatus();
}

absl::Status ConfigParser::ReadDecoding(const ConfigNode& kwargs) {
  Decoding& decoding = config_.decoding;
  ABSL_RETURN_IF_ERROR(kwargs.CheckKeys(
      {"until", "max_gen_toks", "do_sample", "temperature", "top_k", "top_p", "seed"}));
  const ConfigNode* until = kwargs.Find("until");
  if (until != nullptr) {
    ABSL_ASSIGN_OR_RETURN(decoding.stop, until->Strings());
    for (const std::string& stop : decoding.stop) {
      if (stop.empty()) return until->Error("an empty stop string would end every response");
    }
  }
  const ConfigNode* max_tokens = kwargs.Find("max_gen_toks");
  if (max_tokens != nullptr) {
    ABSL_ASSIGN_OR_RETURN(int64_t limit, max_tokens->Integer(1, 1 << 20));
    decoding.max_new_tokens = static_cast<int>(limit);
  }
  const ConfigNode* temperature = kwargs.Find("temperature");
  if (temperature != nullptr) {
    ABSL_ASSIGN_OR_RETURN(decoding.temperature, temperature->Number(0, 100));
  }
  const ConfigNode* do_sample = kwargs.Find("do_sample");
  if (do_sample != nullptr) {
    ABSL_ASSIGN_OR_RETURN(bool sample, do_sample->Bool());
    if (!sample) decoding.temperature = 0;
    if (sample && temperature == nullptr) decoding.temperature = 1;
  }
  const ConfigNode* top_k = kwargs.Find("top_k");
  if (top_k != nullptr) {
    ABSL_ASSIGN_OR_RETURN(int64_t k, top_k->Integer(0, 1 << 20));
    decoding.top_k = static_cast<int>(k);
  }
  const ConfigNode* top_p = kwargs.Find("top_p");
  if (top_p != nullptr) {
    ABSL_ASSIGN_OR_RETURN(decoding.top_p, top_p->Number(1e-9, 1));
  }
  const ConfigNode* seed = kwargs.Find("seed");
  if (seed != nullptr) {
    ABSL_ASSIGN_OR_RETURN(int64_t value, seed->Integer(0, INT64_MAX));
    decoding.seed = static_cast<uint64_t>(value);
  }
  return absl::OkStatus();
}

absl::Status ValidateTaskName(absl::string_view name) {
  bool fine = !name.empty() && name.size() <= 64;
  for (char c : name) {
    fine = fine &&
           ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-');
  }
  if (fine) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the task's name \"", name,
                   "\" must be 1 to 64 of a-z, 0-9, \"_\", \".\" and \"-\"; set it with the key "
                   "\"task\" or rename the file"));
}

absl::StatusOr<TaskConfig> ParseTaskConfig(const ConfigNode& root) {
  return ConfigParser(root).Run();
}

}  // namespace plumbline
