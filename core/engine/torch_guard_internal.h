// The one place where exceptions of LibTorch and of allocation become a status.
#ifndef PLUMBLINE_CORE_ENGINE_TORCH_GUARD_INTERNAL_H_
#define PLUMBLINE_CORE_ENGINE_TORCH_GUARD_INTERNAL_H_

#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace plumbline {

// `fn` returns absl::Status or absl::StatusOr<T>. Out of memory is ResourceExhausted, everything
// else Internal.
template <typename Fn>
auto GuardTorch(Fn fn) -> decltype(fn()) {
  try {
    return fn();
  } catch (const std::bad_alloc& error) {  // cuda::DeviceMemoryError has more to say
    const std::string message = error.what();
    return absl::ResourceExhaustedError(message == "std::bad_alloc" ? "out of memory" : message);
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    if (absl::StrContains(message, "memory")) return absl::ResourceExhaustedError(message);
    return absl::InternalError(message);
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_TORCH_GUARD_INTERNAL_H_
