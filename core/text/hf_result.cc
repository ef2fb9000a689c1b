#include "core/text/hf_result.h"

namespace plumbline {

absl::StatusOr<std::string> TakeHfResult(plumbline_hf_buffer buffer) {
  std::string bytes(reinterpret_cast<const char*>(buffer.data), buffer.size);
  const int32_t status = buffer.status;
  plumbline_hf_buffer_free(buffer);
  switch (status) {
    case PLUMBLINE_HF_OK:
      return bytes;
    case PLUMBLINE_HF_INVALID:
      return absl::InvalidArgumentError(bytes);
    case PLUMBLINE_HF_EXHAUSTED:
      return absl::ResourceExhaustedError(bytes);
    case PLUMBLINE_HF_UNKNOWN:
      return absl::OutOfRangeError(bytes);
    default:
      return absl::InternalError(bytes);
  }
}

}  // namespace plumbline
