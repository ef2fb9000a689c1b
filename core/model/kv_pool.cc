#include "core/model/kv_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <limits>
#include <memory>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

int64_t Stride(const KvLayout& layout) { return (layout.block_bytes() + 63) / 64 * 64; }

class HostMemory : public KvMemory {
 public:
  absl::StatusOr<char*> Reserve(int64_t bytes) override {
    const int64_t machine = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
    if (bytes > machine) {
      return absl::ResourceExhaustedError(absl::StrCat("a KV cache of ", bytes,
                                                       " bytes is more than the machine's memory, ",
                                                       machine, " bytes; ask for less"));
    }
    void* memory = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      return absl::ResourceExhaustedError(
          absl::StrCat("cannot reserve ", bytes, " bytes for the KV cache"));
    }
    return static_cast<char*>(memory);
  }
  void Release(char* memory, int64_t bytes) override { munmap(memory, static_cast<size_t>(bytes)); }
  void Copy(void* to, const void* from, int64_t bytes) override {
    std::memcpy(to, from, static_cast<size_t>(bytes));
  }
  int64_t available() const override { return std::numeric_limits<int64_t>::max(); }
};

}  // namespace

KvMemory& HostKvMemory() {
  static HostMemory memory;
  return memory;
}

absl::StatusOr<std::unique_ptr<KvPool>> KvPool::Create(const KvLayout& layout, int64_t bytes,
                                                       KvMemory& memory) {
  const int64_t blocks = bytes / Stride(layout);
  if (blocks < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a KV cache of ", bytes, " bytes holds no block; one takes ", Stride(layout), " bytes"));
  }
  ABSL_ASSIGN_OR_RETURN(char* const reserved, memory.Reserve(blocks * Stride(layout)));
  return std::unique_ptr<KvPool>(new KvPool(layout, memory, reserved, blocks));
}

KvPool::KvPool(const KvLayout& layout, KvMemory& where, char* memory, int64_t blocks)
    : layout_(layout),
      where_(where),
      stride_(Stride(layout)),
      memory_(memory),
      holders_(blocks, 0) {
  free_.reserve(blocks);
  for (int64_t i = blocks; i-- > 0;) free_.push_back(static_cast<int32_t>(i));
}

KvPool::~KvPool() { where_.Release(memory_, blocks() * stride_); }

void* KvPool::Take() {
  if (free_.empty()) return nullptr;
  const int32_t index = free_.back();
  free_.pop_back();
  holders_[index] = 1;
  return memory_ + index * stride_;
}

void KvPool::Share(void* block) { ++holders_[Index(block)]; }

void KvPool::Release(void* block) {
  const size_t index = Index(block);
  if (--holders_[index] == 0) free_.push_back(static_cast<int32_t>(index));
}

}  // namespace plumbline
