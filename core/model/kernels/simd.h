// Sixteen floats at a time, the same source for every instruction set. Included only by
// kernels_isa.cc, which is compiled once per instruction set inside a namespace of its own: nothing
// here may be visible outside it (an inline function compiled for AVX-512 must never be the one the
// linker keeps for everybody), so everything is in namespace PLUMBLINE_ISA_NAMESPACE and no
// standard header with inline functions is used.
#ifndef PLUMBLINE_CORE_MODEL_KERNELS_SIMD_H_
#define PLUMBLINE_CORE_MODEL_KERNELS_SIMD_H_

#include <immintrin.h>
#include <stdint.h>

#include "core/model/kernels/kernels.h"

namespace plumbline {
namespace PLUMBLINE_ISA_NAMESPACE {

#define PLUMBLINE_INLINE inline __attribute__((always_inline))

inline constexpr int kLanes = 16;

typedef float Vec __attribute__((vector_size(64)));
typedef int32_t VecI __attribute__((vector_size(64)));
typedef uint32_t VecU __attribute__((vector_size(64)));
typedef float VecUnaligned __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t VecH __attribute__((vector_size(32)));
typedef uint16_t VecHUnaligned __attribute__((vector_size(32), aligned(2), may_alias));

PLUMBLINE_INLINE Vec Splat(float x) { return Vec{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
PLUMBLINE_INLINE VecI SplatI(int32_t x) {
  return VecI{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}
PLUMBLINE_INLINE VecI Iota() { return VecI{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }

// a * b + c, rounded once where the machine has the instruction.
PLUMBLINE_INLINE Vec Fma(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vec>(_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c));
#elif defined(__FMA__)
  union Halves {
    Vec v;
    __m256 h[2];
  } ua{a}, ub{b}, uc{c};
  uc.h[0] = _mm256_fmadd_ps(ua.h[0], ub.h[0], uc.h[0]);
  uc.h[1] = _mm256_fmadd_ps(ua.h[1], ub.h[1], uc.h[1]);
  return uc.v;
#else
  return a * b + c;
#endif
}

PLUMBLINE_INLINE Vec Max(Vec a, Vec b) { return a > b ? a : b; }
PLUMBLINE_INLINE Vec Min(Vec a, Vec b) { return a < b ? a : b; }

// Fixed order: lane 0, then 1, ...
PLUMBLINE_INLINE float SumLanes(Vec v) {
  float s = 0;
  for (int i = 0; i < kLanes; ++i) s += v[i];
  return s;
}
PLUMBLINE_INLINE float MaxLanes(Vec v) {
  float m = v[0];
  for (int i = 1; i < kLanes; ++i) m = v[i] > m ? v[i] : m;
  return m;
}

// ---- memory: whole vectors, and tails padded with zeros ----

PLUMBLINE_INLINE float ToFloat(float x) { return x; }
PLUMBLINE_INLINE float ToFloat(Bf16 x) {
  union {
    uint32_t u;
    float f;
  } bits{static_cast<uint32_t>(x.bits) << 16};
  return bits.f;
}

PLUMBLINE_INLINE Vec Load(const float* p) {
  return (Vec) * reinterpret_cast<const VecUnaligned*>(p);
}
PLUMBLINE_INLINE Vec Load(const Bf16* p) {
  const VecH h = (VecH) * reinterpret_cast<const VecHUnaligned*>(p);
  const VecU u = __builtin_convertvector(h, VecU) << 16;
  return (Vec)u;
}
PLUMBLINE_INLINE VecU RoundBits(Vec v) {  // the upper half is the nearest bfloat16, ties to even
  const VecU u = (VecU)v;
  const VecU rounded = u + 0x7fffu + ((u >> 16) & 1u);
  const VecI nan = v != v;
  return nan ? (VecU)((u | 0x00400000u) & 0xffff0000u) : rounded;
}
PLUMBLINE_INLINE void Store(Vec v, float* p) {
  *reinterpret_cast<VecUnaligned*>(p) = (VecUnaligned)v;
}
// The nearest bfloat16. AVX-512 BF16's instruction takes fp32 subnormals for zero.
PLUMBLINE_INLINE VecH ToBf16(Vec v) {
#if defined(__AVX512BF16__)
  return (VecH)_mm512_cvtneps_pbh((__m512)v);
#else
  return __builtin_convertvector(RoundBits(v) >> 16, VecH);
#endif
}
PLUMBLINE_INLINE Vec FromBf16(VecH h) { return (Vec)(__builtin_convertvector(h, VecU) << 16); }
PLUMBLINE_INLINE void Store(Vec v, Bf16* p) {
  *reinterpret_cast<VecHUnaligned*>(p) = (VecHUnaligned)ToBf16(v);
}
template <typename T>
PLUMBLINE_INLINE Vec LoadPart(const T* p, int n) {
  T buffer[kLanes] = {};
  for (int i = 0; i < n; ++i) buffer[i] = p[i];
  return Load(buffer);
}
template <typename T>
PLUMBLINE_INLINE void StorePart(Vec v, T* p, int n) {
  T buffer[kLanes];
  Store(v, buffer);
  for (int i = 0; i < n; ++i) p[i] = buffer[i];
}
// The value as it will be after a round trip through T.
template <typename T>
PLUMBLINE_INLINE Vec Rounded(Vec v);
template <>
PLUMBLINE_INLINE Vec Rounded<float>(Vec v) {
  return v;
}
template <>
PLUMBLINE_INLINE Vec Rounded<Bf16>(Vec v) {
  return FromBf16(ToBf16(v));
}

// Calls body(offset, lanes, whole) over [0, count): whole vectors first, then one padded tail.
template <typename Body>
PLUMBLINE_INLINE void ForVectors(int64_t count, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, kLanes);
  if (i < count) body(i, static_cast<int>(count - i));
}
template <typename T>
PLUMBLINE_INLINE Vec LoadN(const T* p, int n) {
  return n == kLanes ? Load(p) : LoadPart(p, n);
}
template <typename T>
PLUMBLINE_INLINE void StoreN(Vec v, T* p, int n) {
  if (n == kLanes) {
    Store(v, p);
  } else {
    StorePart(v, p, n);
  }
}

// ---- functions, about 1 ulp ----

// Cephes' expf. Below -87.3 the result is 0, above 88.376 it saturates near FLT_MAX.
PLUMBLINE_INLINE Vec Exp(Vec x) {
  const VecI underflow = x < Splat(-87.3f);
  x = Min(Max(x, Splat(-87.3f)), Splat(88.37626f));
  const Vec magic = Splat(12582912.f);  // 1.5 · 2^23: adding it rounds to an integer
  const Vec shifted = Fma(x, Splat(1.44269504088896341f), magic);
  const Vec n = shifted - magic;
  Vec r = Fma(n, Splat(-0.693359375f), x);
  r = Fma(n, Splat(2.12194440e-4f), r);
  Vec p = Splat(1.9875691500e-4f);
  p = Fma(p, r, Splat(1.3981999507e-3f));
  p = Fma(p, r, Splat(8.3334519073e-3f));
  p = Fma(p, r, Splat(4.1665795894e-2f));
  p = Fma(p, r, Splat(1.6666665459e-1f));
  p = Fma(p, r, Splat(5.0000001201e-1f));
  p = Fma(p, r * r, r) + Splat(1.f);
  const VecI exponent = ((VecI)shifted - (VecI)magic + SplatI(127)) << 23;
  const Vec result = p * (Vec)exponent;
  return underflow ? Splat(0.f) : result;
}

// Cephes' tanhf.
PLUMBLINE_INLINE Vec Tanh(Vec x) {
  const Vec z = x * x;
  Vec p = Splat(-5.70498872745e-3f);
  p = Fma(p, z, Splat(2.06390887954e-2f));
  p = Fma(p, z, Splat(-5.37397155531e-2f));
  p = Fma(p, z, Splat(1.33314422036e-1f));
  p = Fma(p, z, Splat(-3.33332819422e-1f));
  const Vec small = Fma(p * z, x, x);
  const Vec a = x < Splat(0.f) ? -x : x;
  const Vec big = Splat(1.f) - Splat(2.f) / (Exp(a + a) + Splat(1.f));
  const Vec signed_big = x < Splat(0.f) ? -big : big;
  return a < Splat(0.625f) ? small : signed_big;
}

PLUMBLINE_INLINE Vec Activate(Activation act, Vec x) {
  switch (act) {
    case Activation::kSilu:
      return x / (Splat(1.f) + Exp(-x));
    case Activation::kGeluTanh: {
      const Vec inner = Splat(0.7978845608028654f) * Fma(Splat(0.044715f), x * x * x, x);
      return Splat(0.5f) * x * (Splat(1.f) + Tanh(inner));
    }
    case Activation::kRelu:
      return Max(x, Splat(0.f));
  }
  return x;
}

}  // namespace PLUMBLINE_ISA_NAMESPACE
}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_KERNELS_SIMD_H_
