// The JSON header of a safetensors file, parsed strictly and without building a document: what does
// not have the format's shape is refused at its first token, so a hostile header costs no memory.
#ifndef PLUMBLINE_CORE_WEIGHTS_SAFETENSORS_HEADER_H_
#define PLUMBLINE_CORE_WEIGHTS_SAFETENSORS_HEADER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/weights/safetensors.h"

namespace plumbline {

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  // in the header's order; offsets not yet checked
  std::map<std::string, std::string> metadata;
};

// Why weights in integers or less than 16 bits are refused.
inline constexpr char kQuantisedRefused[] =
    "quantised checkpoints are not supported; use the original float16, bfloat16 or float32 one";

// InvalidArgument names the tensor and key; Unimplemented: a float8 or smaller dtype. Names, dtypes
// and types are checked here; offsets and sizes, which need the file, by CheckLayout.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view json);

// Sorts by offset and checks every offset against shape, dtype, neighbours and the data section of
// `data_bytes`.
absl::Status CheckLayout(std::vector<TensorInfo>& tensors, uint64_t data_bytes);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_WEIGHTS_SAFETENSORS_HEADER_H_
