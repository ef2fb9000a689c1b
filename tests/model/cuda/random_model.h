// Models and adapters made up of random numbers, without a checkpoint and without linking LibTorch:
// what the GPU's test and benchmark run, so that their binaries can be carried to a bare machine.
#ifndef PLUMBLINE_TESTS_MODEL_CUDA_RANDOM_MODEL_H_
#define PLUMBLINE_TESTS_MODEL_CUDA_RANDOM_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/model/cuda/device_weights.h"
#include "core/model/decoder_spec.h"
#include "core/model/lora_weights_internal.h"

namespace plumbline::cuda {

// Small models that between them use everything a DecoderSpec can say, by name.
std::vector<std::pair<std::string, DecoderSpec>> SmallModels();
// The shape of Qwen2.5-0.5B.
DecoderSpec HalfBillion();

// Weights that depend on `seed` and the tensor's name.
class RandomSource : public WeightSource {
 public:
  explicit RandomSource(uint32_t seed) : seed_(seed) {}
  absl::StatusOr<HostMatrix> Matrix(absl::string_view module, int64_t rows, int64_t columns,
                                    bool transposed, ComputeType dtype) override;
  absl::StatusOr<std::vector<float>> Vector(absl::string_view module, absl::string_view parameter,
                                            int64_t n, ComputeType dtype) override;

 private:
  const uint32_t seed_;
};

// An adapter of `rank` on every linear; with DoRA magnitudes if `dora`.
std::shared_ptr<const LoraWeights> RandomAdapter(const DecoderSpec& spec, int64_t rank, bool dora,
                                                 uint32_t seed);

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_TESTS_MODEL_CUDA_RANDOM_MODEL_H_
