// emulation.h first: it says what the kernels' names mean.
#include "tests/model/cuda/emulation.h"
//
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/model/cuda/kernels/launch.cuh"
#include "tests/model/cuda/emulated_device.h"

namespace plumbline::cuda {
namespace {

using Work = std::function<void()>;
using Recording = std::vector<Work>;

class EmulatedDevice : public Device {
 public:
  EmulatedDevice(Schedule schedule, int64_t memory, EmulatedCounts* counts)
      : schedule_(schedule), counts_(counts == nullptr ? own_counts_ : *counts) {
    info_.name = "emulation on CPU";
    info_.compute_major = 8;
    info_.total_bytes = memory;
  }
  ~EmulatedDevice() override {
    Flush();
    for (auto& [data, size] : device_) std::free(data);
    for (auto& [data, size] : host_) std::free(data);
  }

  const DeviceInfo& info() const override { return info_; }
  int64_t free_bytes() override { return info_.total_bytes - counts_.bytes; }

  void* Allocate(size_t bytes) override {
    if (static_cast<int64_t>(bytes) > free_bytes()) throw std::bad_alloc();
    void* data = std::aligned_alloc(256, (bytes + 255) / 256 * 256 + 256);
    std::memset(data, 0xff, bytes);
    device_[data] = bytes;
    counts_.bytes += static_cast<int64_t>(bytes);
    counts_.peak_bytes = std::max(counts_.peak_bytes, counts_.bytes);
    return data;
  }
  void Free(void* memory) override {
    if (memory == nullptr) return;
    Flush();
    const auto found = device_.find(memory);
    if (found == device_.end()) throw DeviceError("Free: not a device pointer");
    counts_.bytes -= static_cast<int64_t>(found->second);
    device_.erase(found);
    std::free(memory);
  }
  void* AllocateHost(size_t bytes) override {
    void* data = std::malloc(bytes);
    host_[data] = bytes;
    return data;
  }
  void FreeHost(void* memory) override {
    if (memory == nullptr) return;
    Flush();
    host_.erase(memory);
    std::free(memory);
  }

  void CopyToDevice(void* target, const void* source, size_t bytes) override {
    NotRecording("CopyToDevice");
    if (IsIn(host_, source, bytes)) {
      pending_.push_back([=] { std::memcpy(target, source, bytes); });
    } else {  // pageable memory is read before the call returns
      pending_.push_back([target, copy = std::string(static_cast<const char*>(source), bytes)] {
        std::memcpy(target, copy.data(), copy.size());
      });
    }
  }
  void CopyToHost(void* target, const void* source, size_t bytes) override {
    NotRecording("CopyToHost");
    Flush();
    std::memcpy(target, source, bytes);
  }
  void CopyOnDevice(void* target, const void* source, size_t bytes) override {
    NotRecording("CopyOnDevice");
    pending_.push_back([=] { std::memcpy(target, source, bytes); });
  }
  void Clear(void* memory, size_t bytes) override {
    NotRecording("Clear");
    pending_.push_back([=] { std::memset(memory, 0, bytes); });
  }
  void Synchronize() override {
    NotRecording("Synchronize");
    Flush();
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
    NotRecording("BeginGraph");
    recording_ = std::make_unique<Recording>();
  }
  void* EndGraph() override {
    ++counts_.graphs;
    return recording_.release();
  }
  void ReplayGraph(void* graph) override {
    NotRecording("ReplayGraph");
    ++counts_.replays;
    const Recording& recording = *static_cast<Recording*>(graph);
    pending_.insert(pending_.end(), recording.begin(), recording.end());
  }
  void DropGraph(void* graph) override {
    Flush();
    delete static_cast<Recording*>(graph);
  }

  // Launch()'s.
  template <typename Params>
  void operator()(void (*kernel)(Params), int64_t x, int64_t y, int threads, const Params& params) {
    if (x == 0 || y == 0) return;
    Recording& queue = recording_ != nullptr ? *recording_ : pending_;
    queue.push_back([this, kernel, x, y, threads, params] {
      ++counts_.launches;
      emulation::RunGrid(x, y, threads, schedule_, [&] { kernel(params); });
    });
  }

 private:
  static bool IsIn(const std::map<void*, size_t>& blocks, const void* data, size_t bytes) {
    auto after = blocks.upper_bound(const_cast<void*>(data));
    if (after == blocks.begin()) return false;
    --after;
    const char* begin = static_cast<const char*>(after->first);
    return static_cast<const char*>(data) + bytes <= begin + after->second;
  }
  void NotRecording(const char* call) const {
    if (recording_ != nullptr) throw DeviceError(std::string(call) + " while a graph is recorded");
  }
  void Flush() {
    for (const Work& work : pending_) work();
    pending_.clear();
  }
  template <typename Params>
  void Start(const Params& params) {
    Launch(*this, params);
  }

  const Schedule schedule_;
  DeviceInfo info_;
  EmulatedCounts own_counts_;
  EmulatedCounts& counts_;
  std::map<void*, size_t> device_, host_;
  Recording pending_;
  std::unique_ptr<Recording> recording_;
};

}  // namespace

std::unique_ptr<Device> MakeEmulatedDevice(Schedule schedule, int64_t memory,
                                           EmulatedCounts* counts) {
  return std::make_unique<EmulatedDevice>(schedule, memory, counts);
}

}  // namespace plumbline::cuda
