#include <c10/util/Exception.h>

#include <algorithm>
#include <new>
#include <string>

#include "absl/strings/match.h"
#include "core/base/status_macros.h"
#include "core/weights/torch_guard_internal.h"

namespace plumbline {
namespace {

// LibTorch's allocator of the host throws a plain c10::Error: only its words tell. "memory" alone
// would not do: it is in "Unsupported memory format" as well.
bool SaysOutOfMemory(absl::string_view message) {
  constexpr absl::string_view kWords[] = {"can't allocate memory", "not allocate memory",
                                          "out of memory", "Out of Memory"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](absl::string_view words) { return absl::StrContains(message, words); });
}

absl::Status StatusOf(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    const std::string message = error.what();  // cuda::DeviceMemoryError has more to say
    return absl::ResourceExhaustedError(message == "std::bad_alloc" ? "out of memory" : message);
  }
  const auto* torch = dynamic_cast<const c10::Error*>(&error);
  const std::string message = torch != nullptr ? torch->what_without_backtrace() : error.what();
  const bool memory =
      torch != nullptr &&
      (dynamic_cast<const c10::OutOfMemoryError*>(torch) != nullptr || SaysOutOfMemory(message));
  return memory ? absl::ResourceExhaustedError(message) : absl::InternalError(message);
}

}  // namespace

absl::Status StatusOfException(const std::exception& error, absl::string_view where) {
  const absl::Status status = StatusOf(error);
  return where.empty() ? status : Annotate(status, where);
}

}  // namespace plumbline
