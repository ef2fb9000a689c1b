// Which kernel runs on which grid, for given parameters: the same for a GPU and for the emulation.
//
// run(kernel, blocks_x, blocks_y, threads, params) starts one kernel.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_KERNELS_LAUNCH_CUH_
#define PLUMBLINE_CORE_MODEL_CUDA_KERNELS_LAUNCH_CUH_

#include "core/model/cuda/kernels/attention.cuh"
#include "core/model/cuda/kernels/gemm.cuh"
#include "core/model/cuda/kernels/lora.cuh"
#include "core/model/cuda/kernels/rows.cuh"

namespace plumbline::cuda {

inline int64_t Tiles(int64_t n, int64_t tile) { return (n + tile - 1) / tile; }

template <typename Run>
void Launch(Run& run, const EmbedParams& p) {
  const bool half = p.dtype == ComputeType::kBfloat16;
  run(half ? Embed<Bf16> : Embed<float>, p.rows, 1, kRowThreads, p);
}

template <typename Run>
void Launch(Run& run, const JoinParams& p) {
  const bool half = p.dtype == ComputeType::kBfloat16;
  run(half ? Join<Bf16> : Join<float>, p.rows, 1, kRowThreads, p);
}

template <typename Run>
void Launch(Run& run, const ActivateParams& p) {
  const bool half = p.dtype == ComputeType::kBfloat16;
  run(half ? ActivateRows<Bf16> : ActivateRows<float>, Tiles(p.width, kRowThreads), p.rows,
      kRowThreads, p);
}

template <typename Run>
void Launch(Run& run, const RotateParams& p) {
  const bool half = p.dtype == ComputeType::kBfloat16;
  run(half ? Rotate<Bf16> : Rotate<float>, p.rows, 1, kRotateThreads, p);
}

template <typename T>
auto AttentionFor(int head_dim) {
  switch (Tiles(head_dim, kWarp)) {
    case 1:
      return Attention<T, 1>;
    case 2:
      return Attention<T, 2>;
    case 3:
      return Attention<T, 3>;
    case 4:
      return Attention<T, 4>;
    default:
      return Attention<T, 8>;  // kMaxHeadDim
  }
}

template <typename Run>
void Launch(Run& run, const AttentionParams& p) {
  const bool half = p.dtype == ComputeType::kBfloat16;
  run(half ? AttentionFor<Bf16>(p.head_dim) : AttentionFor<float>(p.head_dim), p.unit_count,
      p.kv_heads, kAttentionWarps * kWarp, p);
}

template <typename Run>
void Launch(Run& run, const GemmParams& p) {
  constexpr int kThreads = kSlices * kWarp;
  if (p.dtype == ComputeType::kFloat32) {
    if (p.rows <= 8) {
      run(GemmFloat32<8>, Tiles(p.n, kWarp), 1, kThreads, p);
    } else {
      run(GemmFloat32<32>, Tiles(p.n, kWarp), Tiles(p.rows, 32), kThreads, p);
    }
  } else if (p.rows <= 16) {
    run(GemmBf16Narrow<1>, Tiles(p.n, 16), 1, kThreads, p);
  } else if (p.rows <= 32) {
    run(GemmBf16Narrow<2>, Tiles(p.n, 16), 1, kThreads, p);
  } else if (p.rows <= 64) {
    run(GemmBf16Narrow<4>, Tiles(p.n, 16), 1, kThreads, p);
  } else {
    run(GemmBf16Wide, Tiles(p.n, kWideTile), Tiles(p.rows, kWideTile), kWideThreads, p);
  }
}

template <typename Run>
void Launch(Run& run, const LoraParams& p) {
  const bool half = p.dtype == ComputeType::kBfloat16;
  const int64_t tiles = Tiles(p.rows, kLoraRows);
  if (!p.up_only) {
    run(half ? LoraDown<Bf16> : LoraDown<float>, Tiles(p.max_rank, kWarp), tiles, kLoraThreads, p);
  }
  run(half ? LoraUp<Bf16> : LoraUp<float>, Tiles(p.n, kLoraThreads), tiles, kLoraThreads, p);
}

template <typename Run>
void Launch(Run& run, const GatherParams& p) {
  run(Gather, p.rows, 1, kWarp, p);
}

template <typename Run>
void Launch(Run& run, const ScatterParams& p) {
  const bool half = p.dtype == ComputeType::kBfloat16;
  run(half ? Scatter<Bf16> : Scatter<float>, Tiles(p.count, kRowThreads), p.rows, kRowThreads, p);
}

template <typename Run>
void Launch(Run& run, const LogitsParams& p) {
  const bool half = p.dtype == ComputeType::kBfloat16;
  run(half ? Logits<Bf16> : Logits<float>, Tiles(p.width, kRowThreads), p.rows, kRowThreads, p);
}

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_KERNELS_LAUNCH_CUH_
