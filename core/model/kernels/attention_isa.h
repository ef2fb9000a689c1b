// Attention over the blocks of a KV cache. Part of kernels_isa.cc.
//
// A tile is up to eight (query, head) rows that share a KV head, so that every K and V vector is
// loaded once for all of them. K lies transposed ([head_dim][32 tokens]): the scores of 32 keys are
// two vectors that accumulate over head_dim, without any sum across lanes. V is [32 tokens]
// [head_dim]: the output accumulates key by key in ascending order. A row's bits are a function of
// its own query and of keys [first, position]: the tile only decides which rows share a load.
#ifndef PLUMBLINE_CORE_MODEL_KERNELS_ATTENTION_ISA_H_
#define PLUMBLINE_CORE_MODEL_KERNELS_ATTENTION_ISA_H_

#include "core/model/kernels/row_tiles_isa.h"
#include "core/model/kernels/simd.h"

namespace plumbline {
namespace PLUMBLINE_ISA_NAMESPACE {

struct TileRow {
  int64_t first;     // first key it sees
  int64_t position;  // last key it sees
  float inverse_sum;
};

PLUMBLINE_INLINE int64_t FloorBlock(int64_t position) {
  return position / kKvBlockTokens * kKvBlockTokens;
}

// Raw dot products of R rows with the 32 keys of one block. q: [R][head_dim] fp32.
template <typename T, int R>
PLUMBLINE_INLINE void BlockScores(const float* q, const T* k_block, int head_dim, float* scores,
                                  int64_t lds) {
  Vec acc[R][2];
  for (int r = 0; r < R; ++r) acc[r][0] = acc[r][1] = Splat(0.f);
  for (int d = 0; d < head_dim; ++d) {
    const Vec k0 = Load(k_block + d * kKvBlockTokens);
    const Vec k1 = Load(k_block + d * kKvBlockTokens + kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec qr = Splat(q[r * head_dim + d]);
      acc[r][0] = Fma(qr, k0, acc[r][0]);
      acc[r][1] = Fma(qr, k1, acc[r][1]);
    }
  }
  for (int r = 0; r < R; ++r) {
    Store(acc[r][0], scores + r * lds);
    Store(acc[r][1], scores + r * lds + kLanes);
  }
}

// scores[0..) belong to keys from FloorBlock(row.first) on; turns them into exp(score - max), zero
// where the row does not see the key.
PLUMBLINE_INLINE void SoftmaxRow(TileRow& row, float scale, float softcap, float* scores) {
  const int64_t base = FloorBlock(row.first);
  const int64_t end = row.position + 1;
  Vec maximum = Splat(-__builtin_inff());
  for (int64_t key = base; key < end; key += kLanes) {
    float* s = scores + (key - base);
    Vec v = Load(s) * Splat(scale);
    if (softcap > 0) v = Splat(softcap) * Tanh(v / Splat(softcap));
    const VecI index = Iota();
    const VecI seen = (index >= static_cast<int32_t>(row.first - key)) &
                      (index <= static_cast<int32_t>(row.position - key));
    v = seen ? v : Splat(-__builtin_inff());
    Store(v, s);
    maximum = Max(v, maximum);
  }
  const Vec m = Splat(MaxLanes(maximum));
  Vec sum = Splat(0.f);
  for (int64_t key = base; key < end; key += kLanes) {
    float* s = scores + (key - base);
    const Vec e = Exp(Load(s) - m);
    Store(e, s);
    sum = sum + e;
  }
  row.inverse_sum = 1.f / SumLanes(sum);
}

// acc[r] += Σ p[r, key] · V[key, columns] over keys [begin, end), C vectors of columns.
template <typename T, int R, int C>
PLUMBLINE_INLINE void AccumulateValues(const AttentionArgs<T>& a, int64_t ldv, int column,
                                       int64_t begin, int64_t end, const float* p, int64_t ldp,
                                       int64_t base, Vec acc[][C]) {
  for (int64_t key = begin; key < end; ++key) {
    const T* v =
        a.blocks[key / kKvBlockTokens] + a.v_offset + (key % kKvBlockTokens) * ldv + column;
    Vec values[C];
    for (int c = 0; c < C; ++c) values[c] = Load(v + c * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec pr = Splat(p[r * ldp + (key - base)]);
      for (int c = 0; c < C; ++c) acc[r][c] = Fma(pr, values[c], acc[r][c]);
    }
  }
}

// Output columns [column, column + 16 C) of all R rows. Each row adds its keys in ascending order;
// keys that all rows see are walked together.
template <typename T, int R, int C>
PLUMBLINE_INLINE void OutputColumns(const AttentionArgs<T>& a, const TileRow* rows, int64_t ldv,
                                    int column, const float* p, int64_t ldp, int64_t base,
                                    T* const* out) {
  Vec acc[R][C];
  int64_t common_begin = rows[0].first;
  int64_t common_end = rows[0].position + 1;
  for (int r = 1; r < R; ++r) {
    common_begin = rows[r].first > common_begin ? rows[r].first : common_begin;
    common_end = rows[r].position + 1 < common_end ? rows[r].position + 1 : common_end;
  }
  const bool shared = common_begin < common_end;
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) acc[r][c] = Splat(0.f);
    AccumulateValues<T, 1, C>(a, ldv, column, rows[r].first,
                              shared ? common_begin : rows[r].position + 1, p + r * ldp, ldp, base,
                              acc + r);
  }
  if (shared) {
    AccumulateValues<T, R, C>(a, ldv, column, common_begin, common_end, p, ldp, base, acc);
    for (int r = 0; r < R; ++r) {
      AccumulateValues<T, 1, C>(a, ldv, column, common_end, rows[r].position + 1, p + r * ldp, ldp,
                                base, acc + r);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) {
      const int left = a.head_dim - column - c * kLanes;
      if (left <= 0) break;
      StoreN(acc[r][c] * Splat(rows[r].inverse_sum), out[r] + column + c * kLanes,
             left < kLanes ? left : kLanes);
    }
  }
}

