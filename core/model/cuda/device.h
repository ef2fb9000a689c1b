// The seam between the CUDA decoder and a GPU: memory, one stream, kernels, graphs.
//
// The decoder (cuda_decoder_internal.h) is ordinary C++ and knows no CUDA header. A Device is
// either the plugin libplumbline_cuda.so, the one thing that nvcc builds (cuda_plugin.cu,
// plugin_loader.h), or the emulation that runs the very same kernel sources on a CPU thread by
// thread (tests/model/cuda/emulation.h).
//
// No torch type and no abseil here: the plugin is built against this header alone.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_DEVICE_H_
#define PLUMBLINE_CORE_MODEL_CUDA_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/model/cuda/params.h"

namespace plumbline::cuda {

// Raised by every call when the GPU reports an error; the message says which call and what it said.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// No memory, with the numbers.
class DeviceMemoryError : public std::bad_alloc {
 public:
  explicit DeviceMemoryError(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

struct DeviceInfo {
  std::string name;  // "NVIDIA H100 80GB HBM3"
  int ordinal = 0;
  int compute_major = 0, compute_minor = 0;
  int64_t total_bytes = 0;
};

// Everything is enqueued on one stream and runs in the order of the calls; only Synchronize and
// CopyToHost wait. Thread-compatible, and one Device serves one decoder.
class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;
  virtual int64_t free_bytes() = 0;

  // 256-byte aligned. std::bad_alloc: none left.
  virtual void* Allocate(size_t bytes) = 0;
  virtual void Free(void* memory) = 0;  // null is allowed
  // Host memory that the GPU can copy from at full speed.
  virtual void* AllocateHost(size_t bytes) = 0;
  virtual void FreeHost(void* memory) = 0;

  // `source` must stay as it is until the copy has run, unless it is pageable memory.
  virtual void CopyToDevice(void* target, const void* source, size_t bytes) = 0;
  virtual void CopyToHost(void* target, const void* source, size_t bytes) = 0;  // waits
  virtual void CopyOnDevice(void* target, const void* source, size_t bytes) = 0;
  virtual void Clear(void* memory, size_t bytes) = 0;  // to zero
  virtual void Synchronize() = 0;

  virtual void Run(const EmbedParams& params) = 0;
  virtual void Run(const JoinParams& params) = 0;
  virtual void Run(const ActivateParams& params) = 0;
  virtual void Run(const RotateParams& params) = 0;
  virtual void Run(const AttentionParams& params) = 0;
  virtual void Run(const GemmParams& params) = 0;
  virtual void Run(const LoraParams& params) = 0;
  virtual void Run(const GatherParams& params) = 0;
  virtual void Run(const ScatterParams& params) = 0;
  virtual void Run(const LogitsParams& params) = 0;

  // What is run between Begin and End is not executed but recorded; Replay runs the recording. A
  // graph holds the parameters by value: the memory they point to must stay allocated.
  virtual void BeginGraph() = 0;
  virtual void* EndGraph() = 0;
  virtual void ReplayGraph(void* graph) = 0;
  virtual void DropGraph(void* graph) = 0;
};

// Bumped whenever this header or params.h changes: a plugin of another build is refused.
inline constexpr unsigned kPluginVersion = 1;

}  // namespace plumbline::cuda

// What libplumbline_cuda.so exports, as "PlumblineCudaOpenDevice". Opens GPU `ordinal`; on failure
// returns null and writes why and what to do into error.
extern "C" {
using PlumblineCudaOpenFunction = plumbline::cuda::Device*(unsigned version, int ordinal,
                                                           char* error, size_t error_size);
}

#endif  // PLUMBLINE_CORE_MODEL_CUDA_DEVICE_H_
