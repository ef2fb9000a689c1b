// libplumbline_cuda.so: the Device of a real GPU. The one file that nvcc compiles; the CUDA runtime
// is linked into it statically, and the driver (libcuda.so.1) is looked up by that runtime when the
// first call is made, so the library loads, and refuses clearly, on a machine without one.
#include <cuda_runtime.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "core/model/cuda/device.h"
#include "core/model/cuda/kernels/launch.cuh"

namespace plumbline::cuda {
namespace {

// The oldest GPUs with bf16 tensor cores and cp.async.
constexpr int kOldestMajor = 8;

void Check(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return;
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // not sticky: the next call is fine
    throw std::bad_alloc();
  }
  throw DeviceError(std::string(call) + ": " + cudaGetErrorString(error) + " (" +
                    cudaGetErrorName(error) + ")");
}
#define PLUMBLINE_CUDA(call, ...) Check(call(__VA_ARGS__), #call)

struct Starter {
  cudaStream_t stream;

  template <typename Params>
  void operator()(void (*kernel)(Params), int64_t x, int64_t y, int threads,
                  const Params& params) const {
    if (x == 0 || y == 0) return;
    kernel<<<dim3(static_cast<unsigned>(x), static_cast<unsigned>(y)), threads, 0, stream>>>(
        params);
    Check(cudaGetLastError(), "kernel launch");
  }
};

class Gpu : public Device {
 public:
  explicit Gpu(int ordinal) {
    PLUMBLINE_CUDA(cudaSetDevice, ordinal);
    cudaDeviceProp properties;
    PLUMBLINE_CUDA(cudaGetDeviceProperties, &properties, ordinal);
    info_.name = properties.name;
    info_.ordinal = ordinal;
    info_.compute_major = properties.major;
    info_.compute_minor = properties.minor;
    info_.total_bytes = static_cast<int64_t>(properties.totalGlobalMem);
    if (properties.major < kOldestMajor) {
      throw DeviceError(info_.name + " has compute capability " + std::to_string(properties.major) +
                        "." + std::to_string(properties.minor) +
                        "; the kernels need 8.0 (A100) or later");
    }
    PLUMBLINE_CUDA(cudaStreamCreateWithFlags, &stream_, cudaStreamNonBlocking);
  }
  ~Gpu() override {
    cudaSetDevice(info_.ordinal);
    cudaStreamDestroy(stream_);
  }

  const DeviceInfo& info() const override { return info_; }
  int64_t free_bytes() override {
    Use();
    size_t free = 0, total = 0;
    PLUMBLINE_CUDA(cudaMemGetInfo, &free, &total);
    return static_cast<int64_t>(free);
  }

  void* Allocate(size_t bytes) override {
    Use();
    void* memory = nullptr;
    PLUMBLINE_CUDA(cudaMalloc, &memory, bytes);
    return memory;
  }
  void Free(void* memory) override {
    Use();
    cudaStreamSynchronize(stream_);
    cudaFree(memory);
  }
  void* AllocateHost(size_t bytes) override {
    Use();
    void* memory = nullptr;
    PLUMBLINE_CUDA(cudaMallocHost, &memory, bytes);
    return memory;
  }
  void FreeHost(void* memory) override {
    Use();
    cudaStreamSynchronize(stream_);
    cudaFreeHost(memory);
  }

  void CopyToDevice(void* target, const void* source, size_t bytes) override {
    Use();
    PLUMBLINE_CUDA(cudaMemcpyAsync, target, source, bytes, cudaMemcpyHostToDevice, stream_);
  }
  void CopyToHost(void* target, const void* source, size_t bytes) override {
    Use();
    PLUMBLINE_CUDA(cudaMemcpyAsync, target, source, bytes, cudaMemcpyDeviceToHost, stream_);
    PLUMBLINE_CUDA(cudaStreamSynchronize, stream_);
  }
  void CopyOnDevice(void* target, const void* source, size_t bytes) override {
    Use();
    PLUMBLINE_CUDA(cudaMemcpyAsync, target, source, bytes, cudaMemcpyDeviceToDevice, stream_);
  }
  void Clear(void* memory, size_t bytes) override {
    Use();
    PLUMBLINE_CUDA(cudaMemsetAsync, memory, 0, bytes, stream_);
  }
  void Synchronize() override {
    Use();
    PLUMBLINE_CUDA(cudaStreamSynchronize, stream_);
  }

