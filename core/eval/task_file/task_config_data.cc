// The keys that say which rows there are: the data files and their splits.
#include "absl/strings/str_cat.h"
#include "core/eval/task_file/task_config_internal.h"

namespace plumbline {

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
  ABSL_RETURN_IF_ERROR(kwargs->CheckKeys({"data_files", "field", "trust_remote_code"}));
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
  ABSL_ASSIGN_OR_RETURN(config_.group_by, StringOr("group_by", ""));
  return absl::OkStatus();
}

}  // namespace plumbline
