// Products whose rows have the same bits whatever the number of rows.
//
// K is cut into kSlices slices, by K alone. An element of y is the sum, in order, of its slices; a
// slice is one chain of multiply-adds in ascending k (fp32), or one chain of tensor-core products
// over blocks of 32 k (bf16). Which threads compute a slice, how many rows share a load of the
// weights and which kernel runs is a matter of speed: with few rows the slices go to the eight
// warps of a block, with many one warp walks them all. The one thing taken on trust is the
// hardware's: an element of mma.m16n8k16 is the same function of its row of a, column of b and
// accumulator wherever in the tile it stands (tests/model/cuda/gpu_test.cc compares bits on a GPU).
#ifndef PLUMBLINE_CORE_MODEL_CUDA_KERNELS_GEMM_CUH_
#define PLUMBLINE_CORE_MODEL_CUDA_KERNELS_GEMM_CUH_

#include "core/model/cuda/kernels/portable.cuh"

namespace plumbline::cuda {

// ---- fp32: panels, lane = column ----

// acc[r] += the chain over slice `slice` of x's rows [first, last) and this lane's column of
// `panel` [k][32]. T: of x.
template <int R, typename T>
PLUMBLINE_DEVICE void PanelSlice(const T* x, int64_t ldx, int64_t k, const float* panel, int slice,
                                 int first, int last, float (&acc)[R]) {
  const int lane = ThreadIndex() % kWarp;
  const int64_t length = ((k + kSlices - 1) / kSlices + 3) / 4 * 4;
  const int64_t begin = slice * length;
  const int64_t end = begin + length < k ? begin + length : k;
  int64_t i = begin;
  for (; i + 4 <= end; i += 4) {
    float w[4];
#pragma unroll
    for (int u = 0; u < 4; ++u) w[u] = panel[(i + u) * kWarp + lane];
#pragma unroll
    for (int r = 0; r < R; ++r) {
      if (r < first || r >= last) continue;
      float v[4];
      Load4(x + r * ldx + i, v);
#pragma unroll
      for (int u = 0; u < 4; ++u) acc[r] = fmaf(v[u], w[u], acc[r]);
    }
  }
  for (; i < end; ++i) {
    const float w = panel[i * kWarp + lane];
#pragma unroll
    for (int r = 0; r < R; ++r) {
      if (r >= first && r < last) acc[r] = fmaf(ToFloat(x[r * ldx + i]), w, acc[r]);
    }
  }
}

// Sums the warps' slices in order; warp w ends up with rows w, w + 8, ... through store(row,
// value).
template <int R, typename Store>
PLUMBLINE_DEVICE void SumSlices(const float (&acc)[R], float (&partial)[kSlices][R][kWarp],
                                Store store) {
  const int warp = ThreadIndex() / kWarp;
  const int lane = ThreadIndex() % kWarp;
#pragma unroll
  for (int r = 0; r < R; ++r) partial[warp][r][lane] = acc[r];
  SyncBlock();
  for (int r = warp; r < R; r += kSlices) {
    float sum = partial[0][r][lane];
    for (int s = 1; s < kSlices; ++s) sum = sum + partial[s][r][lane];
    store(r, sum);
  }
  SyncBlock();
}

// Grid: (panels, row tiles of R).
template <int R>
PLUMBLINE_KERNEL(kSlices* kWarp)
GemmFloat32(GemmParams p) {
  PLUMBLINE_SHARED float partial[kSlices][R][kWarp];
  const int64_t row = static_cast<int64_t>(BlockY()) * R;
  const int64_t column = static_cast<int64_t>(BlockX()) * kWarp + ThreadIndex() % kWarp;
  const float* panel = static_cast<const float*>(p.w) + BlockX() * p.k * kWarp;
  float acc[R] = {};
  PanelSlice<R>(static_cast<const float*>(p.x) + row * p.ldx, p.ldx, p.k, panel,
                ThreadIndex() / kWarp, 0, R, acc);
  SumSlices<R>(acc, partial, [&](int r, float sum) {
    if (row + r >= p.rows || column >= p.n) return;
    if (p.bias != nullptr) sum = sum + p.bias[column];
    static_cast<float*>(p.y)[(row + r) * p.ldy + column] = sum;
  });
}

// ---- bf16: tensor cores ----
//
// A thread of mma.m16n8k16 holds k pairs (2t, 2t + 1) and (2t + 8, 2t + 9) of its rows, t its
// number within four. A sum does not care which k is called which, as long as a and b agree: so
// thread t takes the eight k from 8t on, one load of 16 bytes, for two products.

struct Slicing {
  int64_t blocks;  // of 32 k
  int64_t length;  // blocks of a slice
};
PLUMBLINE_DEVICE Slicing SlicesOf(int64_t k) {
  const int64_t blocks = (k + kPadding - 1) / kPadding;
  return {blocks, (blocks + kSlices - 1) / kSlices};
}

PLUMBLINE_DEVICE Words4 LoadWords4(const Bf16* p) { return *reinterpret_cast<const Words4*>(p); }

PLUMBLINE_DEVICE void MmaBlock(float (&acc)[4], const Words4& low, const Words4& high,
                               const Words4& w) {
  MmaBf16(acc, low.x, high.x, low.y, high.y, w.x, w.y);
  MmaBf16(acc, low.z, high.z, low.w, high.w, w.z, w.w);
}

PLUMBLINE_DEVICE void StoreBf16(const GemmParams& p, int64_t row, int64_t column, float sum) {
  if (row >= p.rows || column >= p.n) return;
  if (p.bias != nullptr) sum = sum + p.bias[column];
  static_cast<Bf16*>(p.y)[row * p.ldy + column] = FromFloat<Bf16>(sum);
}

// Few rows: a block has 16·M rows and 16 columns, a warp one slice, and weights go from global
// memory straight into registers. Grid: (columns / 16, row tiles).
template <int M>
PLUMBLINE_KERNEL(kSlices* kWarp)
GemmBf16Narrow(GemmParams p) {
  constexpr int kRows = 16 * M;
  constexpr int kColumns = 16;
  PLUMBLINE_SHARED float partial[kSlices][kRows][kColumns];
  const int warp = ThreadIndex() / kWarp;
  const int lane = ThreadIndex() % kWarp;
  const int g = lane / 4;
  const int t = lane % 4;
  const int64_t row = static_cast<int64_t>(BlockY()) * kRows;
  const int64_t column = static_cast<int64_t>(BlockX()) * kColumns;
  const Slicing slicing = SlicesOf(p.k);
  const int64_t ldw = slicing.blocks * kPadding;
  const Bf16* x = static_cast<const Bf16*>(p.x) + (row + g) * p.ldx + 8 * t;
  const Bf16* w = static_cast<const Bf16*>(p.w) + (column + g) * ldw + 8 * t;
  const int64_t begin = warp * slicing.length;
  const int64_t end =
      begin + slicing.length < slicing.blocks ? begin + slicing.length : slicing.blocks;
  float acc[M][2][4] = {};
  const auto block = [&](int64_t b, const Words4& w0, const Words4& w1) {
#pragma unroll
    for (int m = 0; m < M; ++m) {
      const Words4 low = LoadWords4(x + 16 * m * p.ldx + b * kPadding);
      const Words4 high = LoadWords4(x + (16 * m + 8) * p.ldx + b * kPadding);
      MmaBlock(acc[m][0], low, high, w0);
      MmaBlock(acc[m][1], low, high, w1);
    }
  };
  constexpr int kAhead = 4;  // blocks of weights on their way
  int64_t b = begin;
  for (; b + kAhead <= end; b += kAhead) {
    Words4 w0[kAhead], w1[kAhead];
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      w0[u] = LoadWords4(w + (b + u) * kPadding);
      w1[u] = LoadWords4(w + 8 * ldw + (b + u) * kPadding);
    }
#pragma unroll
    for (int u = 0; u < kAhead; ++u) block(b + u, w0[u], w1[u]);
  }
  for (; b < end; ++b) {
    block(b, LoadWords4(w + b * kPadding), LoadWords4(w + 8 * ldw + b * kPadding));
  }
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      float(*tile)[kColumns] = partial[warp] + 16 * m;
      tile[g][8 * j + 2 * t] = acc[m][j][0];
      tile[g][8 * j + 2 * t + 1] = acc[m][j][1];
      tile[g + 8][8 * j + 2 * t] = acc[m][j][2];
      tile[g + 8][8 * j + 2 * t + 1] = acc[m][j][3];
    }
  }
  SyncBlock();
  const int used = static_cast<int>((slicing.blocks + slicing.length - 1) / slicing.length);
  for (int i = ThreadIndex(); i < kRows * kColumns; i += kSlices * kWarp) {
    const int r = i / kColumns;
    const int c = i % kColumns;
    float sum = partial[0][r][c];
    for (int s = 1; s < used; ++s) sum = sum + partial[s][r][c];
    StoreBf16(p, row + r, column + c, sum);
  }
}

