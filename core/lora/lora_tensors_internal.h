// Small questions about an adapter's tensors. They throw what ATen throws; CheckLoraAdapter
// catches.
#ifndef PLUMBLINE_CORE_LORA_LORA_TENSORS_INTERNAL_H_
#define PLUMBLINE_CORE_LORA_LORA_TENSORS_INTERNAL_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/lora/lora_adapter_internal.h"

namespace plumbline {

// InvalidArgument "<where>: shape [8,4096], want [r,2048]"; a wanted -1 is free and shown as r.
absl::Status CheckShape(absl::Span<const int64_t> shape, absl::Span<const int64_t> want,
                        const std::string& where);
bool AllFinite(const at::Tensor& tensor);
bool AnyNonZero(const at::Tensor& tensor);
// Same shape and, after casting to `base`'s dtype, the same values: loading `stored` into the base
// changes nothing.
bool EqualsBase(const at::Tensor& stored, const at::Tensor& base);
// ‖scaling · B·A‖ (Frobenius), without making B·A: √ Σ (A·Aᵀ ∘ Bᵀ·B) × |scaling|. Exactly 0 where
// B·A is, in fp32; positive otherwise.
double DeltaNorm(const LoraModule& module);
// Rows [n, dimension], listed by `from`, in the order of `to`, a permutation of it.
at::Tensor RowsInOrder(const at::Tensor& rows, const std::vector<int64_t>& from,
                       const std::vector<int64_t>& to);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_LORA_LORA_TENSORS_INTERNAL_H_
