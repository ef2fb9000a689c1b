// The kernels, compiled once per instruction set (CMakeLists.txt gives PLUMBLINE_ISA_NAMESPACE,
// PLUMBLINE_ISA and the compiler's flags).
#include "core/model/kernels/attention_isa.h"
#include "core/model/kernels/gemm_isa.h"
#include "core/model/kernels/kernels.h"
#include "core/model/kernels/simd.h"

namespace plumbline {
namespace PLUMBLINE_ISA_NAMESPACE {
namespace {

// Σ over lanes of vectors added in ascending order.
template <typename T, typename F>
PLUMBLINE_INLINE float SumOver(const T* x, int64_t n, F f) {
  Vec sum = Splat(0.f);
  ForVectors(n, [&](int64_t i, int lanes) {
    Vec v = f(LoadN(x + i, lanes));
    if (lanes < kLanes) v = Iota() < lanes ? v : Splat(0.f);
    sum = sum + v;
  });
  return SumLanes(sum);
}

template <typename T>
void NormRow(NormStyle style, const T* x, const float* w, const float* b, float eps, int64_t n,
             T* y) {
  const float count = static_cast<float>(n);
  if (style == NormStyle::kLayer) {
    const Vec mean = Splat(SumOver(x, n, [](Vec v) { return v; }) / count);
    const float variance = SumOver(x, n, [mean](Vec v) { return (v - mean) * (v - mean); }) / count;
    const Vec inverse = Splat(1.f / __builtin_sqrtf(variance + eps));
    ForVectors(n, [&](int64_t i, int lanes) {
      const Vec normal = (LoadN(x + i, lanes) - mean) * inverse;
      StoreN(Fma(normal, LoadN(w + i, lanes), LoadN(b + i, lanes)), y + i, lanes);
    });
    return;
  }
  const float mean_square = SumOver(x, n, [](Vec v) { return v * v; }) / count;
  const Vec inverse = Splat(1.f / __builtin_sqrtf(mean_square + eps));
  ForVectors(n, [&](int64_t i, int lanes) {
    const Vec normal = LoadN(x + i, lanes) * inverse;
    const Vec weight = LoadN(w + i, lanes);
    switch (style) {
      case NormStyle::kRmsUnitOffset:
        StoreN(normal * (Splat(1.f) + weight), y + i, lanes);
        break;
      case NormStyle::kRmsLateCast:
        StoreN(normal * weight, y + i, lanes);
        break;
      default:
        StoreN(Rounded<T>(normal) * weight, y + i, lanes);
        break;
    }
  });
}

template <typename T>
void Norm(NormStyle style, const T* x, int64_t ldx, const float* w, const float* b, float eps,
          int64_t rows, int64_t n, T* y, int64_t ldy) {
  for (int64_t r = 0; r < rows; ++r) NormRow(style, x + r * ldx, w, b, eps, n, y + r * ldy);
}

template <typename T>
void Add(const T* x, T* y, int64_t count) {
  ForVectors(count, [&](int64_t i, int lanes) {
    StoreN(LoadN(x + i, lanes) + LoadN(y + i, lanes), y + i, lanes);
  });
}

template <typename T>
void Gated(Activation act, const T* x, int64_t ldx, int64_t rows, int64_t n, T* y, int64_t ldy) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* gate = x + r * ldx;
    const T* up = gate + n;
    T* out = y + r * ldy;
    ForVectors(n, [&](int64_t i, int lanes) {
      const Vec a = Rounded<T>(Activate(act, LoadN(gate + i, lanes)));
      StoreN(a * LoadN(up + i, lanes), out + i, lanes);
    });
  }
}

template <typename T>
void ActivateAll(Activation act, T* x, int64_t count) {
  ForVectors(count, [&](int64_t i, int lanes) {
    StoreN(Activate(act, LoadN(x + i, lanes)), x + i, lanes);
  });
}

template <typename T>
void Rope(T* x, int heads, int head_dim, int half, const float* cos, const float* sin,
          bool late_cast) {
  for (int h = 0; h < heads; ++h) {
    T* low = x + h * head_dim;
    T* high = low + half;
    ForVectors(half, [&](int64_t i, int lanes) {
      const Vec a = LoadN(low + i, lanes);
      const Vec b = LoadN(high + i, lanes);
      const Vec c = LoadN(cos + i, lanes);
      const Vec s = LoadN(sin + i, lanes);
      if (late_cast) {
        StoreN(a * c - b * s, low + i, lanes);
        StoreN(b * c + a * s, high + i, lanes);
      } else {
        StoreN(Rounded<T>(a * c) - Rounded<T>(b * s), low + i, lanes);
        StoreN(Rounded<T>(b * c) + Rounded<T>(a * s), high + i, lanes);
      }
    });
  }
}

template <typename T>
void KvWrite(const T* k, const T* v, int head_dim, int slot, T* k_block, T* v_block) {
  for (int d = 0; d < head_dim; ++d) k_block[d * kKvBlockTokens + slot] = k[d];
  const int64_t ldv = (head_dim + kLanes - 1) / kLanes * kLanes;
  T* row = v_block + slot * ldv;
  for (int d = 0; d < head_dim; ++d) row[d] = v[d];
  for (int64_t d = head_dim; d < ldv; ++d) row[d] = T{};
}

template <typename T>
void Scale(float s, T* x, int64_t count) {
  ForVectors(count,
             [&](int64_t i, int lanes) { StoreN(LoadN(x + i, lanes) * Splat(s), x + i, lanes); });
}

template <typename T>
void ConvertToFloat(const T* x, float* y, int64_t count) {
  ForVectors(count, [&](int64_t i, int lanes) { StoreN(LoadN(x + i, lanes), y + i, lanes); });
}

template <typename T>
void ConvertFromFloat(const float* x, T* y, int64_t count) {
  ForVectors(count, [&](int64_t i, int lanes) { StoreN(LoadN(x + i, lanes), y + i, lanes); });
}

void Softcap(float cap, float* x, int64_t count) {
  ForVectors(count, [&](int64_t i, int lanes) {
    StoreN(Splat(cap) * Tanh(LoadN(x + i, lanes) / Splat(cap)), x + i, lanes);
  });
}

int64_t Argmax(const float* x, int64_t count) {
  Vec best = Splat(-__builtin_inff());
  ForVectors(count, [&](int64_t i, int lanes) {
    Vec v = LoadN(x + i, lanes);
    if (lanes < kLanes) v = Iota() < lanes ? v : Splat(-__builtin_inff());
    best = Max(v, best);
  });
  const float maximum = MaxLanes(best);
  for (int64_t i = 0; i < count; ++i) {
    if (x[i] == maximum) return i;
  }
  return 0;
}

double LogSumExp(const float* x, int64_t count) {
  typedef double VecD __attribute__((vector_size(128)));
  const float maximum = x[Argmax(x, count)];
  VecD sum = {};
  ForVectors(count, [&](int64_t i, int lanes) {
    Vec e = Exp(LoadN(x + i, lanes) - Splat(maximum));
    if (lanes < kLanes) e = Iota() < lanes ? e : Splat(0.f);
    sum = sum + __builtin_convertvector(e, VecD);
  });
  double total = 0;
  for (int i = 0; i < kLanes; ++i) total += sum[i];
  return static_cast<double>(maximum) + __builtin_log(total);
}

}  // namespace

template <typename T>
constexpr Kernels<T> MakeKernels() {
  Kernels<T> k{};
  k.isa = PLUMBLINE_ISA;
  k.gemm = Gemm<T, T, T>;
  k.lora_down_half = Gemm<T, Bf16, float>;
  k.lora_down_wide = Gemm<T, float, float>;
  k.lora_up = LoraUp<T>;
  k.attention = Attention<T>;
  k.norm = Norm<T>;
  k.add = Add<T>;
  k.gated = Gated<T>;
  k.activate = ActivateAll<T>;
  k.rope = Rope<T>;
  k.kv_write = KvWrite<T>;
  k.scale = Scale<T>;
  k.to_float = ConvertToFloat<T>;
  k.from_float = ConvertFromFloat<T>;
  k.softcap = Softcap;
  k.argmax = Argmax;
  k.log_sum_exp = LogSumExp;
  return k;
}

extern const Kernels<float> kFloatKernels;
extern const Kernels<Bf16> kBf16Kernels;
constinit const Kernels<float> kFloatKernels = MakeKernels<float>();
constinit const Kernels<Bf16> kBf16Kernels = MakeKernels<Bf16>();

}  // namespace PLUMBLINE_ISA_NAMESPACE
}  // namespace plumbline
