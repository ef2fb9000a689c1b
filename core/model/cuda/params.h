// What each CUDA kernel is told: plain structs, the same for nvcc (kernels/*.cuh), for the plugin
// boundary (device.h) and for the emulation that runs the kernels on a CPU (tests/model/cuda).
//
// All pointers are device pointers. Dimensions as in decoder_spec.h. A matrix of activations has
// rows `ld` elements apart, ld a multiple of kPadding; what lies between the width and ld is zero
// and stays zero, so that products may run over it.
//
// Whatever differs from step to step lies in device memory behind these pointers, not in the
// structs: a captured graph is replayed with the same structs and other contents.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_PARAMS_H_
#define PLUMBLINE_CORE_MODEL_CUDA_PARAMS_H_

#include <cstdint>

#include "core/model/decoder_spec.h"

namespace plumbline::cuda {

// Elements to which widths of activations and of weights in memory are rounded up.
inline constexpr int64_t kPadding = 32;
// Rows of slack behind every matrix of activations: a tile may read, never write, past the last.
inline constexpr int64_t kRowSlack = 64;
// Slices into which a product's K is cut, whatever the number of rows (gemm.cuh).
inline constexpr int kSlices = 8;
// Query rows of a tile of attention.
inline constexpr int kAttentionRows = 8;
// Widest head that attention is compiled for.
inline constexpr int64_t kMaxHeadDim = 256;
// Low-rank branches of a group at most: q, k, v.
inline constexpr int kMaxParts = 3;

inline int64_t Padded(int64_t n) { return (n + kPadding - 1) / kPadding * kPadding; }

// ---- rows in, rows out ----

// y[r] = source[r] · scale, E wide. scale 0: as it is. `add`: y[r] += source[r] instead.
struct EmbedParams {
  ComputeType dtype;
  const void* const* sources;  // [rows]: each row's place in its table
  int64_t width;
  float scale;
  bool add;
  int64_t rows;
  void* y;
  int64_t ldy;
};

// One norm: weight null where there is none.
struct NormParams {
  const float* weight;  // [n]
  const float* bias;    // [n], kLayer only
};

// What stands between two linears, one row at a time: x += post(t); y = next(x).
struct JoinParams {
  ComputeType dtype;
  NormStyle style;
  float epsilon;
  int64_t width;           // E
  const void* t;           // [rows, ld]; null: nothing joins
  void* x;                 // [rows, ld]: the residual stream
  NormParams post;         // of t, before it joins
  NormParams next;         // weight null: no y
  const int32_t* rows_in;  // y's row r is of x's row rows_in[r]; null: r. Only without t.
  void* y;                 // [rows, ld]
  int64_t ld;
  int64_t rows;
};

// y = act(gate) · up of gate | up side by side, or y = act(x).
struct ActivateParams {
  ComputeType dtype;
  Activation activation;
  bool gated;
  const void* x;  // [rows, ldx]
  int64_t ldx;
  int64_t width;  // F
  void* y;        // [rows, ldy]; may be x where it is not gated
  int64_t ldy;
  int64_t rows;
};

// Normalises and rotates each row's queries and keys in place and puts keys and values into the
// cache.
struct RotateParams {
  ComputeType dtype;
  void* qkv;  // [rows, ld]: [q | k | v]
  int64_t ld;
  int64_t rows;
  int32_t heads, kv_heads, head_dim;
  QkNorm qk_norm;
  NormStyle style;
  float epsilon;
  const float* q_weight;  // [D] or [H·D]
  const float* k_weight;  // [D] or [G·D]
  int32_t half;           // rotated pairs; 0: no rotation
  const float* cos_sin;   // [rows, 2, half]
  bool late_cast;
  void* const* blocks;   // [rows]: the row's block of the cache
  const int32_t* slots;  // [rows]: its place in there
  int64_t k_offset;      // of this layer's head 0 in a block, in elements
  int64_t head_stride;   // from head to head
};

// Up to kAttentionRows (query, head) rows of one sequence and one KV head.
struct AttentionUnit {
  const void* const* blocks;  // this sequence's blocks, in order
  int32_t row;                // of the chunk's first query
  int32_t position;           // of that query
  int32_t begin, end;         // of the (query, head of the group) rows, query-major
};

struct AttentionParams {
  ComputeType dtype;
  const AttentionUnit* units;  // [unit_count]
  int64_t unit_count;
  const void* q;  // [rows, ldq]
  int64_t ldq;
  void* out;  // [rows, ldo]
  int64_t ldo;
  int32_t kv_heads, group, head_dim;
  int64_t k_offset, head_stride;  // as RotateParams
  int32_t window;
  float scale, softcap;
};

// ---- products ----

// y = x · Wᵀ + bias, rounded once.
struct GemmParams {
  ComputeType dtype;
  const void* x;  // [rows (+ kRowSlack), ldx], ldx >= Padded(k)
  int64_t ldx;
  int64_t rows;
  int64_t k;
  const void* w;  // kBfloat16: [n up to 64][Padded(k)], zero-padded; kFloat32: panels [n/32][k][32]
  const float* bias;  // [n] or null
  void* y;            // [rows, ldy]
  int64_t ldy;
  int64_t n;
};

// One module's branch.
struct LoraPartParams {
  int32_t rank_begin;  // in the group's h
  int32_t rank;
  int32_t column_begin;
  int32_t columns;
  float scaling;
  const float* b;          // panels [columns/32][rank][32]
  const float* lora_bias;  // [columns] or null
  const float* magnitude;  // DoRA's m' [columns] or null
  const float* base_bias;  // [columns] or null
};

struct LoraGroupParams {
  int32_t rank;  // of all parts; 0: nothing here
  int32_t parts;
  const float* a;  // panels of the stacked A [rank/32][k][32]
  LoraPartParams part[kMaxParts];
};

// h[r] = A · x[r] of group `group` of each row's adapter; then y[r] += what its parts say. Rows of
// the base are left alone.
struct LoraParams {
  ComputeType dtype;
  const LoraGroupParams* const* adapters;  // [rows]: the row's adapter's groups; null: the base
  int32_t group;
  int32_t max_rank;  // >= any row's
  const void* x;     // [rows, ldx]
  int64_t ldx;
  int64_t k;
  float* h;  // [rows, ldh]
  int64_t ldh;
  void* y;  // [rows, ldy]
  int64_t ldy;
  int64_t n;  // columns of y
  int64_t rows;
  bool up_only;  // h is there already
};

// h[r] = sources[r][0..rank): an embedding branch's own A · one-hot.
struct GatherParams {
  const float* const* sources;  // [rows]
  int64_t rank;
  float* h;
  int64_t ldh;
  int64_t rows;
};

// ---- logits ----

// y[r, columns[c]] = x[r, c].
struct ScatterParams {
  ComputeType dtype;
  const void* x;
  int64_t ldx;
  const int32_t* columns;  // [count]
  int64_t count;
  void* y;
  int64_t ldy;
  int64_t rows;
};

// y = float(x), softcapped.
struct LogitsParams {
  ComputeType dtype;
  const void* x;  // [rows, ldx]
  int64_t ldx;
  int64_t width;
  float softcap;
  float* y;  // [rows, width]
  int64_t rows;
};

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_PARAMS_H_
