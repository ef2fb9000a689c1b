// A checkpoint as a WeightSource. The one file of the CUDA engine that computes with tensors.
#include <ATen/core/Tensor.h>

#include <utility>

#include "core/base/status_macros.h"
#include "core/model/cuda/cuda_decoder_internal.h"
#include "core/model/decoder_weights_internal.h"

namespace plumbline::cuda {
namespace {

at::ScalarType ScalarTypeOf(ComputeType dtype) {
  return dtype == ComputeType::kBfloat16 ? at::kBFloat16 : at::kFloat;
}

class CheckpointSource : public WeightSource {
 public:
  CheckpointSource(const DecoderSpec& spec, const Checkpoint& checkpoint)
      : spec_(spec), checkpoint_(checkpoint) {}

  absl::StatusOr<HostMatrix> Matrix(absl::string_view module, int64_t rows, int64_t columns,
                                    bool transposed, ComputeType dtype) override {
    const std::vector<int64_t> shape =
        transposed ? std::vector<int64_t>{columns, rows} : std::vector<int64_t>{rows, columns};
    ABSL_ASSIGN_OR_RETURN(at::Tensor tensor,
                          LoadParameter(spec_, checkpoint_, module, "weight", shape));
    if (transposed) tensor = tensor.t();
    auto held = std::make_shared<at::Tensor>(tensor.to(ScalarTypeOf(dtype)).contiguous());
    return HostMatrix{held->const_data_ptr(), held};
  }

  absl::StatusOr<std::vector<float>> Vector(absl::string_view module, absl::string_view parameter,
                                            int64_t n, ComputeType dtype) override {
    ABSL_ASSIGN_OR_RETURN(at::Tensor tensor,
                          LoadParameter(spec_, checkpoint_, module, parameter, {n}));
    tensor = tensor.to(ScalarTypeOf(dtype)).to(at::kFloat).contiguous();
    const float* data = tensor.const_data_ptr<float>();
    return std::vector<float>(data, data + n);
  }

 private:
  const DecoderSpec& spec_;
  const Checkpoint& checkpoint_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Decoder>> LoadDecoder(const DecoderSpec& spec,
                                                     const Checkpoint& checkpoint,
                                                     const DecoderOptions& options,
                                                     const CudaOptions& cuda,
                                                     std::unique_ptr<Device> device) {
  CheckpointSource source(spec, checkpoint);
  return MakeDecoder(spec, options, cuda, source, std::move(device));
}

}  // namespace plumbline::cuda
