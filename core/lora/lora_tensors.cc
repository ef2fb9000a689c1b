#include <ATen/core/Tensor.h>
#include <ATen/ops/all.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/lora/lora_tensors_internal.h"
#include "core/weights/safetensors.h"

namespace plumbline {

absl::Status CheckShape(absl::Span<const int64_t> shape, absl::Span<const int64_t> want,
                        const std::string& where) {
  bool same = shape.size() == want.size();
  for (size_t i = 0; same && i < shape.size(); ++i) same = want[i] == -1 || want[i] == shape[i];
  if (same) return absl::OkStatus();
  const std::string wanted = absl::StrJoin(want, ",", [](std::string* out, int64_t dimension) {
    absl::StrAppend(out, dimension == -1 ? "r" : absl::StrCat(dimension));
  });
  return absl::InvalidArgumentError(
      absl::StrCat(where, ": shape ", ShapeString(shape), ", want [", wanted, "]"));
}

namespace {

// One pass without temporaries: the exponent of NaN and infinity is all ones.
template <typename Word>
bool NoExponentIsFull(const at::Tensor& tensor, Word exponent) {
  const char* data = static_cast<const char*>(tensor.const_data_ptr());
  Word full = 0;
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    Word bits;
    std::memcpy(&bits, data + i * static_cast<int64_t>(sizeof(Word)), sizeof(Word));
    full |= static_cast<Word>((bits & exponent) == exponent);
  }
  return full == 0;
}

}  // namespace

bool AllFinite(const at::Tensor& tensor) {
  if (!tensor.is_contiguous()) return AllFinite(tensor.contiguous());
  switch (tensor.scalar_type()) {
    case at::kDouble:
      return NoExponentIsFull<uint64_t>(tensor, 0x7ff0'0000'0000'0000);
    case at::kFloat:
      return NoExponentIsFull<uint32_t>(tensor, 0x7f80'0000);
    case at::kBFloat16:
      return NoExponentIsFull<uint16_t>(tensor, 0x7f80);
    case at::kHalf:
      return NoExponentIsFull<uint16_t>(tensor, 0x7c00);
    default:
      return at::isfinite(tensor).all().item<bool>();
  }
}

bool AnyNonZero(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kFloat).contiguous();
  const float* begin = values.const_data_ptr<float>();
  return std::any_of(begin, begin + values.numel(), [](float value) { return value != 0; });
}

bool EqualsBase(const at::Tensor& stored, const at::Tensor& base) {
  return stored.sizes() == base.sizes() && at::equal(stored.to(base.scalar_type()), base);
}

double DeltaNorm(const LoraModule& module) {
  if (!AnyNonZero(module.a) || !AnyNonZero(module.b)) return 0;
  const at::Tensor of_a = at::matmul(module.a, module.a.t()).to(at::kDouble);  // [r, r]
  const at::Tensor of_b = at::matmul(module.b.t(), module.b).to(at::kDouble);
  const double square = of_a.mul(of_b).sum().item<double>();
  if (!std::isfinite(square)) return square;
  // Where the rows of A that are not zero meet columns of B that are, or values are lost in fp32.
  if (square <= 0 && !AnyNonZero(at::matmul(module.b, module.a))) return 0;
  // Rounding may leave nothing, or less, of a product that is nearly zero.
  return std::max(std::sqrt(std::max(square, 0.0)) * std::abs(module.scaling),
                  std::numeric_limits<double>::min());
}

at::Tensor RowsInOrder(const at::Tensor& rows, const std::vector<int64_t>& from,
                       const std::vector<int64_t>& to) {
  std::vector<int64_t> places;
  for (int64_t index : to) {
    places.push_back(std::find(from.begin(), from.end(), index) - from.begin());
  }
  return at::index_select(rows, 0, at::tensor(places, at::kLong));
}

}  // namespace plumbline
