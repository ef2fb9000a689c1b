// Device memory with an owner.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_DEVICE_MEMORY_H_
#define PLUMBLINE_CORE_MODEL_CUDA_DEVICE_MEMORY_H_

#include <cstdint>
#include <utility>

#include "core/model/cuda/device.h"

namespace plumbline::cuda {

// `bytes` of a device's memory; must not outlive the device. Thread-compatible.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  // Uninitialised. Throws std::bad_alloc.
  DeviceBuffer(Device& device, int64_t bytes)
      : device_(&device),
        data_(static_cast<char*>(device.Allocate(static_cast<size_t>(bytes > 0 ? bytes : 1)))),
        bytes_(bytes) {}
  ~DeviceBuffer() {
    if (data_ != nullptr) device_->Free(data_);
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept { *this = std::move(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  char* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

 private:
  Device* device_ = nullptr;
  char* data_ = nullptr;
  int64_t bytes_ = 0;
};

// Host memory that the device copies from at full speed, with an owner.
class PinnedBuffer {
 public:
  PinnedBuffer(Device& device, int64_t bytes)
      : device_(device),
        data_(static_cast<char*>(device.AllocateHost(static_cast<size_t>(bytes)))) {}
  ~PinnedBuffer() { device_.FreeHost(data_); }
  PinnedBuffer(const PinnedBuffer&) = delete;
  char* data() const { return data_; }

 private:
  Device& device_;
  char* data_;
};

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_DEVICE_MEMORY_H_
