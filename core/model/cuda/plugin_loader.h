// Finds and loads libplumbline_cuda.so, only when a GPU is asked for: without it, and on a machine
// without any NVIDIA library, everything else works.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_PLUGIN_LOADER_H_
#define PLUMBLINE_CORE_MODEL_CUDA_PLUGIN_LOADER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/model/cuda/device.h"

namespace plumbline::cuda {

// Opens GPU `ordinal`. The library is looked for at $PLUMBLINE_CUDA_PLUGIN, then beside the
// program, in ../bin and in ../lib. FailedPrecondition says what is missing (the library, a driver,
// a GPU) and the remedy. Thread-safe.
absl::StatusOr<std::unique_ptr<Device>> OpenDevice(int ordinal);

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_PLUGIN_LOADER_H_
