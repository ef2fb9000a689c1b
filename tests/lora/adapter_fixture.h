// A base of two small layers and a good adapter for it, to be spoilt by tests.
#ifndef PLUMBLINE_TESTS_LORA_ADAPTER_FIXTURE_H_
#define PLUMBLINE_TESTS_LORA_ADAPTER_FIXTURE_H_

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/lora/lora_adapter_internal.h"
#include "core/lora/target_module.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temp_dir.h"

namespace plumbline {

// Llama's names: vocabulary 16, hidden 8, v_proj 8 → 4, mlp 8 → 12 → 8, q_proj and norms' kinds as
// in Qwen2 (q_proj has a bias). The output head is not tied.
std::vector<TargetModule> SmallBase();
// As SmallBase, the output head tied to the embedding.
std::vector<TargetModule> TiedBase();

// Prefix of every key PEFT writes.
inline constexpr char kPrefix[] = "base_model.model.";

struct AdapterFiles {
  nlohmann::ordered_json config;
  std::vector<TensorSpec> tensors;

  // r 2, alpha 4 on q_proj and v_proj of both layers, as PEFT writes it.
  static AdapterFiles Good();
  // lora_A and lora_B of one module. `seed` makes the values.
  void AddLora(const std::string& module, int64_t rank, int64_t in, int64_t out, uint32_t seed);
  // The tensor of that name (with or without the prefix); a test failure when there is none.
  TensorSpec& At(const std::string& name);
  void Remove(const std::string& name);
  void Write(const TempDir& dir) const;
};

// Loads from `dir` for `base`, every feature supported unless said otherwise.
absl::StatusOr<std::shared_ptr<const LoraAdapter>> LoadFrom(
    const std::string& dir, const std::vector<TargetModule>& base,
    LoraFeatureSet supported = LoraFeatureSet::All());

// Writes and loads.
absl::StatusOr<std::shared_ptr<const LoraAdapter>> LoadFiles(
    const AdapterFiles& files, const std::vector<TargetModule>& base = SmallBase(),
    LoraFeatureSet supported = LoraFeatureSet::All());

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_LORA_ADAPTER_FIXTURE_H_
