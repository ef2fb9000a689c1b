// The KV cache: blocks of 32 tokens (of all layers and KV heads together), handed out from one
// reservation that never grows. A sequence owns a list of blocks; blocks that several sequences
// share (a common prompt prefix) are counted.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_KV_POOL_H_
#define PLUMBLINE_CORE_MODEL_KV_POOL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/kernels/kernels.h"

namespace plumbline {

// Where K and V of one layer and KV head lie in a block, in elements.
struct KvLayout {
  int64_t layers = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t element_bytes = 4;

  int64_t k_elements() const { return head_dim * kKvBlockTokens; }  // [head_dim, 32]
  int64_t v_elements() const {                                      // [32, head_dim up to 16]
    return kKvBlockTokens * ((head_dim + 15) / 16 * 16);
  }
  int64_t k_offset(int64_t layer, int64_t head) const {
    return (layer * kv_heads + head) * (k_elements() + v_elements());
  }
  int64_t v_offset(int64_t layer, int64_t head) const {
    return k_offset(layer, head) + k_elements();
  }
  int64_t block_bytes() const {
    return layers * kv_heads * (k_elements() + v_elements()) * element_bytes;
  }
};

// Where blocks lie: this machine's memory, or a device's (Decoder::kv_memory). Thread-compatible.
class KvMemory {
 public:
  virtual ~KvMemory() = default;
  // ResourceExhausted: so much is not to be had.
  virtual absl::StatusOr<char*> Reserve(int64_t bytes) = 0;
  virtual void Release(char* memory, int64_t bytes) = 0;
  virtual void Copy(void* to, const void* from, int64_t bytes) = 0;
  // What a cache planned now may take at most.
  virtual int64_t available() const = 0;
};

// Reserves address space; memory is used when it is first written.
KvMemory& HostKvMemory();

// Thread-compatible: the device thread's.
class KvPool {
 public:
  // Reserves as many blocks as `bytes` holds in `memory`, which is borrowed. InvalidArgument: not
  // even one block fits. ResourceExhausted: no memory.
  static absl::StatusOr<std::unique_ptr<KvPool>> Create(const KvLayout& layout, int64_t bytes,
                                                        KvMemory& memory = HostKvMemory());
  ~KvPool();
  KvPool(const KvPool&) = delete;

  const KvLayout& layout() const { return layout_; }
  int64_t blocks() const { return static_cast<int64_t>(holders_.size()); }
  int64_t free_blocks() const { return static_cast<int64_t>(free_.size()); }

  // A block held once, or null when none is free.
  void* Take();
  // One more, one less holder. A block without holders is free again.
  void Share(void* block);
  void Release(void* block);
  void Copy(void* to, const void* from) { where_.Copy(to, from, layout_.block_bytes()); }
  int holders(const void* block) const { return holders_[Index(block)]; }

 private:
  KvPool(const KvLayout& layout, KvMemory& where, char* memory, int64_t blocks);
  size_t Index(const void* block) const {
    return static_cast<size_t>((static_cast<const char*>(block) - memory_) / stride_);
  }

  KvLayout layout_;
  KvMemory& where_;
  int64_t stride_;  // bytes from block to block
  char* memory_;
  std::vector<int> holders_;
  std::vector<int32_t> free_;  // a stack: the block freed last is warm
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_KV_POOL_H_
