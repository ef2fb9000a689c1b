// A decoder's weights on a device, and where they come from.
//
// bf16 matrices lie as the tensor cores read them: [out up to 64][in up to 32], row by row,
// zero-padded; fp32 ones in panels of 32 columns [out/32][in][32]. A tied bf16 head is the
// embedding itself. Norms and biases are fp32, rounded to the dtype first.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_DEVICE_WEIGHTS_H_
#define PLUMBLINE_CORE_MODEL_CUDA_DEVICE_WEIGHTS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/model/cuda/device_memory.h"
#include "core/model/decoder_spec.h"

namespace plumbline::cuda {

// Rows of a matrix in the decoder's dtype.
struct HostMatrix {
  const void* data = nullptr;  // [rows, columns]
  std::shared_ptr<const void> owner;
};

// A checkpoint, or what a test makes up. Errors name the tensor.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  // "<module>.weight" in `dtype`. `transposed`: it is stored as [columns, rows].
  virtual absl::StatusOr<HostMatrix> Matrix(absl::string_view module, int64_t rows, int64_t columns,
                                            bool transposed, ComputeType dtype) = 0;
  // "<module>.<parameter>", rounded to `dtype`.
  virtual absl::StatusOr<std::vector<float>> Vector(absl::string_view module,
                                                    absl::string_view parameter, int64_t n,
                                                    ComputeType dtype) = 0;
};

struct DeviceLinear {
  int64_t in = 0;
  int64_t out = 0;
  const void* w = nullptr;
  const float* bias = nullptr;  // [out] or null
};

struct DeviceLayer {
  // weight null: the family has none there.
  NormParams before_attention{}, after_attention{}, before_mlp{}, after_mlp{};
  NormParams q_norm{}, k_norm{};
  DeviceLinear attention_in, attention_out, mlp_in, mlp_out;
};

struct DeviceWeights {
  const char* embedding = nullptr;  // rows embedding_ld elements apart
  int64_t embedding_ld = 0;
  const char* position_embedding = nullptr;  // [context, E] or null
  std::vector<DeviceLayer> layers;
  NormParams final_norm{};
  DeviceLinear head;
  int64_t bytes = 0;
  int64_t parameters = 0;
  std::vector<DeviceBuffer> buffers;  // what all of the above points into
};

inline int64_t ElementBytes(ComputeType dtype) { return dtype == ComputeType::kBfloat16 ? 2 : 4; }

// Bytes of a matrix as it lies on the device.
int64_t MatrixBytes(ComputeType dtype, int64_t out, int64_t in);
// Writes rows [row_begin, row_begin + rows) of a matrix of `out` rows, of which `data` is [rows,
// in], into `packed`, whose MatrixBytes are zero to begin with.
void PackMatrix(ComputeType dtype, const void* data, int64_t row_begin, int64_t rows, int64_t in,
                void* packed);

// Bytes that LoadDeviceWeights will take.
int64_t WeightBytes(const DecoderSpec& spec, ComputeType dtype);

// Copies everything to the device. Throws std::bad_alloc, DeviceError.
absl::StatusOr<DeviceWeights> LoadDeviceWeights(const DecoderSpec& spec, ComputeType dtype,
                                                WeightSource& source, Device& device);

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_DEVICE_WEIGHTS_H_
