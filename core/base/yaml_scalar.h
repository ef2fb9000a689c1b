// What unquoted scalars are in YAML 1.1, as PyYAML has it.
#ifndef PLUMBLINE_CORE_BASE_YAML_SCALAR_H_
#define PLUMBLINE_CORE_BASE_YAML_SCALAR_H_

#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// What an unquoted scalar is: null, a boolean, a number, or a string (its own text).
using PlainScalar = std::variant<std::monostate, bool, int64_t, double, std::string>;

// As PyYAML resolves it: `no` is false, 010 is 8, 1_000 is 1000, 1:30 is 90, and 1e3 is a string.
// InvalidArgument for types that no key of a task file has: dates, infinities, not-a-number,
// integers beyond 64 bits, `=` and `<<`.
absl::StatusOr<PlainScalar> ResolvePlainScalar(absl::string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_YAML_SCALAR_H_
