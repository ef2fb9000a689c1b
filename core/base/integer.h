// Whole numbers from digits in any base.
#ifndef PLUMBLINE_CORE_BASE_INTEGER_H_
#define PLUMBLINE_CORE_BASE_INTEGER_H_

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// The number that `digits`, digits of `base` (2 to 36) and nothing else, stand for, or its
// negative; nothing beyond 64 bits.
inline std::optional<int64_t> IntegerOf(bool negative, absl::string_view digits, int base) {
  const std::string text = absl::StrCat(negative ? "-" : "", digits);
  int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return read.ec == std::errc() ? std::optional<int64_t>(value) : std::nullopt;
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_INTEGER_H_
