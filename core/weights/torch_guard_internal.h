// The one place where exceptions of LibTorch and of allocation become a status. Island-internal.
#ifndef PLUMBLINE_CORE_WEIGHTS_TORCH_GUARD_INTERNAL_H_
#define PLUMBLINE_CORE_WEIGHTS_TORCH_GUARD_INTERNAL_H_

#include <exception>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// Out of memory, of the host or of a GPU, is ResourceExhausted, everything else Internal. The
// message begins with `where`, if that is not empty.
absl::Status StatusOfException(const std::exception& error, absl::string_view where = "");

// Calls `fn`, which returns absl::Status or absl::StatusOr<T>.
template <typename Fn>
auto GuardTorch(Fn fn, absl::string_view where = "") -> decltype(fn()) {
  try {
    return fn();
  } catch (const std::exception& error) {
    return StatusOfException(error, where);
  }
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_WEIGHTS_TORCH_GUARD_INTERNAL_H_
