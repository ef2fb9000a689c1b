// Attention over the blocks of a KV cache.
//
// A thread block computes up to eight (query, head) rows of one sequence that share a KV head; warp
// w takes the cache blocks whose number is w modulo 8, whatever the length, each with a running
// maximum, sum and output per row; at the end the warps are joined in order. A block that a row
// does not see changes nothing of that row, to the bit. So a row's bits are a function of its query
// and of the keys it sees: not of the tile, the chunk, or the neighbours.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_KERNELS_ATTENTION_CUH_
#define PLUMBLINE_CORE_MODEL_CUDA_KERNELS_ATTENTION_CUH_

#include "core/model/cuda/kernels/portable.cuh"

namespace plumbline::cuda {

inline constexpr int kAttentionWarps = 8;

// C: ceil(head_dim / 32). Grid: (units, KV heads).
template <typename T, int C>
PLUMBLINE_KERNEL(kAttentionWarps* kWarp)
Attention(AttentionParams p) {
  constexpr int R = kAttentionRows;
  PLUMBLINE_SHARED float q[R][C * kWarp];
  PLUMBLINE_SHARED float probability[kAttentionWarps][R][kWarp];
  PLUMBLINE_SHARED float joined[R][C * kWarp];
  PLUMBLINE_SHARED float joined_max[R];
  PLUMBLINE_SHARED float joined_sum[R];
  const AttentionUnit unit = p.units[BlockX()];
  const int warp = ThreadIndex() / kWarp;
  const int lane = ThreadIndex() % kWarp;
  const int d = p.head_dim;
  const int64_t head0 = static_cast<int64_t>(BlockY()) * p.group;
  const int rows = unit.end - unit.begin;
  const auto query = [&](int r) { return (unit.begin + r) / p.group; };
  const auto column = [&](int r) { return (head0 + (unit.begin + r) % p.group) * d; };
  for (int i = ThreadIndex(); i < rows * d; i += kAttentionWarps * kWarp) {
    const int r = i / d;
    q[r][i % d] =
        ToFloat(static_cast<const T*>(p.q)[(unit.row + query(r)) * p.ldq + column(r) + i % d]);
  }
  // Rows that are not there see no key.
  int first[R], last[R];
  int lowest = 0x7fffffff, highest = -1;
#pragma unroll
  for (int r = 0; r < R; ++r) {
    last[r] = r < rows ? unit.position + query(r) : -1;
    first[r] = p.window > 0 && last[r] + 1 > p.window ? last[r] + 1 - p.window : 0;
    if (r < rows && first[r] < lowest) lowest = first[r];
    if (last[r] > highest) highest = last[r];
  }
  SyncBlock();

  float maximum[R], sum[R], acc[R][C];
#pragma unroll
  for (int r = 0; r < R; ++r) {
    maximum[r] = NegativeInfinity();
    sum[r] = 0;
#pragma unroll
    for (int c = 0; c < C; ++c) acc[r][c] = 0;
  }
  const int64_t ldv = (d + 15) / 16 * 16;
  const int64_t offset = p.k_offset + BlockY() * p.head_stride;
  const int begin = lowest / kKvBlockTokens;
  const int end = highest / kKvBlockTokens + 1;
  const int start = begin + (warp - begin % kAttentionWarps + kAttentionWarps) % kAttentionWarps;
  for (int block = start; block < end; block += kAttentionWarps) {
    const T* k = static_cast<const T*>(unit.blocks[block]) + offset;
    const T* v = k + static_cast<int64_t>(d) * kKvBlockTokens;
    const int key0 = block * kKvBlockTokens;
    const int key = key0 + lane;
    float score[R] = {};
    for (int i = 0; i < d; ++i) {
      const float ki = ToFloat(k[i * kKvBlockTokens + lane]);
#pragma unroll
      for (int r = 0; r < R; ++r) score[r] = fmaf(q[r][i], ki, score[r]);
    }
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const bool seen = key >= first[r] && key <= last[r];
      float s = score[r] * p.scale;
      if (p.softcap > 0) s = p.softcap * Tanh(s / p.softcap);
      s = seen ? s : NegativeInfinity();
      const float highest_score = fmaxf(maximum[r], WarpMax(s));
      const bool none = highest_score == NegativeInfinity();
      const float shrink = none ? 1.f : Exp(maximum[r] - highest_score);
      const float e = seen && !none ? Exp(s - highest_score) : 0.f;
      maximum[r] = highest_score;
      sum[r] = sum[r] * shrink + WarpSum(e);
#pragma unroll
      for (int c = 0; c < C; ++c) acc[r][c] = acc[r][c] * shrink;
      probability[warp][r][lane] = e;
    }
    SyncWarp();
    // Never touch keys past the last: that memory may hold anything.
    const int from = lowest > key0 ? lowest - key0 : 0;
    const int to = highest - key0 + 1 < kKvBlockTokens ? highest - key0 + 1 : kKvBlockTokens;
    for (int j = from; j < to; ++j) {
      float values[C];
#pragma unroll
      for (int c = 0; c < C; ++c) {
        const int i = c * kWarp + lane;
        values[c] = i < d ? ToFloat(v[j * ldv + i]) : 0.f;
      }
#pragma unroll
      for (int r = 0; r < R; ++r) {
        const float e = probability[warp][r][j];
        if (e == 0) continue;
#pragma unroll
        for (int c = 0; c < C; ++c) acc[r][c] = fmaf(e, values[c], acc[r][c]);
      }
    }
    SyncWarp();
  }

  for (int w = 0; w < kAttentionWarps; ++w) {
    if (warp == w) {
#pragma unroll
      for (int r = 0; r < R; ++r) {
        const float old_max = w == 0 ? NegativeInfinity() : joined_max[r];
        const float old_sum = w == 0 ? 0.f : joined_sum[r];
        SyncWarp();
        const float new_max = fmaxf(old_max, maximum[r]);
        // What saw nothing has no part in the sum.
        const float keep = old_sum == 0 ? 0.f : Exp(old_max - new_max);
        const float take = sum[r] == 0 ? 0.f : Exp(maximum[r] - new_max);
#pragma unroll
        for (int c = 0; c < C; ++c) {
          const int i = c * kWarp + lane;
          const float old = w == 0 ? 0.f : joined[r][i];
          joined[r][i] = take == 0 ? old * keep : fmaf(acc[r][c], take, old * keep);
        }
        if (lane == 0) {
          joined_max[r] = new_max;
          joined_sum[r] = fmaf(sum[r], take, old_sum * keep);
        }
      }
    }
    SyncBlock();
  }
  for (int i = ThreadIndex(); i < rows * d; i += kAttentionWarps * kWarp) {
    const int r = i / d;
    static_cast<T*>(p.out)[(unit.row + query(r)) * p.ldo + column(r) + i % d] =
        FromFloat<T>(joined[r][i % d] * (1.f / joined_sum[r]));
  }
}

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_KERNELS_ATTENTION_CUH_