template <typename T, int R>
__attribute__((noinline)) void AttentionTile(const AttentionArgs<T>& a, int64_t row_begin,
                                             float* scratch) {
  TileRow rows[R];
  T* out[R];
  float* q = scratch;  // [R][head_dim]
  int64_t base = 0;    // block-aligned first key of any row
  int64_t last = 0;
  for (int r = 0; r < R; ++r) {
    const int64_t query = (row_begin + r) / a.group;
    const int64_t head = (row_begin + r) % a.group;
    const int64_t position = a.first_position + query;
    const int64_t first = a.window > 0 && position + 1 > a.window ? position + 1 - a.window : 0;
    rows[r] = {first, position, 0.f};
    out[r] = a.out + query * a.ldo + head * a.head_dim;
    const T* source = a.q + query * a.ldq + head * a.head_dim;
    ForVectors(a.head_dim,
               [&](int64_t i, int n) { StoreN(LoadN(source + i, n), q + r * a.head_dim + i, n); });
    if (r == 0 || first < base) base = first;
    last = position > last ? position : last;
  }
  base = FloorBlock(base);
  float* p = scratch + kAttentionTileRows * (a.head_dim + 16);
  const int64_t ldp = FloorBlock(last) - base + kKvBlockTokens;
  for (int64_t key = base; key <= last; key += kKvBlockTokens) {
    BlockScores<T, R>(q, a.blocks[key / kKvBlockTokens] + a.k_offset, a.head_dim, p + (key - base),
                      ldp);
  }
  for (int r = 0; r < R; ++r) {
    SoftmaxRow(rows[r], a.scale, a.softcap, p + r * ldp + (FloorBlock(rows[r].first) - base));
  }
  const int64_t ldv = (a.head_dim + kLanes - 1) / kLanes * kLanes;
  int column = 0;
  for (; column + 2 * kLanes <= ldv; column += 2 * kLanes) {
    OutputColumns<T, R, 2>(a, rows, ldv, column, p, ldp, base, out);
  }
  if (column < ldv) OutputColumns<T, R, 1>(a, rows, ldv, column, p, ldp, base, out);
}

template <typename T>
struct AttentionTiles {
  const AttentionArgs<T>& args;
  int64_t row_begin;
  float* scratch;

  template <int R>
  void Run(int64_t row) const {
    AttentionTile<T, R>(args, row_begin + row, scratch);
  }
};

template <typename T>
void Attention(const AttentionArgs<T>& args, int64_t row_begin, int64_t row_end, float* scratch) {
  ForRowTiles(row_end - row_begin, AttentionTiles<T>{args, row_begin, scratch});
}

}  // namespace PLUMBLINE_ISA_NAMESPACE
}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_KERNELS_ATTENTION_ISA_H_
