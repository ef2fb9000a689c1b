// The decoder: tokens in, hidden states and logits out, for rows of many sequences at once.
//
// A step is a list of chunks. A chunk is the next run of one sequence's tokens: a slice of its
// prompt, or the one token it decodes. All rows of all chunks go through the layers side by side;
// only attention and the low-rank branches know which row belongs to whom. A row's bits depend on
// its own sequence alone (kernels.h), so how tokens are cut into chunks and which sequences share a
// step changes nothing but speed.
//
// Weights, KV cache (kv_pool.h) and activations (inside) are separate objects.
//
// Island-internal: names torch types.
#ifndef PLUMBLINE_CORE_MODEL_DECODER_INTERNAL_H_
#define PLUMBLINE_CORE_MODEL_DECODER_INTERNAL_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/lora/target_module.h"
#include "core/model/decoder_spec.h"
#include "core/model/kernels/kernels.h"
#include "core/model/kv_pool.h"
#include "core/model/lora_weights_internal.h"
#include "core/model/thread_pool.h"
#include "core/weights/checkpoint_internal.h"

namespace plumbline {

// The next tokens of one sequence.
struct Chunk {
  absl::Span<const int32_t> tokens;  // not empty; each in [0, vocabulary)
  int64_t position = 0;              // of tokens[0]; everything before it is in `blocks`
  // Tokens of the prompt this chunk belongs to: RoPE variants that depend on the length rotate the
  // whole prompt by its length and every later token by its own.
  int64_t prompt_length = 0;
  // The sequence's blocks, enough for position + tokens.size() tokens. This step writes into those
  // from position / 32 on; they must not be shared.
  absl::Span<void* const> blocks;
  const LoraWeights* adapter = nullptr;  // null: the base
  // Hidden states are kept for tokens[first_output..): none when it equals tokens.size().
  int64_t first_output = 0;
};

// Output rows whose logits a decoder computes at a time: what its buffers hold.
inline constexpr int64_t kLogitRows = 64;

struct DecoderOptions {
  ComputeType dtype = ComputeType::kFloat32;
  int64_t max_rows = 512;  // tokens of a step, at most
  Isa isa = BestIsa();     // kernels to compute with; one this machine can run
};

// Thread-compatible: one thread (the device thread) makes every call but spec().
class Decoder {
 public:
  // Reads the weights; `threads` is borrowed and used by every call. May throw c10::Error or
  // std::bad_alloc (core/engine turns them into a status).
  static absl::StatusOr<std::unique_ptr<Decoder>> Load(const DecoderSpec& spec,
                                                       const Checkpoint& checkpoint,
                                                       const DecoderOptions& options,
                                                       ThreadPool* threads);
  virtual ~Decoder() = default;

  virtual const DecoderSpec& spec() const = 0;
  virtual const DecoderOptions& options() const = 0;
  virtual int64_t weight_bytes() const = 0;
  virtual int64_t parameters() const = 0;
  virtual KvLayout kv_layout() const = 0;
  // Where the blocks of its KV cache must lie. Pools in there must not outlive the decoder.
  virtual KvMemory& kv_memory() { return HostKvMemory(); }

  // Runs a step and keeps the final hidden states of the output rows, in the chunks' order. The sum
  // of tokens is at most max_rows. Chunks of one adapter should stand together: every change of
  // adapter costs a pass over its branch.
  virtual void Forward(absl::Span<const Chunk> chunks) = 0;
  // Output rows of the last Forward.
  virtual int64_t output_rows() const = 0;
  // Logits of output rows [begin, end): out [end - begin, V] fp32, rounded through the dtype.
  virtual void Logits(int64_t begin, int64_t end, float* out) = 0;
  // Logits of token ids [0, columns) only, `columns` a multiple of kPanelColumns or V: out
  // [end - begin, columns]. This default computes all and copies each row's prefix.
  virtual void FirstLogits(int64_t begin, int64_t end, int64_t columns, float* out) {
    const int64_t v = spec().vocabulary;
    std::vector<float> all(static_cast<size_t>((end - begin) * v));
    Logits(begin, end, all.data());
    for (int64_t row = 0; row < end - begin; ++row) {
      std::copy_n(all.data() + row * v, columns, out + row * columns);
    }
  }
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_DECODER_INTERNAL_H_
