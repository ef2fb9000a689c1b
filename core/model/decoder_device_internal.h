// Makes the decoder for a device by name: "cpu" (the fastest kernels the machine can run),
// "cpu:NAME" (a table of kernels, kernels.h; "cpu:reference" is the plain one), "cuda" (the first
// GPU) or "cuda:N".
//
// Island-internal.
#ifndef PLUMBLINE_CORE_MODEL_DECODER_DEVICE_INTERNAL_H_
#define PLUMBLINE_CORE_MODEL_DECODER_DEVICE_INTERNAL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "core/model/decoder_internal.h"

namespace plumbline {

struct PlacedDecoder {
  std::unique_ptr<Decoder> decoder;
  // What bits depend on: "cpu:avx512_bf16" or "cuda:0 NVIDIA H100 80GB HBM3".
  std::string device;
  std::string mode;  // Numerics::mode
};

inline bool IsCpuDevice(absl::string_view device) {
  return device == "cpu" || absl::StartsWith(device, "cpu:");
}

// As Decoder::Load. InvalidArgument: no such kind of device. FailedPrecondition: this build or this
// machine has none; the message says what is missing and what to do.
absl::StatusOr<PlacedDecoder> LoadDecoderOn(absl::string_view device, const DecoderSpec& spec,
                                            const Checkpoint& checkpoint,
                                            const DecoderOptions& options, ThreadPool* threads);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_DECODER_DEVICE_INTERNAL_H_
