// What a base model offers an adapter: its modules by transformers' names, and what of an adapter
// the engine can apply. The model's builder fills the list, core/lora checks adapters against it.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_LORA_TARGET_MODULE_H_
#define PLUMBLINE_CORE_LORA_TARGET_MODULE_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace plumbline {

enum class TargetKind {
  kLinear,     // torch.nn.Linear, weight [out, in]
  kConv1d,     // transformers' Conv1D (GPT-2), weight [in, out]
  kEmbedding,  // weight [in = vocabulary, out = dimension]
  kNorm,       // weight [out]; in == out
};

// One module of the base. Names are those of transformers' named_modules() on the …ForCausalLM
// class, whatever the checkpoint's keys look like: "model.layers.0.self_attn.q_proj", "lm_head",
// "transformer.h.0.attn.c_attn". List every module with parameters, norms too: bias=all and
// modules_to_save may name them.
struct TargetModule {
  std::string name;
  TargetKind kind = TargetKind::kLinear;
  int64_t in_features = 0;
  int64_t out_features = 0;
  bool has_bias = false;
  // The output head (lm_head). "all-linear" leaves it out.
  bool is_output_head = false;
  // This module's weight is the same parameter as that module's ("lm_head" tied to
  // "model.embed_tokens"); empty: its own.
  std::string tied_to;
};

// The shape of the module's weight as the checkpoint lays it out (TargetKind).
std::vector<int64_t> WeightShape(const TargetModule& module);

// Whether a list of module names with `entry` means the module `name`: the whole name, or its last
// components, as PEFT takes it.
bool MatchesEntry(absl::string_view name, absl::string_view entry);

// What an adapter may ask of the forward pass.
enum class LoraFeature : uint32_t {
  kLinear = 1u << 0,           // LoRA on Linear
  kConv1d = 1u << 1,           // LoRA on Conv1D (fan_in_fan_out)
  kEmbedding = 1u << 2,        // LoRA on an embedding: lora_embedding_A/B
  kOutputHead = 1u << 3,       // LoRA on the output head
  kDora = 1u << 4,             // magnitudes on Linear and Conv1D
  kDoraEmbedding = 1u << 5,    // magnitudes on an embedding
  kLoraBias = 1u << 6,         // lora_B.bias
  kBias = 1u << 7,             // trained base biases: bias = all or lora_only
  kModulesToSave = 1u << 8,    // whole replaced modules
  kTrainableTokens = 1u << 9,  // replaced rows of an embedding
};

// The option an adapter's author would know it by, e.g. "use_dora".
absl::string_view LoraFeatureName(LoraFeature feature);

// A set of features: what the engine's forward can apply. An adapter that needs another one is
// refused by the feature's name. Widen it where the forward is implemented.
class LoraFeatureSet {
 public:
  constexpr LoraFeatureSet() = default;
  constexpr LoraFeatureSet(std::initializer_list<LoraFeature> features) {
    for (LoraFeature feature : features) bits_ |= static_cast<uint32_t>(feature);
  }
  static constexpr LoraFeatureSet All() {
    LoraFeatureSet all;
    all.bits_ = (1u << 10) - 1;
    return all;
  }
  constexpr bool Contains(LoraFeature feature) const {
    return (bits_ & static_cast<uint32_t>(feature)) != 0;
  }

 private:
  uint32_t bits_ = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_LORA_TARGET_MODULE_H_
