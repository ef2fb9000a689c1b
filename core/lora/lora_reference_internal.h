// The plain LoRA mathematics, as PEFT states it: the reference every fast path is compared with.
// Slow and obvious on purpose. Throws what ATen throws; for tests and load-time work.
#ifndef PLUMBLINE_CORE_LORA_LORA_REFERENCE_INTERNAL_H_
#define PLUMBLINE_CORE_LORA_LORA_REFERENCE_INTERNAL_H_

#include <ATen/core/Tensor.h>

#include "core/lora/lora_adapter_internal.h"

namespace plumbline {

// ΔW = scaling · B·A, fp32, in the layout of the base's weight: Linear [out, in], Conv1D [in, out],
// embedding [vocabulary, dimension].
at::Tensor MergedDelta(const LoraModule& module);

// DoRA's m' = magnitude / norm(W + ΔW), fp32 [out]; norms over the input features (Linear, Conv1D)
// or over the vocabulary (embedding). `base_weight` in its own layout, any dtype. Depends on
// weights only: compute it once.
at::Tensor DoraScale(const LoraModule& module, const at::Tensor& base_weight);
// The same of outputs [begin, begin + count): takes memory for so many rows of W only.
at::Tensor DoraScaleOf(const LoraModule& module, const at::Tensor& base_weight, int64_t begin,
                       int64_t count);

// Linear and Conv1D. x: [..., in], base_out: [..., out] = base(x), bias included. Returns
// base_out's shape and dtype: base_out + scaling·(B·A·x + lora_bias), computed in fp32. With a
// magnitude, `base_weight` and `base_bias` (undefined: none) are needed: base_out + (m' −
// 1)(base_out − bias) + m'·scaling·B·A·x.
at::Tensor ApplyReference(const at::Tensor& base_out, const at::Tensor& x, const LoraModule& module,
                          const at::Tensor& base_weight = {}, const at::Tensor& base_bias = {});

// Embedding. ids: [...] int64, base_out: [..., dimension] = base(ids), already scaled by
// `embed_scale` (Gemma; 1 elsewhere).
at::Tensor ApplyEmbeddingReference(const at::Tensor& base_out, const at::Tensor& ids,
                                   const LoraModule& module, double embed_scale = 1,
                                   const at::Tensor& base_weight = {});

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_LORA_LORA_REFERENCE_INTERNAL_H_
