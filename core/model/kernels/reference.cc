// The plain version of every kernel: one loop an operation, in the order of the formulas, with the
// standard library's functions. Slow. It is what the fast tables are tested against
// (kernels_test), and a model can be run on it (--device cpu:reference) to tell a kernel's fault
// from a model's.
//
// Rounds to T where the fast kernels do. The order of sums is its own, so results agree to
// rounding, not to the bit; but it keeps the same promise: a row's bits depend on that row alone.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/model/kernels/kernels.h"

namespace plumbline {
namespace isa_reference {
namespace {

float Get(float x) { return x; }
float Get(Bf16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

void Put(float x, float& y) { y = x; }
void Put(float x, Bf16& y) {  // to nearest, ties to even
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  bits = std::isnan(x) ? bits | 0x00400000u : bits + 0x7fffu + (bits >> 16 & 1u);
  y.bits = static_cast<uint16_t>(bits >> 16);
}

template <typename T>
float RoundTo(float x) {
  T rounded;
  Put(x, rounded);
  return Get(rounded);
}

// Element (column, i) of a packed matrix.
template <typename T>
float PackedAt(const T* panels, int64_t n, int64_t k, int64_t column, int64_t i) {
  constexpr int64_t kPair = sizeof(T) == 2 ? 2 : 1;  // neighbours in k lie side by side
  const int64_t p = column / kPanelColumns;
  const int64_t width = IsNarrowPanel(n, p) ? kPanelColumns / 2 : kPanelColumns;
  const int64_t padded = (k + kPair - 1) / kPair * kPair;
  return Get(panels[p * kPanelColumns * padded + i / kPair * kPair * width +
                    column % kPanelColumns * kPair + i % kPair]);
}

// body(column) for the columns of panels [begin, end).
template <typename Body>
void ForColumns(int64_t n, int64_t panel_begin, int64_t panel_end, Body body) {
  for (int64_t c = panel_begin * kPanelColumns; c < n && c < panel_end * kPanelColumns; ++c) {
    body(c);
  }
}

template <typename T, typename W, typename Y>
void Gemm(const GemmArgs<T, W, Y>& a, int64_t panel_begin, int64_t panel_end) {
  ForColumns(a.n, panel_begin, panel_end, [&](int64_t c) {
    for (int64_t r = 0; r < a.rows; ++r) {
      float sum = 0;
      for (int64_t i = 0; i < a.k; ++i) {
        sum = std::fma(Get(a.x[r * a.ldx + i]), PackedAt(a.panels, a.n, a.k, c, i), sum);
      }
      Put(sum + (a.bias == nullptr ? 0.f : a.bias[c]), a.y[r * a.ldy + c]);
    }
  });
}

template <typename T>
void LoraUp(const LoraUpArgs<T>& a, int64_t panel_begin, int64_t panel_end) {
  ForColumns(a.n, panel_begin, panel_end, [&](int64_t c) {
    for (int64_t r = 0; r < a.rows; ++r) {
      float sum = 0;
      for (int64_t i = 0; i < a.rank; ++i) {
        const float b = a.panels != nullptr ? PackedAt(a.panels, a.n, a.rank, c, i)
                                            : PackedAt(a.half_panels, a.n, a.rank, c, i);
        sum = std::fma(a.h[r * a.ldh + i], b, sum);
      }
      const float delta = (sum + (a.lora_bias == nullptr ? 0.f : a.lora_bias[c])) * a.scaling;
      T& y = a.y[r * a.ldy + c];
      const float base = Get(y);
      if (a.magnitude == nullptr) {
        Put(base + delta, y);
      } else {
        const float m = a.magnitude[c];
        const float bias = a.base_bias == nullptr ? 0.f : a.base_bias[c];
        Put(base + ((m - 1) * (base - bias) + m * delta), y);
      }
    }
  });
}

template <typename T>
void AttentionRow(const AttentionArgs<T>& a, int64_t query, int64_t head) {
  const T* q = a.q + query * a.ldq + head * a.head_dim;
  T* out = a.out + query * a.ldo + head * a.head_dim;
  const int64_t ldv = (a.head_dim + 15) / 16 * 16;
  const int64_t position = a.first_position + query;
  const int64_t first = a.window > 0 && position + 1 > a.window ? position + 1 - a.window : 0;
  std::vector<float> p(position + 1 - first);
  float maximum = -std::numeric_limits<float>::infinity();
  for (int64_t key = first; key <= position; ++key) {
    const T* k = a.blocks[key / kKvBlockTokens] + a.k_offset + key % kKvBlockTokens;
    float score = 0;
    for (int d = 0; d < a.head_dim; ++d) score += Get(q[d]) * Get(k[d * kKvBlockTokens]);
    score *= a.scale;
    if (a.softcap > 0) score = a.softcap * std::tanh(score / a.softcap);
    p[key - first] = score;
    maximum = std::max(maximum, score);
  }
  float sum = 0;
  for (float& score : p) sum += score = std::exp(score - maximum);
  for (int d = 0; d < a.head_dim; ++d) {
    float value = 0;
    for (int64_t key = first; key <= position; ++key) {
      const T* v = a.blocks[key / kKvBlockTokens] + a.v_offset + key % kKvBlockTokens * ldv;
      value += p[key - first] * Get(v[d]);
    }
    Put(value / sum, out[d]);
  }
}

template <typename T>
void Attention(const AttentionArgs<T>& args, int64_t row_begin, int64_t row_end, float*) {
  for (int64_t row = row_begin; row < row_end; ++row) {
    AttentionRow(args, row / args.group, row % args.group);
  }
}

template <typename T>
void Norm(NormStyle style, const T* x, int64_t ldx, const float* w, const float* b, float eps,
          int64_t rows, int64_t n, T* y, int64_t ldy) {
  for (int64_t r = 0; r < rows; ++r, x += ldx, y += ldy) {
    float mean = 0;
    if (style == NormStyle::kLayer) {
      for (int64_t i = 0; i < n; ++i) mean += Get(x[i]);
      mean /= static_cast<float>(n);
    }
    float square = 0;
    for (int64_t i = 0; i < n; ++i) square += (Get(x[i]) - mean) * (Get(x[i]) - mean);
    const float inverse = 1 / std::sqrt(square / static_cast<float>(n) + eps);
    for (int64_t i = 0; i < n; ++i) {
      const float normal = (Get(x[i]) - mean) * inverse;
      switch (style) {
        case NormStyle::kRms:
          Put(RoundTo<T>(normal) * w[i], y[i]);
          break;
        case NormStyle::kRmsUnitOffset:
          Put(normal * (1 + w[i]), y[i]);
          break;
        case NormStyle::kRmsLateCast:
          Put(normal * w[i], y[i]);
          break;
        case NormStyle::kLayer:
          Put(std::fma(normal, w[i], b[i]), y[i]);
          break;
      }
    }
  }
}

float Activate(Activation act, float x) {
  switch (act) {
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kGeluTanh:
      return 0.5f * x * (1 + std::tanh(0.7978845608028654f * (x + 0.044715f * x * x * x)));
    case Activation::kRelu:
      return std::max(x, 0.f);
  }
  return x;
}

template <typename T>
void Add(const T* x, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) Put(Get(x[i]) + Get(y[i]), y[i]);
}

template <typename T>
void Gated(Activation act, const T* x, int64_t ldx, int64_t rows, int64_t n, T* y, int64_t ldy) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < n; ++i) {
      const float gate = RoundTo<T>(Activate(act, Get(x[r * ldx + i])));
      Put(gate * Get(x[r * ldx + n + i]), y[r * ldy + i]);
    }
  }
}

