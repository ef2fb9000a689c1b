// The names of tensors in adapter_model.safetensors, taken apart. The grammar is at the top of
// adapter_keys.cc.
#ifndef PLUMBLINE_CORE_LORA_ADAPTER_KEYS_H_
#define PLUMBLINE_CORE_LORA_ADAPTER_KEYS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// What a tensor is to its module.
enum class AdapterPart {
  kLoraA,          // lora_A.weight
  kLoraB,          // lora_B.weight
  kLoraBBias,      // lora_B.bias
  kMagnitude,      // lora_magnitude_vector
  kEmbeddingA,     // lora_embedding_A
  kEmbeddingB,     // lora_embedding_B
  kBaseWeight,     // base_layer.weight: the weight under a LoRA
  kBaseBias,       // base_layer.bias: the bias under a LoRA
  kWeight,         // weight: of a module without a LoRA
  kBias,           // bias: of a module without a LoRA
  kSavedBias,      // modules_to_save.bias: written beside "bias" when bias=all, equal to it
  kOriginalBias,   // original_module.bias: the base's, out of use under modules_to_save
  kTrainedTokens,  // token_adapter.trainable_tokens_delta
};

// The part's name in errors: "lora_A", "lora_magnitude_vector", "weight", …
absl::string_view AdapterPartName(AdapterPart part);

struct AdapterKey {
  std::string module;  // "model.layers.0.self_attn.q_proj"
  AdapterPart part;
  bool has_prefix = false;   // began with "base_model.model."
  std::string adapter_name;  // infix, e.g. "default"; empty: none
};

// InvalidArgument: not a LoRA adapter's key; a key of another method (LoHa, LoKr, IA3, VeRA,
// AdaLoRA, …) is named as such.
absl::StatusOr<AdapterKey> ParseAdapterKey(absl::string_view key);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_LORA_ADAPTER_KEYS_H_
