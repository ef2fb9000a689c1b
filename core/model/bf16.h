// Rounding to bfloat16 on the host, one value at a time; the kernels round their own.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_BF16_H_
#define PLUMBLINE_CORE_MODEL_BF16_H_

#include <bit>
#include <cstdint>

#include "core/model/decoder_spec.h"

namespace plumbline {

// The bfloat16 number nearest to x, ties to even. Beyond the largest it is infinite; a NaN stays
// one.
inline float RoundToBf16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = x != x ? bits | 0x00400000u : bits + 0x7fffu + ((bits >> 16) & 1u);
  return std::bit_cast<float>(rounded & 0xffff0000u);
}

// x as it is in `dtype`.
inline float RoundTo(ComputeType dtype, float x) {
  return dtype == ComputeType::kBfloat16 ? RoundToBf16(x) : x;
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_BF16_H_