// Many rows: a block has 64 × 64 elements, a warp 32 × 32, and blocks of k pass through shared
// memory four deep. Grid: (columns / 64, rows / 64).
inline constexpr int kWideTile = 64;
inline constexpr int kWideThreads = 128;

PLUMBLINE_KERNEL(kWideThreads) GemmBf16Wide(GemmParams p) {
  constexpr int kStages = 4;
  PLUMBLINE_SHARED Words4 xs[kStages][kWideTile][4];
  PLUMBLINE_SHARED Words4 ws[kStages][kWideTile][4];
  const int warp = ThreadIndex() / kWarp;
  const int lane = ThreadIndex() % kWarp;
  const int g = lane / 4;
  const int t = lane % 4;
  const int warp_row = warp / 2 * 32;
  const int warp_column = warp % 2 * 32;
  const int64_t row = static_cast<int64_t>(BlockY()) * kWideTile;
  const int64_t column = static_cast<int64_t>(BlockX()) * kWideTile;
  const Slicing slicing = SlicesOf(p.k);
  const int64_t ldw = slicing.blocks * kPadding;
  const Bf16* x = static_cast<const Bf16*>(p.x) + row * p.ldx;
  const Bf16* w = static_cast<const Bf16*>(p.w) + column * ldw;
  const auto fetch = [&](int64_t b) {
    if (b < slicing.blocks) {
      const int stage = static_cast<int>(b % kStages);
#pragma unroll
      for (int i = 0; i < kWideTile * 4 / kWideThreads; ++i) {
        const int r = (ThreadIndex() + i * kWideThreads) / 4;
        const int c = (ThreadIndex() + i * kWideThreads) % 4;
        CopyAsync16(&xs[stage][r][c], x + r * p.ldx + b * kPadding + 8 * c);
        CopyAsync16(&ws[stage][r][c], w + r * ldw + b * kPadding + 8 * c);
      }
    }
    CommitCopies();  // an empty group too: the waits count groups
  };
  float acc[2][4][4] = {};
  float total[2][4][4] = {};
  for (int b = 0; b < kStages - 1; ++b) fetch(b);
  for (int64_t b = 0; b < slicing.blocks; ++b) {
    WaitForCopies<kStages - 2>();
    SyncBlock();
    fetch(b + kStages - 1);
    const int stage = static_cast<int>(b % kStages);
    Words4 low[2], high[2];
#pragma unroll
    for (int m = 0; m < 2; ++m) {
      low[m] = xs[stage][warp_row + 16 * m + g][t];
      high[m] = xs[stage][warp_row + 16 * m + 8 + g][t];
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const Words4 wj = ws[stage][warp_column + 8 * j + g][t];
#pragma unroll
      for (int m = 0; m < 2; ++m) MmaBlock(acc[m][j], low[m], high[m], wj);
    }
    if ((b + 1) % slicing.length != 0 && b + 1 != slicing.blocks) continue;
    const bool first = b < slicing.length;
#pragma unroll
    for (int i = 0; i < 32; ++i) {
      float& a = acc[i / 16][i / 4 % 4][i % 4];
      float& sum = total[i / 16][i / 4 % 4][i % 4];
      sum = first ? a : sum + a;
      a = 0;
    }
  }
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    const int m = i / 16, j = i / 4 % 4, e = i % 4;
    StoreBf16(p, row + warp_row + 16 * m + g + e / 2 * 8,
              column + warp_column + 8 * j + 2 * t + e % 2, total[m][j][e]);
  }
}

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_KERNELS_GEMM_CUH_
