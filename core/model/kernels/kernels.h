// The numeric kernels of the CPU decoder: one table of plain functions per instruction set, chosen
// once when the process starts.
//
// The one idea: *a row's bits depend on that row alone.* Every function below computes each output
// row (or each query of attention) with a sequence of operations that is fixed by the row's own
// inputs: no reduction is split by the number of rows, no tail is computed with other instructions
// than the rest (tails are padded to whole vectors), no product is contracted unless it is written
// so (the files are compiled with -ffp-contract=off). So a batch of 1 and a batch of 64 give the
// same bits, and the caller may split rows and columns over threads as it likes.
//
// T is float or Bf16. Arithmetic is fp32 throughout; with Bf16 values are rounded (to nearest even)
// where transformers rounds them.
//
// No torch type here. All functions are thread-safe; none allocates.
#ifndef PLUMBLINE_CORE_MODEL_KERNELS_KERNELS_H_
#define PLUMBLINE_CORE_MODEL_KERNELS_KERNELS_H_

#include <cstdint>

namespace plumbline {

// bfloat16 as it lies in memory.
struct Bf16 {
  uint16_t bits;
};

// Columns of a GEMM panel: the unit in which a GEMM's columns may be split over threads.
inline constexpr int kPanelColumns = 32;
// Tokens of a block of the KV cache.
inline constexpr int kKvBlockTokens = 32;
// Rows of a tile of attention; the caller's scratch holds this many.
inline constexpr int kAttentionTileRows = 8;

// kReference: plain loops for comparison (reference.cc), not an instruction set.
enum class Isa { kReference, kPortable, kAvx2, kAvx512, kAvx512Bf16 };

enum class NormStyle {
  kRms,            // T(x / rms) * w: Llama, Qwen, Mistral, Phi-3, SmolLM
  kRmsUnitOffset,  // T(x / rms * (1 + w)): Gemma
  kRmsLateCast,    // T(x / rms * w): OLMo2
  kLayer,          // T((x - mean) / std * w + b): GPT-2
};

enum class Activation { kSilu, kGeluTanh, kRelu };

// Memory that the caller will read soon.
struct PrefetchRange {
  const void* data;
  int64_t bytes;
};

// y = x · Wᵀ for rows × panels. W is packed by PackPanels: panels of 32 columns, the last of 16
// when that is enough.
template <typename T, typename W = T, typename Y = T>
struct GemmArgs {
  const T* x = nullptr;  // [rows, ldx]
  int64_t ldx = 0;
  int64_t rows = 0;
  int64_t k = 0;
  const W* panels = nullptr;    // [ceil(n / 32)][k][32]; Bf16: [ceil(n / 32)][ceil(k / 2)][32][2]
  const float* bias = nullptr;  // [n] or null; added in fp32 before the one rounding to Y
  Y* y = nullptr;               // [rows, ldy]
  int64_t ldy = 0;
  int64_t n = 0;
  // Brought near, a little at a time, while the first panel is computed.
  const PrefetchRange* prefetches = nullptr;
  int64_t prefetch_count = 0;
};

// One low-rank branch of one adapter over a run of its rows: y += scaling · (h · Bᵀ + lora_bias),
// and DoRA's formula when `magnitude` is set. B is fp32 or, where all its values are, bfloat16:
// the sums are the same to the bit.
template <typename T>
struct LoraUpArgs {
  const float* h = nullptr;  // [rows, ldh]: A · x, this module's ranks
  int64_t ldh = 0;
  int64_t rows = 0;
  int64_t rank = 0;
  const float* panels = nullptr;  // of B, or null and
  const Bf16* half_panels = nullptr;
  const float* lora_bias = nullptr;  // [n] or null
  float scaling = 1;
  const float* magnitude = nullptr;  // m' [n] or null: y = y + (m' - 1)(y - base_bias) + m' * delta
  const float* base_bias = nullptr;  // [n] or null
  T* y = nullptr;                    // [rows, ldy]
  int64_t ldy = 0;
  int64_t n = 0;
};

// Attention of consecutive queries of one sequence over one KV head. Rows are (query, head of the
// group) pairs, query-major.
template <typename T>
struct AttentionArgs {
  const T* q = nullptr;  // query 0, first head of the group; heads are head_dim apart
  int64_t ldq = 0;       // from query to query
  T* out = nullptr;      // as q
  int64_t ldo = 0;
  int64_t first_position = 0;  // of query 0; its keys 0..first_position are in the cache
  int group = 1;               // query heads a KV head
  int head_dim = 0;
  const T* const* blocks = nullptr;  // this sequence's blocks of the cache, in order
  int64_t k_offset = 0;              // of this layer and head in a block: K [head_dim][32]
  int64_t v_offset = 0;              // V [32][head_dim rounded up to 16]
  int window = 0;  // a query sees this many positions, itself included; 0: all before it
  float scale = 1;
  float softcap = 0;  // scores = cap · tanh(scores / cap); 0: none
};

template <typename T>
struct Kernels {
  Isa isa;
  // Panels [panel_begin, panel_end) of a GEMM.
  void (*gemm)(const GemmArgs<T>& args, int64_t panel_begin, int64_t panel_end);
  // The same for h = A · x in fp32 with an A that is bfloat16 or fp32: no value is rounded.
  void (*lora_down_half)(const GemmArgs<T, Bf16, float>& args, int64_t panel_begin,
                         int64_t panel_end);
  void (*lora_down_wide)(const GemmArgs<T, float, float>& args, int64_t panel_begin,
                         int64_t panel_end);
  void (*lora_up)(const LoraUpArgs<T>& args, int64_t panel_begin, int64_t panel_end);
  // Row indices [row_begin, row_end) of queries × group. scratch: AttentionScratchFloats().
  void (*attention)(const AttentionArgs<T>& args, int64_t row_begin, int64_t row_end,
                    float* scratch);
  // y = norm(x). n: width. w: [n]; b: [n], kLayer only. x == y is allowed.
  void (*norm)(NormStyle style, const T* x, int64_t ldx, const float* w, const float* b, float eps,
               int64_t rows, int64_t n, T* y, int64_t ldy);
  // y += x, rounded once.
  void (*add)(const T* x, T* y, int64_t count);
  // y[r] = act(gate[r]) * up[r], gate | up side by side in x: [rows, 2n].
  void (*gated)(Activation act, const T* x, int64_t ldx, int64_t rows, int64_t n, T* y,
                int64_t ldy);
  // In place.
  void (*activate)(Activation act, T* x, int64_t count);
  // Rotate-half RoPE on `heads` heads of one row, in place, on the first 2 · half elements of each.
  // cos, sin: [half]. `late_cast`: products in fp32 and one rounding (OLMo2); else as transformers
  // rounds: x · cos, rotated · sin and their sum each to T.
  void (*rope)(T* x, int heads, int head_dim, int half, const float* cos, const float* sin,
               bool late_cast);
  // Puts one token's K and V (one KV head) into its place `slot` (0..31) of a block.
  void (*kv_write)(const T* k, const T* v, int head_dim, int slot, T* k_block, T* v_block);
  // x *= s, rounded.
  void (*scale)(float s, T* x, int64_t count);
  void (*to_float)(const T* x, float* y, int64_t count);
  void (*from_float)(const float* x, T* y, int64_t count);
  // x = cap * tanh(x / cap), fp32.
  void (*softcap)(float cap, float* x, int64_t count);
  // Index of the largest of count >= 1 values; ties give the lowest. A NaN is never the largest.
  int64_t (*argmax)(const float* x, int64_t count);
  // log(sum(exp(x))) of fp32 values, summed in double in a fixed order.
  double (*log_sum_exp)(const float* x, int64_t count);
};

// "reference", "portable", "avx2", "avx512" or "avx512_bf16".
const char* IsaName(Isa isa);
// Whether this machine can run it.
bool CanRun(Isa isa);
// The fastest this machine can run.
Isa BestIsa();

// The best table this machine can run, or another (the tests compare them). T: float, Bf16.
template <typename T>
const Kernels<T>& BestKernels();
// Null when this machine cannot run `isa`.
template <typename T>
const Kernels<T>* KernelsFor(Isa isa);

// Floats of scratch that attention needs for sequences of up to `tokens` tokens.
inline int64_t AttentionScratchFloats(int64_t tokens, int head_dim) {
  const int64_t keys = (tokens + kKvBlockTokens) / kKvBlockTokens * kKvBlockTokens + kKvBlockTokens;
  return kAttentionTileRows * (keys + head_dim + 16) + 64;
}

// Elements of a packed [n, k] matrix.
template <typename T>
int64_t PackedElements(int64_t n, int64_t k);
// Packs W [n, k] into panels. rows[i] points to row i, so that several matrices can be packed as if
// they were one. Missing columns of the last panel and the odd k of Bf16 become zero. Writes
// panels [panel_begin, panel_end).
void PackPanels(const float* const* rows, int64_t n, int64_t k, float* panels, int64_t panel_begin,
                int64_t panel_end);
void PackPanels(const Bf16* const* rows, int64_t n, int64_t k, Bf16* panels, int64_t panel_begin,
                int64_t panel_end);

// The way back: rows [n, k] of a packed matrix.
void UnpackPanels(const float* panels, int64_t n, int64_t k, float* rows);
void UnpackPanels(const Bf16* panels, int64_t n, int64_t k, Bf16* rows);

// Row `row` of the W [n, k] that `panels` hold: y [k].
template <typename T>
void UnpackRow(const T* panels, int64_t n, int64_t k, int64_t row, T* y);

inline int64_t PanelCount(int64_t n) { return (n + kPanelColumns - 1) / kPanelColumns; }
// Panel p of n columns holds 16, not 32.
inline bool IsNarrowPanel(int64_t n, int64_t p) {
  return n - p * kPanelColumns <= kPanelColumns / 2;
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_KERNELS_KERNELS_H_
