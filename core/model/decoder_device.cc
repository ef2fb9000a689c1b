#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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

// "cpu", or "cpu:NAME" for one table of kernels.
absl::StatusOr<Isa> ParseCpu(absl::string_view device) {
  if (!absl::ConsumePrefix(&device, "cpu:")) return BestIsa();
  std::vector<std::string> names;
  for (Isa isa : {Isa::kReference, Isa::kPortable, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16}) {
    if (!CanRun(isa)) continue;
    if (device == IsaName(isa)) return isa;
    names.push_back(absl::StrCat("cpu:", IsaName(isa)));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "this machine computes on cpu (the fastest of these), ", absl::StrJoin(names, ", ")));
}

absl::StatusOr<PlacedDecoder> LoadOnCpu(absl::string_view device, const DecoderSpec& spec,
                                        const Checkpoint& checkpoint, DecoderOptions options,
                                        ThreadPool* threads) {
  ABSL_ASSIGN_OR_RETURN(options.isa, ParseCpu(device));
  PlacedDecoder placed;
  placed.device = absl::StrCat("cpu:", IsaName(options.isa));
  placed.mode = "batch_invariant";
  ABSL_ASSIGN_OR_RETURN(placed.decoder, Decoder::Load(spec, checkpoint, options, threads));
  return placed;
}

}  // namespace

absl::StatusOr<PlacedDecoder> LoadDecoderOn(absl::string_view device, const DecoderSpec& spec,
                                            const Checkpoint& checkpoint,
                                            const DecoderOptions& options, ThreadPool* threads) {
  const std::string context = absl::StrCat("device \"", device, "\"");
  if (IsCpuDevice(device)) {
    absl::StatusOr<PlacedDecoder> placed = LoadOnCpu(device, spec, checkpoint, options, threads);
    if (!placed.ok()) return Annotate(placed.status(), context);
    return placed;
  }
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
