// The decoder on a GPU: the Decoder seam over a cuda::Device.
//
// It is the decoder of decoder.cc with kernels of its own (kernels/): the same families, the same
// adapters, the same rounding to the dtype where transformers rounds, and a row's bits that depend
// on its own sequence alone. A step of one-token chunks whose adapters bring no more than low-rank
// branches is replayed from a graph captured for its width, rounded up to a bucket; every other
// step launches its kernels one by one. Both give the same bits.
//
// What runs on a GPU differs from the CPU in the order of its sums, so the two agree to rounding,
// not to the bit.
//
// Island-internal: names torch types through decoder_internal.h.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_CUDA_DECODER_INTERNAL_H_
#define PLUMBLINE_CORE_MODEL_CUDA_CUDA_DECODER_INTERNAL_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/model/cuda/device.h"
#include "core/model/cuda/device_weights.h"
#include "core/model/decoder_internal.h"

namespace plumbline::cuda {

struct CudaOptions {
  // Bytes of adapters on the device at a time; 0: an eighth of what the weights leave, 8 GiB at
  // most.
  int64_t adapter_bytes = 0;
  // Capture graphs for decode steps. Changes no result.
  bool graphs = true;
};

// Reads the weights from `source` to `device`. Unimplemented: what the kernels cannot do, by name.
// ResourceExhausted: the weights do not fit, with both numbers. May throw std::bad_alloc,
// DeviceError.
absl::StatusOr<std::unique_ptr<Decoder>> MakeDecoder(const DecoderSpec& spec,
                                                     const DecoderOptions& options,
                                                     const CudaOptions& cuda, WeightSource& source,
                                                     std::unique_ptr<Device> device);

// The same from a checkpoint.
absl::StatusOr<std::unique_ptr<Decoder>> LoadDecoder(const DecoderSpec& spec,
                                                     const Checkpoint& checkpoint,
                                                     const DecoderOptions& options,
                                                     const CudaOptions& cuda,
                                                     std::unique_ptr<Device> device);

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_CUDA_DECODER_INTERNAL_H_
