// Makes a LoraAdapter of the tensors of a file, one by one, and keeps the book on which were used.
//
// Add() files each tensor under its module and part. Finish() turns every module's parts into what
// the engine applies, checks them against configuration and base, and refuses what is left over or
// missing. Every tensor is counted where it is put into the adapter, nowhere else.
//
// adapter_assembly.cc: tensors, low-rank branches, values. adapter_replacements.cc: what is brought
// whole. adapter_completeness.cc: trained tokens, and that nothing is missing.
#ifndef PLUMBLINE_CORE_LORA_ADAPTER_ASSEMBLY_INTERNAL_H_
#define PLUMBLINE_CORE_LORA_ADAPTER_ASSEMBLY_INTERNAL_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/lora/adapter_keys.h"
#include "core/lora/lora_adapter_internal.h"
#include "core/weights/safetensors.h"

namespace plumbline {

// Thread-compatible; for one file.
class AdapterAssembly {
 public:
  // All borrowed; they outlive the assembly.
  AdapterAssembly(const LoraConfig& config, const LoraTargeting& targeting,
                  const LoraLoadOptions& options);

  // Checks the name, dtype and module of a tensor and keeps it. Errors name the tensor.
  absl::Status Add(const std::shared_ptr<const SafetensorsFile>& file, const TensorInfo& info);

  // Call once, after the last Add.
  absl::StatusOr<std::shared_ptr<LoraAdapter>> Finish();

 private:
  struct Entry {
    std::string key;  // as in the file
    std::shared_ptr<const SafetensorsFile> file;
    const TensorInfo* info;
    bool applied = false;
  };
  using Parts = std::map<AdapterPart, Entry>;

  // A whole weight that may equal the base's.
  struct Whole {
    at::Tensor weight;
    bool is_base = false;  // bit-equal to the base's own
  };

  // "model.layers.0.mlp.up_proj.lora_A", for errors.
  static std::string Where(absl::string_view module, AdapterPart part);
  const TargetModule* FindModule(absl::string_view name) const;
  absl::Status NoModule(const std::string& key, const std::string& module) const;
  absl::Status CheckUniform(const std::string& key, const AdapterKey& parsed);
  absl::Status Need(LoraFeature feature, const std::string& where) const;

  // Takes a part as a tensor of the file's dtype, counts it as applied, checks its shape.
  // Dimensions of -1 are free and shown as `r`. Its values are looked at later: CheckValues.
  absl::StatusOr<at::Tensor> Take(const std::string& module, AdapterPart part, Parts& parts,
                                  const std::vector<int64_t>& shape);
  absl::StatusOr<at::Tensor> TakeFloat(const std::string& module, AdapterPart part, Parts& parts,
                                       const std::vector<int64_t>& shape);
  absl::StatusOr<Whole> TakeWhole(const TargetModule& target, AdapterPart part, Parts& parts);

  absl::Status BuildModule(const TargetModule& target, Parts& parts);
  absl::Status BuildLora(const TargetModule& target, Parts& parts);
  absl::Status BuildLoraExtras(const TargetModule& target, Parts& parts, LoraModule& module);
  absl::Status CheckRank(const LoraModule& module) const;
  absl::Status NeedForLora(const LoraModule& module) const;
  absl::Status BuildSaved(const TargetModule& target, Parts& parts);
  absl::Status TakeSavedCopies(const TargetModule& target, Parts& parts, const at::Tensor& bias);
  absl::Status BuildStoredWeight(const TargetModule& target, AdapterPart part, Parts& parts);
  absl::Status BuildBias(const TargetModule& target, AdapterPart part, Parts& parts);
  absl::Status BuildTokens(const TargetModule& target, Parts& parts);

  // Whether PEFT puts a LoRA on the module: as the configuration says, or because it is tied to an
  // embedding that has one (ensure_weight_tying).
  bool HasLoraInPeft(const TargetModule& target) const;
  // What takes a pass over all values, on all threads: finite ones only, and the modules' norms.
  absl::Status CheckValues();
  absl::Status CheckTied() const;
  absl::Status CheckTargetsPresent() const;
  absl::Status CheckSavedPresent() const;
  absl::Status CheckBiasesPresent() const;
  absl::Status CheckTokensPresent() const;
  absl::Status CheckEffect() const;
  std::vector<const TargetModule*> TiedWith(const TargetModule& target) const;
  std::vector<const TargetModule*> TokenTargets(const std::string& name) const;
  const std::vector<int64_t>* TokenIndices(const TargetModule& target) const;

  const LoraConfig& config_;
  const LoraTargeting& targeting_;
  const LoraLoadOptions& options_;
  absl::flat_hash_map<std::string, const TargetModule*> base_;
  std::map<std::string, Parts> found_;  // by module
  // Tensors that must be finite, and what is to be said otherwise.
  std::vector<std::pair<at::Tensor, std::string>> to_be_finite_;
  std::optional<bool> has_prefix_;
  std::optional<std::string> adapter_name_;
  std::shared_ptr<LoraAdapter> adapter_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_LORA_ADAPTER_ASSEMBLY_INTERNAL_H_
