#include "core/model/cuda/device_weights.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/model/layer_walk.h"

namespace plumbline::cuda {
namespace {

constexpr int64_t kTileColumns = 64;  // of the widest bf16 tile

int64_t RoundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

class Loader {
 public:
  Loader(const DecoderSpec& spec, ComputeType dtype, WeightSource& source, Device& device)
      : spec_(spec), dtype_(dtype), source_(source), device_(device) {}

  absl::StatusOr<DeviceWeights> Load() {
    ABSL_RETURN_IF_ERROR(LoadEmbeddings());
    for (size_t i = 0; i < spec_.layers.size(); ++i) {
      ABSL_RETURN_IF_ERROR(LoadLayer(absl::StrCat(spec_.prefix, spec_.layer_list, ".", i, "."),
                                     weights_.layers.emplace_back()));
    }
    ABSL_RETURN_IF_ERROR(
        LoadNorm(absl::StrCat(spec_.prefix, spec_.final_norm), spec_.hidden, weights_.final_norm));
    const std::string head =
        spec_.tied_head ? absl::StrCat(spec_.prefix, spec_.embedding) : spec_.head;
    if (spec_.tied_head && dtype_ == ComputeType::kBfloat16) {
      weights_.head = {spec_.hidden, spec_.vocabulary, weights_.embedding, nullptr};
    } else {
      ABSL_RETURN_IF_ERROR(LoadLinear("", {{head, spec_.vocabulary, false}}, spec_.hidden, false,
                                      !spec_.tied_head, weights_.head));
    }
    device_.Synchronize();
    return std::move(weights_);
  }

 private:
  char* Reserve(int64_t bytes) {
    weights_.buffers.emplace_back(device_, bytes);
    weights_.bytes += bytes;
    return weights_.buffers.back().data();
  }
  const float* Put(const std::vector<float>& values) {
    const int64_t bytes = static_cast<int64_t>(values.size() * sizeof(float));
    char* memory = Reserve(bytes);
    device_.CopyToDevice(memory, values.data(), static_cast<size_t>(bytes));
    return reinterpret_cast<const float*>(memory);
  }

  // In bf16 the table is laid out as a head's matrix, so that it can be one.
  absl::Status LoadEmbeddings() {
    const bool as_head = dtype_ == ComputeType::kBfloat16;
    weights_.embedding_ld = as_head ? Padded(spec_.hidden) : spec_.hidden;
    ABSL_ASSIGN_OR_RETURN(weights_.embedding,
                          LoadTable(spec_.embedding, spec_.vocabulary, as_head));
    if (!spec_.learned_positions) return absl::OkStatus();
    ABSL_ASSIGN_OR_RETURN(weights_.position_embedding,
                          LoadTable(spec_.position_embedding, spec_.context, false));
    return absl::OkStatus();
  }

  absl::StatusOr<const char*> LoadTable(const std::string& name, int64_t rows, bool as_matrix) {
    ABSL_ASSIGN_OR_RETURN(const HostMatrix table,
                          source_.Matrix(absl::StrCat(spec_.prefix, name), rows, spec_.hidden,
                                         /*transposed=*/false, dtype_));
    weights_.parameters += rows * spec_.hidden;
    if (as_matrix) return Upload({{table, rows}}, spec_.hidden);
    const int64_t bytes = rows * spec_.hidden * ElementBytes(dtype_);
    char* memory = Reserve(bytes);
    device_.CopyToDevice(memory, table.data, static_cast<size_t>(bytes));
    return memory;
  }

  // Matrices side by side, as one.
  const char* Upload(const std::vector<std::pair<HostMatrix, int64_t>>& parts, int64_t in) {
    int64_t out = 0;
    for (const auto& [matrix, rows] : parts) out += rows;
    const int64_t bytes = MatrixBytes(dtype_, out, in);
    char* memory = Reserve(bytes);
    if (dtype_ == ComputeType::kBfloat16 && Padded(in) == in) {  // as it is
      device_.Clear(memory, static_cast<size_t>(bytes));
      char* to = memory;
      for (const auto& [matrix, rows] : parts) {
        device_.CopyToDevice(to, matrix.data, static_cast<size_t>(rows * in * 2));
        to += rows * in * 2;
      }
      return memory;
    }
    std::vector<char> packed(static_cast<size_t>(bytes));
    int64_t row = 0;
    for (const auto& [matrix, rows] : parts) {
      PackMatrix(dtype_, matrix.data, row, rows, in, packed.data());
      row += rows;
    }
    device_.CopyToDevice(memory, packed.data(), packed.size());
    return memory;
  }

