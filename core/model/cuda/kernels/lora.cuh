// Low-rank branches of any mix of adapters over the rows of a step, in fp32 whatever the base.
//
// A block has eight neighbouring rows. It walks runs of rows with one adapter, so that a load of A
// or B serves the run; each row's own sum is the same chain whoever its neighbours are. Everything
// about an adapter is behind the row's pointer: a captured graph serves any mix.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_KERNELS_LORA_CUH_
#define PLUMBLINE_CORE_MODEL_CUDA_KERNELS_LORA_CUH_

#include "core/model/cuda/kernels/gemm.cuh"

namespace plumbline::cuda {

inline constexpr int kLoraRows = 8;
inline constexpr int kLoraThreads = kSlices * kWarp;

// body(group, first, last) for each run of rows [first, last) of this tile with one adapter.
template <typename Body>
PLUMBLINE_DEVICE void ForRuns(const LoraParams& p, int64_t row, Body body) {
  const int count = static_cast<int>(p.rows - row < kLoraRows ? p.rows - row : kLoraRows);
  for (int first = 0; first < count;) {
    const LoraGroupParams* adapter = p.adapters[row + first];
    int last = first + 1;
    while (last < count && p.adapters[row + last] == adapter) ++last;
    if (adapter != nullptr && adapter[p.group].rank > 0) body(adapter[p.group], first, last);
    first = last;
  }
}

// h = A · x. Grid: (rank / 32, row tiles).
template <typename T>
PLUMBLINE_KERNEL(kLoraThreads)
LoraDown(LoraParams p) {
  PLUMBLINE_SHARED float partial[kSlices][kLoraRows][kWarp];
  const int64_t row = static_cast<int64_t>(BlockY()) * kLoraRows;
  const int64_t rank0 = static_cast<int64_t>(BlockX()) * kWarp;
  const int64_t rank = rank0 + ThreadIndex() % kWarp;
  const T* x = static_cast<const T*>(p.x) + row * p.ldx;
  ForRuns(p, row, [&](const LoraGroupParams& group, int first, int last) {
    if (rank0 >= group.rank) return;
    float acc[kLoraRows] = {};
    PanelSlice<kLoraRows>(x, p.ldx, p.k, group.a + rank0 * p.k, ThreadIndex() / kWarp, first, last,
                          acc);
    SumSlices<kLoraRows>(acc, partial, [&](int r, float sum) {
      if (r >= first && r < last && rank < group.rank) p.h[(row + r) * p.ldh + rank] = sum;
    });
  });
}

// y += B · h, as the parts say. Grid: (columns / 256, row tiles).
template <typename T>
PLUMBLINE_KERNEL(kLoraThreads)
LoraUp(LoraParams p) {
  const int64_t row = static_cast<int64_t>(BlockY()) * kLoraRows;
  const int64_t n = static_cast<int64_t>(BlockX()) * kLoraThreads + ThreadIndex();
  if (n >= p.n) return;
  ForRuns(p, row, [&](const LoraGroupParams& group, int first, int last) {
    for (int i = 0; i < group.parts; ++i) {
      const LoraPartParams& part = group.part[i];
      const int64_t c = n - part.column_begin;
      if (c < 0 || c >= part.columns) continue;
      const float* b = part.b + c / kWarp * part.rank * kWarp + c % kWarp;
      const float* h = p.h + row * p.ldh + part.rank_begin;
      float acc[kLoraRows] = {};
      for (int k = 0; k < part.rank; ++k) {
        const float bk = b[k * kWarp];
#pragma unroll
        for (int r = 0; r < kLoraRows; ++r) {
          if (r >= first && r < last) acc[r] = fmaf(h[r * p.ldh + k], bk, acc[r]);
        }
      }
      const float lora_bias = part.lora_bias == nullptr ? 0.f : part.lora_bias[c];
      const float base_bias = part.base_bias == nullptr ? 0.f : part.base_bias[c];
#pragma unroll
      for (int r = 0; r < kLoraRows; ++r) {
        if (r < first || r >= last) continue;
        T* y = static_cast<T*>(p.y) + (row + r) * p.ldy + n;
        const float base = ToFloat(*y);
        const float delta = (acc[r] + lora_bias) * part.scaling;
        float sum = base + delta;
        if (part.magnitude != nullptr) {
          const float m = part.magnitude[c];
          sum = base + ((m - 1.f) * (base - base_bias) + m * delta);
        }
        *y = FromFloat<T>(sum);
      }
    }
  });
}

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_KERNELS_LORA_CUH_
