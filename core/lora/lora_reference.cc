#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>

#include "core/lora/lora_reference_internal.h"

namespace plumbline {
namespace {

bool IsTransposed(const LoraModule& module) {
  return module.target.kind == TargetKind::kConv1d || module.target.kind == TargetKind::kEmbedding;
}

}  // namespace

at::Tensor MergedDelta(const LoraModule& module) {
  const at::Tensor delta = at::matmul(module.b, module.a).mul(module.scaling);  // [out, in]
  return IsTransposed(module) ? delta.t().contiguous() : delta;
}

at::Tensor DoraScale(const LoraModule& module, const at::Tensor& base_weight) {
  return DoraScaleOf(module, base_weight, 0, module.b.size(0));
}

at::Tensor DoraScaleOf(const LoraModule& module, const at::Tensor& base_weight, int64_t begin,
                       int64_t count) {
  // [out, in] in every kind: norms are over the second dimension.
  const at::Tensor by_output = IsTransposed(module) ? base_weight.t() : base_weight;
  const at::Tensor rows = by_output.narrow(0, begin, count).to(at::kFloat);
  const at::Tensor b = module.b.narrow(0, begin, count);
  const at::Tensor changed = rows + at::matmul(b, module.a).mul(module.scaling);
  const int64_t over_inputs[] = {1};
  return module.magnitude.narrow(0, begin, count) / at::linalg_vector_norm(changed, 2, over_inputs);
}

at::Tensor ApplyReference(const at::Tensor& base_out, const at::Tensor& x, const LoraModule& module,
                          const at::Tensor& base_weight, const at::Tensor& base_bias) {
  const at::Tensor base = base_out.to(at::kFloat);
  at::Tensor lora = at::linear(at::linear(x.to(at::kFloat), module.a), module.b);
  if (module.lora_bias.defined()) lora = lora + module.lora_bias;
  lora = lora * module.scaling;
  if (!module.magnitude.defined()) return (base + lora).to(base_out.scalar_type());
  const at::Tensor scale = DoraScale(module, base_weight);
  const at::Tensor unbiased = base_bias.defined() ? base - base_bias.to(at::kFloat) : base;
  return (base + (scale - 1) * unbiased + scale * lora).to(base_out.scalar_type());
}

at::Tensor ApplyEmbeddingReference(const at::Tensor& base_out, const at::Tensor& ids,
                                   const LoraModule& module, double embed_scale,
                                   const at::Tensor& base_weight) {
  const at::Tensor base = base_out.to(at::kFloat);
  const at::Tensor rows = at::embedding(module.a.t().contiguous(), ids);  // [..., r]
  const at::Tensor lora = at::matmul(rows, module.b.t()).mul(module.scaling * embed_scale);
  if (!module.magnitude.defined()) return (base + lora).to(base_out.scalar_type());
  const at::Tensor scale = DoraScale(module, base_weight);
  return (scale * (base + lora)).to(base_out.scalar_type());
}

}  // namespace plumbline
