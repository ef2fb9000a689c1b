// What the kernels need from CUDA, by names of their own, so that g++ can compile the same sources
// against an emulation (tests/model/cuda/emulation.h, which defines PLUMBLINE_CUDA_EMULATION and
// the same names) and run them thread by thread on a CPU.
//
// Arithmetic is IEEE fp32 with explicit fmaf; the plugin is compiled with -fmad=false and without
// fast-math, and exp and tanh are the polynomials below. So everything but the tensor cores'
// product (MmaBf16) has the same bits on a GPU and in the emulation.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_KERNELS_PORTABLE_CUH_
#define PLUMBLINE_CORE_MODEL_CUDA_KERNELS_PORTABLE_CUH_

#include <cstdint>

#include "core/model/cuda/params.h"

#if defined(__CUDACC__)

#define PLUMBLINE_KERNEL(threads) __global__ void __launch_bounds__(threads)
#define PLUMBLINE_DEVICE __device__ __forceinline__
#define PLUMBLINE_SHARED __shared__

namespace plumbline::cuda {

__device__ __forceinline__ int ThreadIndex() { return static_cast<int>(threadIdx.x); }
__device__ __forceinline__ int BlockX() { return static_cast<int>(blockIdx.x); }
__device__ __forceinline__ int BlockY() { return static_cast<int>(blockIdx.y); }
__device__ __forceinline__ void SyncBlock() { __syncthreads(); }
__device__ __forceinline__ void SyncWarp() { __syncwarp(); }
__device__ __forceinline__ float ShuffleXor(float value, int mask) {
  return __shfl_xor_sync(0xffffffffu, value, mask);
}

// Sixteen bytes from global to shared memory, behind the threads' backs.
__device__ __forceinline__ void CopyAsync16(void* shared, const void* global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(
                   static_cast<unsigned>(__cvta_generic_to_shared(shared))),
               "l"(global)
               : "memory");
}
__device__ __forceinline__ void CommitCopies() {
  asm volatile("cp.async.commit_group;\n" ::: "memory");
}
// Waits until at most `Pending` of this thread's groups of copies are under way.
template <int Pending>
__device__ __forceinline__ void WaitForCopies() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(Pending) : "memory");
}