template <typename T>
void ActivateAll(Activation act, T* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) Put(Activate(act, Get(x[i])), x[i]);
}

template <typename T>
void Rope(T* x, int heads, int head_dim, int half, const float* cos, const float* sin,
          bool late_cast) {
  const auto round = [late_cast](float v) { return late_cast ? v : RoundTo<T>(v); };
  for (int h = 0; h < heads; ++h, x += head_dim) {
    for (int i = 0; i < half; ++i) {
      const float low = Get(x[i]);
      const float high = Get(x[half + i]);
      Put(round(low * cos[i]) - round(high * sin[i]), x[i]);
      Put(round(high * cos[i]) + round(low * sin[i]), x[half + i]);
    }
  }
}

template <typename T>
void KvWrite(const T* k, const T* v, int head_dim, int slot, T* k_block, T* v_block) {
  const int64_t ldv = (head_dim + 15) / 16 * 16;
  for (int d = 0; d < head_dim; ++d) k_block[d * kKvBlockTokens + slot] = k[d];
  for (int64_t d = 0; d < ldv; ++d) v_block[slot * ldv + d] = d < head_dim ? v[d] : T{};
}

template <typename T>
void Scale(float s, T* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) Put(Get(x[i]) * s, x[i]);
}

template <typename T>
void ToFloat(const T* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = Get(x[i]);
}

template <typename T>
void FromFloat(const float* x, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) Put(x[i], y[i]);
}

void Softcap(float cap, float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = cap * std::tanh(x[i] / cap);
}

int64_t Argmax(const float* x, int64_t count) {
  int64_t best = 0;
  float maximum = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < count; ++i) {
    if (x[i] > maximum) maximum = x[best = i];
  }
  return best;
}

double LogSumExp(const float* x, int64_t count) {
  const double maximum = x[Argmax(x, count)];
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += std::exp(x[i] - maximum);
  return maximum + std::log(sum);
}

template <typename T>
constexpr Kernels<T> kTable = {Isa::kReference,
                               Gemm<T, T, T>,
                               Gemm<T, Bf16, float>,
                               Gemm<T, float, float>,
                               LoraUp<T>,
                               Attention<T>,
                               Norm<T>,
                               Add<T>,
                               Gated<T>,
                               ActivateAll<T>,
                               Rope<T>,
                               KvWrite<T>,
                               Scale<T>,
                               ToFloat<T>,
                               FromFloat<T>,
                               Softcap,
                               Argmax,
                               LogSumExp};

}  // namespace

extern const Kernels<float> kFloatKernels;
extern const Kernels<Bf16> kBf16Kernels;
constinit const Kernels<float> kFloatKernels = kTable<float>;
constinit const Kernels<Bf16> kBf16Kernels = kTable<Bf16>;

}  // namespace isa_reference
}  // namespace plumbline
