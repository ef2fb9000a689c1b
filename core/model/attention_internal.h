// Attention over the rows of a step: queries and keys are normalised and rotated, keys and values
// go into the cache, and every row attends to its own sequence.
//
// Island-internal.
#ifndef PLUMBLINE_CORE_MODEL_ATTENTION_INTERNAL_H_
#define PLUMBLINE_CORE_MODEL_ATTENTION_INTERNAL_H_

#include <cstdint>
#include <vector>

#include "core/model/aligned_buffer.h"
#include "core/model/decoder_internal.h"
#include "core/model/decoder_weights_internal.h"
#include "core/model/kernels/kernels.h"
#include "core/model/rope_table.h"
#include "core/model/thread_pool.h"

namespace plumbline {

// The chunks of a step, row by row.
struct StepRows {
  std::vector<Chunk> chunks;
  std::vector<int64_t> first;     // by chunk: its first row
  std::vector<int32_t> chunk_of;  // by row
  int64_t count = 0;
  int64_t longest = 0;  // tokens in the longest sequence

  const Chunk& chunk(int64_t row) const { return chunks[chunk_of[row]]; }
  // Of the row in its chunk, and in its sequence.
  int64_t offset(int64_t row) const { return row - first[chunk_of[row]]; }
  int64_t position(int64_t row) const { return chunk(row).position + offset(row); }
};

// Thread-compatible: the device thread's.
template <typename T>
class AttentionRunner {
 public:
  // All but `options` are borrowed.
  AttentionRunner(const DecoderSpec& spec, const DecoderOptions& options, const Kernels<T>& kernels,
                  ThreadPool* threads);

  // Prepares a step's rotations and its units of work. `rows` is borrowed until the next.
  void Begin(const StepRows& rows);
  // out [rows, H·D] = attention of qkv [rows, (H + 2G)·D], which is changed in place.
  void Run(int64_t layer, const LayerWeights<T>& weights, T* qkv, T* out);

 private:
  // One (chunk, KV head, run of attention rows): what one thread attends to at a time.
  struct Unit {
    int32_t chunk;
    int32_t head;
    int32_t row_begin;
    int32_t row_end;
  };

  int64_t QkvWidth() const { return spec_.q_width() + 2 * spec_.kv_width(); }
  void RotateAndStore(int64_t layer, const LayerWeights<T>& weights, int64_t row, T* qkv) const;
  void Attend(int64_t layer, const Unit& unit, const T* qkv, T* out, float* scratch) const;

  const DecoderSpec& spec_;
  const Kernels<T>& kernels_;
  ThreadPool& threads_;
  const KvLayout layout_;
  std::vector<RopeTable> ropes_;
  std::vector<AlignedBuffer<float>> rope_rows_;  // by rope: [rows, cos and sin]
  std::vector<AlignedBuffer<float>> scratch_;    // by thread

  // The step at hand.
  const StepRows* rows_ = nullptr;
  std::vector<Unit> units_;
};

// The layout of a decoder's KV cache in T.
template <typename T>
KvLayout KvLayoutOf(const DecoderSpec& spec) {
  return {static_cast<int64_t>(spec.layers.size()), spec.kv_heads, spec.head_dim, sizeof(T)};
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_ATTENTION_INTERNAL_H_
