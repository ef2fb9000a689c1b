// A cuda::Device that runs the kernels of core/model/cuda/kernels on this CPU (emulation.h).
//
// Stricter than a GPU where that finds mistakes: work is done as late as the interface allows,
// fresh memory is full of NaNs, and a launch or a copy that a graph could not hold is an error.
#ifndef PLUMBLINE_TESTS_MODEL_CUDA_EMULATED_DEVICE_H_
#define PLUMBLINE_TESTS_MODEL_CUDA_EMULATED_DEVICE_H_

#include <memory>

#include "core/model/cuda/device.h"

namespace plumbline::cuda {

enum class Schedule;

struct EmulatedCounts {
  int64_t launches = 0;  // kernels, graphs' included
  int64_t graphs = 0;    // recorded
  int64_t replays = 0;
  int64_t bytes = 0;  // allocated now
  int64_t peak_bytes = 0;
};

// `memory`: what the device has. counts, where given, must outlive the device.
std::unique_ptr<Device> MakeEmulatedDevice(Schedule schedule, int64_t memory = int64_t{1} << 30,
                                           EmulatedCounts* counts = nullptr);

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_TESTS_MODEL_CUDA_EMULATED_DEVICE_H_
