// An adapter's directory:
//   adapter_config.json         lora_config.h
//   adapter_model.safetensors   adapter_keys.cc for the names, safetensors.cc for the format
// Other files (README.md, tokenizer, optimiser state) are not read. adapter_model.bin is never
// read.
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>
#include <sys/stat.h>

#include <filesystem>
#include <new>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/file_bytes.h"
#include "core/base/status_macros.h"
#include "core/lora/adapter_assembly_internal.h"
#include "core/lora/lora_adapter_internal.h"

namespace plumbline {
namespace {

namespace fs = std::filesystem;

constexpr char kPickleFile[] = "adapter_model.bin";

bool Exists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

// Why a directory is no adapter: a checkpoint, an adapter one folder below, or nothing known.
absl::Status NoConfig(const std::string& directory) {
  std::error_code error;
  if (fs::directory_iterator entries(directory, error); !error) {
    for (; entries != fs::directory_iterator(); entries.increment(error)) {
      if (error) break;
      if (Exists(absl::StrCat(entries->path().string(), "/", kAdapterConfigFile))) {
        return absl::NotFoundError(absl::StrCat(directory, ": no ", kAdapterConfigFile, "; is \"",
                                                entries->path().string(), "\" meant?"));
      }
    }
  } else {
    return ErrnoStatus(error.value(), "read the adapter directory", directory);
  }
  if (Exists(absl::StrCat(directory, "/config.json"))) {
    return absl::NotFoundError(absl::StrCat(directory, ": no ", kAdapterConfigFile,
                                            ": a model's checkpoint, not a PEFT adapter"));
  }
  return absl::NotFoundError(absl::StrCat(directory, ": no ", kAdapterConfigFile));
}

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

absl::StatusOr<std::shared_ptr<const LoraAdapter>> Load(const std::string& directory,
                                                        const LoraLoadOptions& options) {
  const std::string config_path = absl::StrCat(directory, "/", kAdapterConfigFile);
  const std::string tensor_path = absl::StrCat(directory, "/", kAdapterTensorFile);
  if (!Exists(config_path)) return NoConfig(directory);
  ABSL_ASSIGN_OR_RETURN(const std::string config_json,
                        ReadFileBytes(config_path, kMaxAdapterConfigBytes));
  ABSL_ASSIGN_OR_RETURN(LoraConfig config, ParseLoraConfig(config_json));
  absl::StatusOr<LoraTargeting> targeting = LoraTargeting::Compile(config);
  if (!targeting.ok()) return Annotate(targeting.status(), kAdapterConfigFile);
  if (!Exists(tensor_path) && Exists(absl::StrCat(directory, "/", kPickleFile))) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory, ": only pickled weights (", kPickleFile,
                     "): pickles can run code and are never loaded; convert to safetensors"));
  }
  ABSL_ASSIGN_OR_RETURN(const std::shared_ptr<const SafetensorsFile> file,
                        SafetensorsFile::Read(tensor_path, options.max_file_bytes));

  AdapterAssembly assembly(config, *targeting, options);
  for (const TensorInfo& tensor : file->tensors()) {
    ABSL_RETURN_IF_ERROR(assembly.Add(file, tensor));
  }
  ABSL_ASSIGN_OR_RETURN(std::shared_ptr<LoraAdapter> adapter, assembly.Finish());
  adapter->version = AdapterVersion(config_json, file->bytes());
  std::vector<std::string> warnings = config.warnings;
  CompareBase(config, options.base_names, &warnings);
  warnings.insert(warnings.end(), adapter->warnings.begin(), adapter->warnings.end());
  adapter->warnings = std::move(warnings);
  adapter->config = std::move(config);
  return adapter;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const LoraAdapter>> LoadLoraAdapter(const std::string& directory,
                                                                   const LoraLoadOptions& options) {
  try {
    return Load(directory, options);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(
        absl::StrCat(directory, ": no memory for the adapter's tensors"));
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    if (absl::StrContains(what, "allocate memory")) {
      return absl::ResourceExhaustedError(absl::StrCat(directory, ": ", what));
    }
    return absl::InternalError(absl::StrCat(directory, ": ", what));
  }
}

}  // namespace plumbline