  void Run(const EmbedParams& params) override { Start(params); }
  void Run(const JoinParams& params) override { Start(params); }
  void Run(const ActivateParams& params) override { Start(params); }
  void Run(const RotateParams& params) override { Start(params); }
  void Run(const AttentionParams& params) override { Start(params); }
  void Run(const GemmParams& params) override { Start(params); }
  void Run(const LoraParams& params) override { Start(params); }
  void Run(const GatherParams& params) override { Start(params); }
  void Run(const ScatterParams& params) override { Start(params); }
  void Run(const LogitsParams& params) override { Start(params); }

  void BeginGraph() override {
    Use();
    PLUMBLINE_CUDA(cudaStreamBeginCapture, stream_, cudaStreamCaptureModeThreadLocal);
  }
  void* EndGraph() override {
    cudaGraph_t graph = nullptr;
    PLUMBLINE_CUDA(cudaStreamEndCapture, stream_, &graph);
    cudaGraphExec_t executable = nullptr;
    const cudaError_t error = cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphDestroy(graph);
    Check(error, "cudaGraphInstantiate");
    return executable;
  }
  void ReplayGraph(void* graph) override {
    Use();
    PLUMBLINE_CUDA(cudaGraphLaunch, static_cast<cudaGraphExec_t>(graph), stream_);
  }
  void DropGraph(void* graph) override {
    Use();
    cudaStreamSynchronize(stream_);
    cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph));
  }

 private:
  // The current device is the calling thread's; a decoder is loaded by one thread and run by
  // another.
  void Use() { PLUMBLINE_CUDA(cudaSetDevice, info_.ordinal); }
  template <typename Params>
  void Start(const Params& params) {
    Use();
    const Starter starter{stream_};
    Launch(starter, params);
  }

  DeviceInfo info_;
  cudaStream_t stream_ = nullptr;
};

std::string Refusal(int ordinal) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaErrorInsufficientDriver || error == cudaErrorNoDevice ||
      error == cudaErrorStubLibrary) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver == 0) {
      return "no NVIDIA driver is installed (libcuda.so.1 is missing): install one, or use "
             "--device "
             "cpu";
    }
    if (error == cudaErrorNoDevice) {
      return "the NVIDIA driver finds no GPU (is CUDA_VISIBLE_DEVICES empty?): use --device cpu";
    }
    return "the NVIDIA driver supports CUDA " + std::to_string(driver / 1000) + "." +
           std::to_string(driver % 1000 / 10) + " and this build needs " +
           std::to_string(CUDART_VERSION / 1000) + "." +
           std::to_string(CUDART_VERSION % 1000 / 10) +
           ": install a newer driver, or use --device "
           "cpu";
  }
  if (error != cudaSuccess) return std::string("cudaGetDeviceCount: ") + cudaGetErrorString(error);
  if (ordinal >= count) {
    return "there is no GPU " + std::to_string(ordinal) + ": this machine has " +
           std::to_string(count) + ", numbered from 0";
  }
  return "";
}

}  // namespace
}  // namespace plumbline::cuda

extern "C" __attribute__((visibility("default"))) plumbline::cuda::Device* PlumblineCudaOpenDevice(
    unsigned version, int ordinal, char* error, size_t error_size) {
  std::string why;
  try {
    if (version != plumbline::cuda::kPluginVersion) {
      why = "libplumbline_cuda.so is of another build (version " +
            std::to_string(plumbline::cuda::kPluginVersion) + ", want " + std::to_string(version) +
            "): build and install both together";
    } else if (why = plumbline::cuda::Refusal(ordinal); why.empty()) {
      return new plumbline::cuda::Gpu(ordinal);
    }
  } catch (const std::exception& exception) {
    why = exception.what();
  }
  std::snprintf(error, error_size, "%s", why.c_str());
  return nullptr;
}
