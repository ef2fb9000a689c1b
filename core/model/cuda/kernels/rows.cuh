// Kernels of one row at a time: embeddings, norms and residuals, activations, RoPE and the cache.
// Values are rounded to T where transformers rounds them, as in kernels/kernels_isa.cc.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_KERNELS_ROWS_CUH_
#define PLUMBLINE_CORE_MODEL_CUDA_KERNELS_ROWS_CUH_

#include "core/model/cuda/kernels/portable.cuh"

namespace plumbline::cuda {

inline constexpr int kRowThreads = 256;
inline constexpr int kRotateThreads = 128;

// Grid: (rows).
template <typename T>
PLUMBLINE_KERNEL(kRowThreads)
Embed(EmbedParams p) {
  const int64_t row = BlockX();
  const T* from = static_cast<const T*>(p.sources[row]);
  T* to = static_cast<T*>(p.y) + row * p.ldy;
  for (int64_t i = ThreadIndex(); i < p.width; i += kRowThreads) {
    float v = ToFloat(from[i]);
    if (p.scale != 0) v = Rounded<T>(v * p.scale);
    to[i] = FromFloat<T>(p.add ? ToFloat(to[i]) + v : v);
  }
}

struct RowStats {
  float mean;
  float inverse;  // of the root mean square, or of the standard deviation
};

// load(i) for this thread's columns i, n wide. sum(v): over all threads that share the row.
template <typename Load, typename Sum>
PLUMBLINE_DEVICE RowStats StatsOf(NormStyle style, float epsilon, int64_t n, int first, int step,
                                  Load load, Sum sum) {
  const float count = static_cast<float>(n);
  float mean = 0;
  float part = 0;
  if (style == NormStyle::kLayer) {
    for (int64_t i = first; i < n; i += step) part = part + load(i);
    mean = sum(part) / count;
    part = 0;
  }
  for (int64_t i = first; i < n; i += step) {
    const float v = load(i) - mean;
    part = fmaf(v, v, part);
  }
  return {mean, 1.f / sqrtf(sum(part) / count + epsilon)};
}

template <typename T>
PLUMBLINE_DEVICE float Normalised(NormStyle style, float v, const RowStats& stats,
                                  const float* weight, const float* bias, int64_t i) {
  switch (style) {
    case NormStyle::kLayer:
      return fmaf((v - stats.mean) * stats.inverse, weight[i], bias[i]);
    case NormStyle::kRmsUnitOffset:
      return v * stats.inverse * (1.f + weight[i]);
    case NormStyle::kRmsLateCast:
      return v * stats.inverse * weight[i];
    case NormStyle::kRms:
      break;
  }
  return Rounded<T>(v * stats.inverse) * weight[i];
}

// Grid: (rows).
template <typename T>
PLUMBLINE_KERNEL(kRowThreads)
Join(JoinParams p) {
  PLUMBLINE_SHARED float scratch[kRowThreads / kWarp];
  const int64_t row = BlockX();
  const auto sum = [&](float v) { return BlockSum<kRowThreads>(v, scratch); };
  T* x = static_cast<T*>(p.x) + (p.rows_in == nullptr ? row : p.rows_in[row]) * p.ld;
  if (p.t != nullptr) {
    const T* t = static_cast<const T*>(p.t) + row * p.ld;
    RowStats stats{};
    if (p.post.weight != nullptr) {
      stats = StatsOf(
          p.style, p.epsilon, p.width, ThreadIndex(), kRowThreads,
          [&](int64_t i) { return ToFloat(t[i]); }, sum);
    }
    for (int64_t i = ThreadIndex(); i < p.width; i += kRowThreads) {
      float v = ToFloat(t[i]);
      if (p.post.weight != nullptr) {
        v = Rounded<T>(Normalised<T>(p.style, v, stats, p.post.weight, p.post.bias, i));
      }
      x[i] = FromFloat<T>(ToFloat(x[i]) + v);  // this thread's own from here on
    }
  }
  if (p.next.weight == nullptr) return;
  T* y = static_cast<T*>(p.y) + row * p.ld;
  const RowStats stats = StatsOf(
      p.style, p.epsilon, p.width, ThreadIndex(), kRowThreads,
      [&](int64_t i) { return ToFloat(x[i]); }, sum);
  for (int64_t i = ThreadIndex(); i < p.width; i += kRowThreads) {
    y[i] =
        FromFloat<T>(Normalised<T>(p.style, ToFloat(x[i]), stats, p.next.weight, p.next.bias, i));
  }
}

// Grid: (columns / 256, rows).
template <typename T>
PLUMBLINE_KERNEL(kRowThreads)
ActivateRows(ActivateParams p) {
  const int64_t i = static_cast<int64_t>(BlockX()) * kRowThreads + ThreadIndex();
  if (i >= p.width) return;
  const T* x = static_cast<const T*>(p.x) + BlockY() * p.ldx;
  float v = Rounded<T>(Activate(p.activation, ToFloat(x[i])));
  if (p.gated) v = v * ToFloat(x[p.width + i]);
  static_cast<T*>(p.y)[BlockY() * p.ldy + i] = FromFloat<T>(v);
}

// Normalises x [n] in place with all threads of the block.
template <typename T>
PLUMBLINE_DEVICE void NormWhole(const RotateParams& p, T* x, int64_t n, const float* weight,
                                float* scratch) {
  const RowStats stats = StatsOf(
      p.style, p.epsilon, n, ThreadIndex(), kRotateThreads,
      [&](int64_t i) { return ToFloat(x[i]); },
      [&](float v) { return BlockSum<kRotateThreads>(v, scratch); });
  for (int64_t i = ThreadIndex(); i < n; i += kRotateThreads) {
    x[i] = FromFloat<T>(Normalised<T>(p.style, ToFloat(x[i]), stats, weight, nullptr, i));
  }
}

// One head by one warp, in place.
template <typename T>
PLUMBLINE_DEVICE void RotateHead(const RotateParams& p, T* x, const float* weight, int64_t row) {
  const int lane = ThreadIndex() % kWarp;
  if (p.qk_norm == QkNorm::kPerHead) {
    const RowStats stats = StatsOf(
        p.style, p.epsilon, p.head_dim, lane, kWarp, [&](int64_t i) { return ToFloat(x[i]); },
        WarpSum);
    for (int64_t i = lane; i < p.head_dim; i += kWarp) {
      x[i] = FromFloat<T>(Normalised<T>(p.style, ToFloat(x[i]), stats, weight, nullptr, i));
    }
    SyncWarp();
  }
  const float* cos = p.cos_sin + row * 2 * p.half;
  const float* sin = cos + p.half;
  for (int i = lane; i < p.half; i += kWarp) {
    const float a = ToFloat(x[i]);
    const float b = ToFloat(x[p.half + i]);
    if (p.late_cast) {
      x[i] = FromFloat<T>(a * cos[i] - b * sin[i]);
      x[p.half + i] = FromFloat<T>(b * cos[i] + a * sin[i]);
    } else {
      x[i] = FromFloat<T>(Rounded<T>(a * cos[i]) - Rounded<T>(b * sin[i]));
      x[p.half + i] = FromFloat<T>(Rounded<T>(b * cos[i]) + Rounded<T>(a * sin[i]));
    }
  }
  SyncWarp();
}

// Grid: (rows). A block of the cache holds, per layer and head, K [D][32] and V [32][D up to 16].
template <typename T>
PLUMBLINE_KERNEL(kRotateThreads)
Rotate(RotateParams p) {
  PLUMBLINE_SHARED float scratch[kRotateThreads / kWarp];
  const int64_t row = BlockX();
  const int warp = ThreadIndex() / kWarp;
  const int lane = ThreadIndex() % kWarp;
  const int64_t d = p.head_dim;
  T* q = static_cast<T*>(p.qkv) + row * p.ld;
  T* k = q + p.heads * d;
  const T* v = k + p.kv_heads * d;
  if (p.qk_norm == QkNorm::kFullWidth) {
    NormWhole(p, q, p.heads * d, p.q_weight, scratch);
    NormWhole(p, k, p.kv_heads * d, p.k_weight, scratch);
    SyncBlock();
  }
  T* block = static_cast<T*>(p.blocks[row]) + p.k_offset;
  const int64_t slot = p.slots[row];
  const int64_t ldv = (d + 15) / 16 * 16;
  for (int unit = warp; unit < p.heads + p.kv_heads; unit += kRotateThreads / kWarp) {
    if (unit < p.heads) {
      RotateHead(p, q + unit * d, p.q_weight, row);
      continue;
    }
    const int head = unit - p.heads;
    RotateHead(p, k + head * d, p.k_weight, row);
    T* k_block = block + head * p.head_stride;
    T* v_block = k_block + d * kKvBlockTokens;
    for (int64_t i = lane; i < d; i += kWarp) {
      k_block[i * kKvBlockTokens + slot] = k[head * d + i];
      v_block[slot * ldv + i] = v[head * d + i];
    }
  }
}

// Grid: (rows).
PLUMBLINE_KERNEL(kWarp) Gather(GatherParams p) {
  const int64_t row = BlockX();
  for (int64_t i = ThreadIndex(); i < p.rank; i += kWarp) {
    p.h[row * p.ldh + i] = p.sources[row] == nullptr ? 0.f : p.sources[row][i];
  }
}

// Grid: (count / 256, rows).
template <typename T>
PLUMBLINE_KERNEL(kRowThreads)
Scatter(ScatterParams p) {
  const int64_t i = static_cast<int64_t>(BlockX()) * kRowThreads + ThreadIndex();
  if (i >= p.count) return;
  static_cast<T*>(p.y)[BlockY() * p.ldy + p.columns[i]] =
      static_cast<const T*>(p.x)[BlockY() * p.ldx + i];
}

// Grid: (width / 256, rows).
template <typename T>
PLUMBLINE_KERNEL(kRowThreads)
Logits(LogitsParams p) {
  const int64_t i = static_cast<int64_t>(BlockX()) * kRowThreads + ThreadIndex();
  if (i >= p.width) return;
  float v = ToFloat(static_cast<const T*>(p.x)[BlockY() * p.ldx + i]);
  if (p.softcap > 0) v = p.softcap * Tanh(v / p.softcap);
  p.y[BlockY() * p.width + i] = v;
}

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_KERNELS_ROWS_CUH_
