#include <ATen/core/Tensor.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/lora/adapter_assembly_internal.h"
#include "core/lora/lora_adapter_internal.h"
#include "core/weights/torch_guard_internal.h"

namespace plumbline {
namespace {

// "/models/Qwen2.5-0.5B/" and "Qwen/Qwen2.5-0.5B" both name "Qwen2.5-0.5B".
std::string LastComponent(absl::string_view name) {
  name = absl::StripSuffix(name, "/");
  const size_t slash = name.rfind('/');
  return std::string(slash == absl::string_view::npos ? name : name.substr(slash + 1));
}

void CompareBase(const LoraConfig& config, const std::vector<std::string>& base_names,
                 std::vector<std::string>* warnings) {
  if (base_names.empty() || config.base_model_name_or_path.empty()) return;
  for (const std::string& name : base_names) {
    if (LastComponent(name) == LastComponent(config.base_model_name_or_path)) return;
  }
  warnings->push_back(absl::StrCat("adapter_config.json: base_model_name_or_path is \"",
                                   config.base_model_name_or_path, "\", the base is \"",
                                   base_names.front(), "\""));
}

absl::StatusOr<std::shared_ptr<const LoraAdapter>> Check(AdapterBytes files,
                                                         const std::string& directory,
                                                         const LoraLoadOptions& options) {
  ABSL_ASSIGN_OR_RETURN(LoraConfig config, ParseLoraConfig(files.config_json));
  absl::StatusOr<LoraTargeting> targeting = LoraTargeting::Compile(config);
  if (!targeting.ok()) return Annotate(targeting.status(), kAdapterConfigFile);
  ABSL_ASSIGN_OR_RETURN(const std::shared_ptr<const SafetensorsFile> file,
                        SafetensorsFile::Parse(std::move(files.tensors),
                                               absl::StrCat(directory, "/", kAdapterTensorFile)));
  AdapterAssembly assembly(config, *targeting, options);
  for (const TensorInfo& tensor : file->tensors()) {
    ABSL_RETURN_IF_ERROR(assembly.Add(file, tensor));
  }
  ABSL_ASSIGN_OR_RETURN(std::shared_ptr<LoraAdapter> adapter, assembly.Finish());
  adapter->version = std::move(files.version);
  adapter->config_json = std::move(files.config_json);
  adapter->file = file;
  std::vector<std::string> warnings = config.warnings;
  CompareBase(config, options.base_names, &warnings);
  warnings.insert(warnings.end(), adapter->warnings.begin(), adapter->warnings.end());
  adapter->warnings = std::move(warnings);
  adapter->config = std::move(config);
  return adapter;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const LoraAdapter>> CheckLoraAdapter(
    AdapterBytes files, const std::string& directory, const LoraLoadOptions& options) {
  return GuardTorch([&] { return Check(std::move(files), directory, options); }, directory);
}

absl::StatusOr<std::shared_ptr<const LoraAdapter>> LoadLoraAdapter(const std::string& directory,
                                                                   const LoraLoadOptions& options) {
  ABSL_ASSIGN_OR_RETURN(AdapterBytes files, ReadAdapterFiles(directory));
  return CheckLoraAdapter(std::move(files), directory, options);
}

}  // namespace plumbline