// mma.m16n8k16: acc [16, 8] += a [16, 16] · b [16, 8], each thread holding its part of the
// fragment.
__device__ __forceinline__ void MmaBf16(float (&acc)[4], uint32_t a0, uint32_t a1, uint32_t a2,
                                        uint32_t a3, uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
      : "+f"(acc[0]), "+f"(acc[1]), "+f"(acc[2]), "+f"(acc[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

__device__ __forceinline__ uint32_t BitsOf(float x) { return __float_as_uint(x); }
__device__ __forceinline__ float FloatOf(uint32_t x) { return __uint_as_float(x); }

}  // namespace plumbline::cuda

#elif !defined(PLUMBLINE_CUDA_EMULATION)
#error "compile with nvcc, or include tests/model/cuda/emulation.h first"
#endif

namespace plumbline::cuda {

inline constexpr int kWarp = 32;

struct alignas(16) Words4 {
  uint32_t x, y, z, w;
};
struct alignas(8) Words2 {
  uint32_t x, y;
};

PLUMBLINE_DEVICE float NegativeInfinity() { return FloatOf(0xff800000u); }

PLUMBLINE_DEVICE float ToFloat(float x) { return x; }
PLUMBLINE_DEVICE float ToFloat(Bf16 x) { return FloatOf(static_cast<uint32_t>(x.bits) << 16); }

// Round to nearest, ties to even; a NaN stays one.
template <typename T>
PLUMBLINE_DEVICE T FromFloat(float x);
template <>
PLUMBLINE_DEVICE float FromFloat<float>(float x) {
  return x;
}
template <>
PLUMBLINE_DEVICE Bf16 FromFloat<Bf16>(float x) {
  const uint32_t u = BitsOf(x);
  const uint32_t rounded = x != x ? (u | 0x00400000u) : u + 0x7fffu + ((u >> 16) & 1u);
  return Bf16{static_cast<uint16_t>(rounded >> 16)};
}
template <typename T>
PLUMBLINE_DEVICE float Rounded(float x) {
  return ToFloat(FromFloat<T>(x));
}

// Four values that lie side by side, at a multiple of four.
PLUMBLINE_DEVICE void Load4(const float* p, float (&out)[4]) {
  const Words4 v = *reinterpret_cast<const Words4*>(p);
  out[0] = FloatOf(v.x);
  out[1] = FloatOf(v.y);
  out[2] = FloatOf(v.z);
  out[3] = FloatOf(v.w);
}
PLUMBLINE_DEVICE void Load4(const Bf16* p, float (&out)[4]) {
  const Words2 v = *reinterpret_cast<const Words2*>(p);
  out[0] = FloatOf(v.x << 16);
  out[1] = FloatOf(v.x & 0xffff0000u);
  out[2] = FloatOf(v.y << 16);
  out[3] = FloatOf(v.y & 0xffff0000u);
}

// ---- sums over threads, always in the same order ----

PLUMBLINE_DEVICE float WarpSum(float v) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2) v = v + ShuffleXor(v, mask);
  return v;
}
PLUMBLINE_DEVICE float WarpMax(float v) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2) v = fmaxf(v, ShuffleXor(v, mask));
  return v;
}
// Over all threads of the block; every thread gets it. scratch: [threads / 32] shared.
template <int Threads>
PLUMBLINE_DEVICE float BlockSum(float v, float* scratch) {
  v = WarpSum(v);
  if (ThreadIndex() % kWarp == 0) scratch[ThreadIndex() / kWarp] = v;
  SyncBlock();
  float sum = 0;
  for (int w = 0; w < Threads / kWarp; ++w) sum = sum + scratch[w];
  SyncBlock();
  return sum;
}

// ---- functions, about 1 ulp: those of kernels/simd.h ----

PLUMBLINE_DEVICE float Exp(float x) {
  if (x < -87.3f) return 0;
  x = x > -87.3f ? x : -87.3f;
  x = x < 88.37626f ? x : 88.37626f;
  const float magic = 12582912.f;
  const float shifted = fmaf(x, 1.44269504088896341f, magic);
  const float n = shifted - magic;
  float r = fmaf(n, -0.693359375f, x);
  r = fmaf(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = fmaf(p, r, 1.3981999507e-3f);
  p = fmaf(p, r, 8.3334519073e-3f);
  p = fmaf(p, r, 4.1665795894e-2f);
  p = fmaf(p, r, 1.6666665459e-1f);
  p = fmaf(p, r, 5.0000001201e-1f);
  p = fmaf(p, r * r, r) + 1.f;
  const uint32_t exponent = (BitsOf(shifted) - BitsOf(magic) + 127u) << 23;
  return p * FloatOf(exponent);
}

PLUMBLINE_DEVICE float Tanh(float x) {
  const float a = x < 0 ? -x : x;
  if (a < 0.625f) {
    const float z = x * x;
    float p = -5.70498872745e-3f;
    p = fmaf(p, z, 2.06390887954e-2f);
    p = fmaf(p, z, -5.37397155531e-2f);
    p = fmaf(p, z, 1.33314422036e-1f);
    p = fmaf(p, z, -3.33332819422e-1f);
    return fmaf(p * z, x, x);
  }
  const float big = 1.f - 2.f / (Exp(a + a) + 1.f);
  return x < 0 ? -big : big;
}

PLUMBLINE_DEVICE float Activate(Activation activation, float x) {
  switch (activation) {
    case Activation::kSilu:
      return x / (1.f + Exp(-x));
    case Activation::kGeluTanh: {
      const float inner = 0.7978845608028654f * fmaf(0.044715f, x * x * x, x);
      return 0.5f * x * (1.f + Tanh(inner));
    }
    case Activation::kRelu:
      return x > 0 ? x : 0;
  }
  return x;
}

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_KERNELS_PORTABLE_CUH_
