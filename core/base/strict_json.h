// JSON as strict as the specification: duplicate keys, trailing text and absurd depth are errors.
// (nlohmann::json keeps the last of two equal keys, as Python does, so a file could mean different
// things to two readers.) Order of keys is kept.
#ifndef PLUMBLINE_CORE_BASE_STRICT_JSON_H_
#define PLUMBLINE_CORE_BASE_STRICT_JSON_H_

#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

struct JsonLimits {
  int depth = 32;  // so that no later recursion overflows the stack
  // Of one object. Finding a key is linear in their number, so that of an untrusted file should be
  // bounded.
  size_t keys = std::numeric_limits<size_t>::max();
};

// InvalidArgument: the text is no JSON, a key stands twice in one object, or a limit is exceeded.
// `error_byte`, where it is not null, then gets the place.
absl::StatusOr<nlohmann::ordered_json> ParseStrictJson(absl::string_view text,
                                                       const JsonLimits& limits = {},
                                                       size_t* error_byte = nullptr);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_STRICT_JSON_H_