  absl::Status LoadNorm(const std::string& module, int64_t n, NormParams& norm) {
    ABSL_ASSIGN_OR_RETURN(const std::vector<float> weight,
                          source_.Vector(module, "weight", n, dtype_));
    norm.weight = Put(weight);
    if (spec_.norm == NormStyle::kLayer) {
      ABSL_ASSIGN_OR_RETURN(const std::vector<float> bias,
                            source_.Vector(module, "bias", n, dtype_));
      norm.bias = Put(bias);
    }
    return absl::OkStatus();
  }

  absl::Status LoadLayer(const std::string& prefix, DeviceLayer& layer) {
    const auto norm = [&](const std::string& name, int64_t n, NormParams& into) {
      weights_.parameters += n;
      return LoadNorm(prefix + name, n, into);
    };
    const auto linear = [&](const std::vector<LinearSpec>& parts, int64_t in, DeviceLinear& into) {
      return LoadLinear(prefix, parts, in, spec_.conv1d, true, into);
    };
    return WalkLayer(spec_, layer, norm, linear);
  }

  absl::Status LoadLinear(const std::string& prefix, const std::vector<LinearSpec>& specs,
                          int64_t in, bool conv1d, bool count, DeviceLinear& linear) {
    linear.in = in;
    std::vector<std::pair<HostMatrix, int64_t>> parts;
    std::vector<float> biases;
    bool any_bias = false;
    for (const LinearSpec& spec : specs) {
      const std::string module = prefix + spec.name;
      ABSL_ASSIGN_OR_RETURN(HostMatrix matrix,
                            source_.Matrix(module, spec.out, in, conv1d, dtype_));
      parts.emplace_back(std::move(matrix), spec.out);
      linear.out += spec.out;
      if (count) weights_.parameters += spec.out * in;
      std::vector<float> bias(static_cast<size_t>(spec.out), 0.f);
      if (spec.bias) {
        ABSL_ASSIGN_OR_RETURN(bias, source_.Vector(module, "bias", spec.out, dtype_));
        weights_.parameters += spec.out;
        any_bias = true;
      }
      biases.insert(biases.end(), bias.begin(), bias.end());
    }
    linear.w = Upload(parts, in);
    if (any_bias) linear.bias = Put(biases);
    return absl::OkStatus();
  }

  const DecoderSpec& spec_;
  const ComputeType dtype_;
  WeightSource& source_;
  Device& device_;
  DeviceWeights weights_;
};

}  // namespace

int64_t MatrixBytes(ComputeType dtype, int64_t out, int64_t in) {
  return dtype == ComputeType::kBfloat16 ? RoundUp(out, kTileColumns) * Padded(in) * 2
                                         : Padded(out) * in * 4;
}

void PackMatrix(ComputeType dtype, const void* data, int64_t row_begin, int64_t rows, int64_t in,
                void* packed) {
  if (dtype == ComputeType::kBfloat16) {
    for (int64_t r = 0; r < rows; ++r) {
      std::memcpy(static_cast<char*>(packed) + (row_begin + r) * Padded(in) * 2,
                  static_cast<const char*>(data) + r * in * 2, static_cast<size_t>(in * 2));
    }
    return;
  }
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t column = row_begin + r;
    const float* from = static_cast<const float*>(data) + r * in;
    float* to = static_cast<float*>(packed) + column / 32 * in * 32 + column % 32;
    for (int64_t i = 0; i < in; ++i) to[i * 32] = from[i];
  }
}

int64_t WeightBytes(const DecoderSpec& spec, ComputeType dtype) {
  const bool half = dtype == ComputeType::kBfloat16;
  const auto matrix = [&](const std::vector<LinearSpec>& parts, int64_t in) {
    int64_t out = 0;
    for (const LinearSpec& part : parts) out += part.out;
    return MatrixBytes(dtype, out, in) + out * 4;
  };
  int64_t bytes =
      half ? MatrixBytes(dtype, spec.vocabulary, spec.hidden) : spec.vocabulary * spec.hidden * 4;
  if (!half || !spec.tied_head) bytes += MatrixBytes(dtype, spec.vocabulary, spec.hidden);
  if (spec.learned_positions) bytes += spec.context * spec.hidden * ElementBytes(dtype);
  const int64_t layer = matrix(spec.attention_in, spec.hidden) +
                        matrix({spec.attention_out}, spec.q_width()) +
                        matrix(spec.mlp_in, spec.hidden) +
                        matrix({spec.mlp_out}, spec.intermediate) + 12 * spec.hidden * 4;
  return bytes + layer * static_cast<int64_t>(spec.layers.size());
}

absl::StatusOr<DeviceWeights> LoadDeviceWeights(const DecoderSpec& spec, ComputeType dtype,
                                                WeightSource& source, Device& device) {
  return Loader(spec, dtype, source, device).Load();
}

}  // namespace plumbline::cuda
