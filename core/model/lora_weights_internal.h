// An adapter's low-rank branches packed for one decoder: the bank's slot.
//
// The modules of a group share their input, so their A matrices are stacked and h = A·x is one
// product; each module's B then adds to its own columns. Everything is fp32, whatever the base, as
// PEFT computes it. Products run in the same fixed order as the base's (kernels.h), and an
// adapter's rows are computed from its own slot only: neither the other adapters of a batch nor
// their ranks touch a row's bits.
//
// Island-internal: names torch types.
#ifndef PLUMBLINE_CORE_MODEL_LORA_WEIGHTS_INTERNAL_H_
#define PLUMBLINE_CORE_MODEL_LORA_WEIGHTS_INTERNAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "core/lora/lora_adapter_internal.h"
#include "core/model/aligned_buffer.h"
#include "core/model/decoder_spec.h"

namespace plumbline {

// One module's branch: y[columns] += scaling · (B·h[ranks] + lora_bias), or DoRA's formula.
struct LoraPart {
  int64_t rank_begin = 0;  // in the group's stacked h
  int64_t rank = 0;        // 0: only lora_bias (a replaced base bias)
  int64_t column_begin = 0;
  int64_t columns = 0;
  float scaling = 1;
  AlignedBuffer<float> b;        // panels of B [columns, rank]
  std::vector<float> lora_bias;  // [columns] or empty
  std::vector<float> magnitude;  // DoRA's m' [columns] or empty
  std::vector<float> base_bias;  // [columns] or empty; DoRA only
};

struct LoraGroup {
  int64_t rank = 0;  // Σ of the parts'
  int64_t in = 0;
  AlignedBuffer<float> a;  // panels of the stacked A [rank, in]
  std::vector<LoraPart> parts;
  bool present() const { return !parts.empty(); }
};

struct LoraLayer {
  LoraGroup attention_in, attention_out, mlp_in, mlp_out;
};

// Immutable once built.
struct LoraWeights {
  std::string version;
  std::vector<LoraLayer> layers;
  LoraGroup head;
  int64_t max_rank = 0;  // of any group
  int64_t bytes = 0;
};

// What the decoder can apply; anything else is refused by core/lora, by name.
LoraFeatureSet SupportedLoraFeatures();

// The base's parameter of a module: ("model.layers.0.self_attn.q_proj", "weight").
using BaseParameter =
    absl::FunctionRef<absl::StatusOr<at::Tensor>(const TargetModule&, absl::string_view)>;

// Packs `adapter`. InvalidArgument: a module the decoder does not know. Touches no decoder state:
// call it from any thread.
absl::StatusOr<std::shared_ptr<const LoraWeights>> PackLora(const DecoderSpec& spec,
                                                            const LoraAdapter& adapter,
                                                            BaseParameter base);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_LORA_WEIGHTS_INTERNAL_H_
