// A decoder's weights in memory, ready for the kernels: every linear group packed into panels once,
// norms in fp32, embeddings as they lie in the checkpoint.
//
// Island-internal: names torch types.
#ifndef PLUMBLINE_CORE_MODEL_DECODER_WEIGHTS_INTERNAL_H_
#define PLUMBLINE_CORE_MODEL_DECODER_WEIGHTS_INTERNAL_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/lora/target_module.h"
#include "core/model/aligned_buffer.h"
#include "core/model/decoder_spec.h"
#include "core/model/thread_pool.h"
#include "core/weights/checkpoint_internal.h"

namespace plumbline {

// Linear layers that share an input, packed side by side: y = x · Wᵀ + b, outputs in order.
template <typename T>
struct PackedLinear {
  int64_t in = 0;
  int64_t out = 0;
  AlignedBuffer<T> panels;
  std::vector<float> bias;  // [out] or empty
};

struct NormWeights {
  std::vector<float> weight;  // [n]; empty: there is no such norm
  std::vector<float> bias;    // [n], LayerNorm only
  bool present() const { return !weight.empty(); }
};

template <typename T>
struct LayerWeights {
  NormWeights before_attention, after_attention, before_mlp, after_mlp;  // [E]
  NormWeights q_norm, k_norm;     // [D], or [H·D] and [G·D]
  PackedLinear<T> attention_in;   // E → (H + 2G)·D
  PackedLinear<T> attention_out;  // H·D → E
  PackedLinear<T> mlp_in;         // E → 2F, gate first; or F
  PackedLinear<T> mlp_out;        // F → E
};

template <typename T>
struct DecoderWeights {
  at::Tensor embedding;  // [V, E] of T; undefined when it is the head (whose panels hold it)
  at::Tensor position_embedding;  // [context, E] of T or undefined
  std::vector<LayerWeights<T>> layers;
  NormWeights final_norm;  // [E]
  PackedLinear<T> head;    // E → V
  int64_t bytes = 0;
  int64_t parameters = 0;
};

// Full names in the checkpoint, as PEFT writes them.
std::string LayerModuleName(const DecoderSpec& spec, int64_t layer, absl::string_view name);
std::string ModuleName(const DecoderSpec& spec, absl::string_view name);

// A tensor by module and parameter ("weight", "bias"); the checkpoint may lack the prefix. Errors
// name the tensor. Unimplemented: integers, that is, quantised weights.
absl::StatusOr<at::Tensor> LoadParameter(const DecoderSpec& spec, const Checkpoint& checkpoint,
                                         absl::string_view module, absl::string_view parameter,
                                         absl::Span<const int64_t> shape);

// A checkpoint that says its head is tied and has another one all the same means the other one, as
// transformers 5 takes it: then spec.tied_head becomes false.
absl::Status SettleTiedHead(const Checkpoint& checkpoint, DecoderSpec& spec);

// LoadParameter for a module, "weight" in the checkpoint's layout; of a tied module the owner's.
absl::StatusOr<at::Tensor> LoadModuleParameter(const DecoderSpec& spec,
                                               const Checkpoint& checkpoint,
                                               const TargetModule& module,
                                               absl::string_view parameter);

// Reads and packs everything. InvalidArgument: a missing tensor or another shape, by name.
template <typename T>
absl::StatusOr<DecoderWeights<T>> LoadDecoderWeights(const DecoderSpec& spec,
                                                     const Checkpoint& checkpoint,
                                                     ThreadPool& threads);

// Every module with parameters, under transformers' names: what an adapter may name.
std::vector<TargetModule> ModulesOf(const DecoderSpec& spec);

// The checkpoint's tensors that no module reads, but for those that transformers keeps in old files
// and never reads (RoPE's frequencies, GPT-2's masks, the copy of a tied head); sorted.
std::vector<std::string> UnusedTensors(const DecoderSpec& spec, const Checkpoint& checkpoint);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_DECODER_WEIGHTS_INTERNAL_H_
