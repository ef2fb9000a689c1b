// Adapters on the device: the bank.
//
// An adapter is one allocation, made when a step first needs it and kept until the room is needed
// for another (least recently used first). Its content is LoraWeights', laid out for the kernels;
// the kernels reach it through a table of LoraGroupParams, one for each group of linears of each
// layer, the head and the embeddings, so that a row needs no more than one pointer.
//
// Island-internal: LoraWeights' header names torch types (nothing here needs torch at link time).
#ifndef PLUMBLINE_CORE_MODEL_CUDA_ADAPTER_BANK_INTERNAL_H_
#define PLUMBLINE_CORE_MODEL_CUDA_ADAPTER_BANK_INTERNAL_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/model/cuda/device_memory.h"
#include "core/model/cuda/params.h"
#include "core/model/decoder_spec.h"
#include "core/model/lora_weights_internal.h"

namespace plumbline::cuda {

// Places in an adapter's table of groups.
inline int32_t LayerGroup(int64_t layer, int which) {
  return static_cast<int32_t>(4 * layer) + which;
}
inline constexpr int kAttentionIn = 0, kAttentionOut = 1, kMlpIn = 2, kMlpOut = 3;

struct DeviceReplacedLinear {
  int64_t column_begin = 0;
  int64_t columns = 0;
  const void* w = nullptr;
};

// What replaces a group's weights and biases; the low-rank branches are in the table.
struct DeviceReplacements {
  int64_t rank = 0;             // of the branches
  const float* bias = nullptr;  // null: the base's
  bool replaces_all = false;
  std::vector<DeviceReplacedLinear> replaced;
  int64_t row_count = 0;  // trained rows of the head
  const int32_t* row_columns = nullptr;
  const void* rows = nullptr;
};

struct DeviceEmbedding {
  const char* table = nullptr;    // [rows, E]; null: the base's
  const char* trained = nullptr;  // [trained rows, E]
  int64_t rank = 0;
  const float* a = nullptr;  // [vocabulary, rank]
};

struct DeviceLoraLayer {
  DeviceReplacements groups[4];
  NormParams before_attention{}, after_attention{}, before_mlp{}, after_mlp{}, q_norm{}, k_norm{};
};

struct DeviceAdapter {
  const LoraWeights* host = nullptr;       // valid during the step that asked for it
  const LoraGroupParams* table = nullptr;  // on the device: 4 a layer, head, embedding, positions
  std::vector<DeviceLoraLayer> layers;
  DeviceReplacements head;
  DeviceEmbedding embedding, position_embedding;
  NormParams final_norm{};
  int64_t max_rank = 0;    // of any group of the layers
  int64_t group_rank = 0;  // of any group at all
  // No more than low-rank branches and rows of embeddings: a step of such rows can be a graph.
  bool plain = true;
  DeviceBuffer memory;
};

// Thread-compatible: the device thread's.
class AdapterBank {
 public:
  // At most `budget` bytes at a time.
  AdapterBank(const DecoderSpec& spec, ComputeType dtype, Device& device, int64_t budget)
      : spec_(spec), dtype_(dtype), device_(device), budget_(budget) {}

  int32_t head_group() const { return LayerGroup(static_cast<int64_t>(spec_.layers.size()), 0); }
  int32_t embedding_group() const { return head_group() + 1; }
  int32_t position_group() const { return head_group() + 2; }
  int64_t budget() const { return budget_; }
  int64_t used() const { return used_; }

  // Bytes the adapter takes on the device.
  int64_t BytesOf(const LoraWeights& lora) const;
  // The adapter, brought to the device if it is not there. Everything returned since Begin() stays.
  // Null: no room beside those. Throws std::bad_alloc.
  const DeviceAdapter* Get(const LoraWeights& lora);
  // A new step: whatever was handed out may go again.
  void Begin();

 private:
  struct Slot {
    std::unique_ptr<DeviceAdapter> adapter;
    std::list<std::string>::iterator place;
    int64_t step = 0;
  };
  bool MakeRoom(int64_t bytes);

  const DecoderSpec& spec_;
  const ComputeType dtype_;
  Device& device_;
  const int64_t budget_;
  int64_t used_ = 0;
  int64_t step_ = 1;
  absl::flat_hash_map<std::string, Slot> slots_;  // by version
  std::list<std::string> by_use_;                 // latest first
};

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_ADAPTER_BANK_INTERNAL_H_
