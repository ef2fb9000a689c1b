// Memory for weights, caches and activations: aligned to a cache line, large ones to a huge page.
#ifndef PLUMBLINE_CORE_MODEL_ALIGNED_BUFFER_H_
#define PLUMBLINE_CORE_MODEL_ALIGNED_BUFFER_H_

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace plumbline {

// `size` uninitialised elements; throws std::bad_alloc. Thread-compatible.
template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(int64_t size) : size_(size) {
    constexpr size_t kLine = 64;
    constexpr size_t kHugePage = size_t{2} << 20;
    const size_t alignment = bytes() >= static_cast<int64_t>(4 * kHugePage) ? kHugePage : kLine;
    const size_t rounded = (static_cast<size_t>(bytes()) + alignment) / alignment * alignment;
    data_ = static_cast<T*>(std::aligned_alloc(alignment, rounded));
    if (data_ == nullptr) throw std::bad_alloc();
    if (alignment == kHugePage) madvise(data_, rounded, MADV_HUGEPAGE);  // a wish, not a need
  }
  ~AlignedBuffer() { std::free(data_); }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  int64_t size() const { return size_; }
  int64_t bytes() const { return size_ * static_cast<int64_t>(sizeof(T)); }

 private:
  T* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_ALIGNED_BUFFER_H_
