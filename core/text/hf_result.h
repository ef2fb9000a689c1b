// plumbline_hf_buffer as absl::StatusOr: the one place that frees what Rust allocated. Private to
// core/text.
#ifndef PLUMBLINE_CORE_TEXT_HF_RESULT_H_
#define PLUMBLINE_CORE_TEXT_HF_RESULT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/text/hf/plumbline_hf.h"

namespace plumbline {

// Takes the buffer: its bytes, or its message as a status (INVALID: InvalidArgument, EXHAUSTED:
// ResourceExhausted, UNKNOWN: OutOfRange, INTERNAL: Internal).
absl::StatusOr<std::string> TakeHfResult(plumbline_hf_buffer buffer);

inline const uint8_t* HfBytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_HF_RESULT_H_
