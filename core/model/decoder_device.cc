#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/model/cuda/cuda_decoder_internal.h"
#include "core/model/cuda/plugin_loader.h"
#include "core/model/decoder_device_internal.h"

namespace plumbline {
namespace {

// Becomes "batch_invariant" once tests/model/cuda/gpu_test.cc has passed on a GPU (docs/cuda.md).
constexpr char kCudaMode[] = "batch_invariant_unverified";

absl::StatusOr<PlacedDecoder> LoadOnGpu(int ordinal, const DecoderSpec& spec,
                                        const Checkpoint& checkpoint,
                                        const DecoderOptions& options) {
  ABSL_ASSIGN_OR_RETURN(std::unique_ptr<cuda::Device> device, cuda::OpenDevice(ordinal));
  PlacedDecoder placed;
  placed.device = absl::StrCat("cuda:", ordinal, " ", device->info().name);
  placed.mode = kCudaMode;
  ABSL_ASSIGN_OR_RETURN(placed.decoder,
                        cuda::LoadDecoder(spec, checkpoint, options, {}, std::move(device)));
  return placed;
}

}  // namespace

absl::StatusOr<PlacedDecoder> LoadDecoderOn(absl::string_view device, const DecoderSpec& spec,
                                            const Checkpoint& checkpoint,
                                            const DecoderOptions& options, ThreadPool* threads) {
  if (device == "cpu") {
    PlacedDecoder placed;
    placed.device = "cpu";
    placed.mode = "batch_invariant";
    ABSL_ASSIGN_OR_RETURN(placed.decoder, Decoder::Load(spec, checkpoint, options, threads));
    return placed;
  }
  const std::string context = absl::StrCat("device \"", device, "\"");
  int ordinal = 0;
  absl::string_view number = device;
  if (device != "cuda" && !(absl::ConsumePrefix(&number, "cuda:") &&
                            absl::SimpleAtoi(number, &ordinal) && ordinal >= 0)) {
    return absl::InvalidArgumentError(absl::StrCat(context, ": want cpu, cuda or cuda:N"));
  }
  absl::StatusOr<PlacedDecoder> placed = LoadOnGpu(ordinal, spec, checkpoint, options);
  if (!placed.ok()) return Annotate(placed.status(), context);
  return placed;
}

}  // namespace plumbline
