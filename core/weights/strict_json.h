// JSON as strict as the specification: duplicate keys, trailing text and absurd depth are errors.
// (nlohmann::json keeps the last of two equal keys, so a file could mean different things to two
// readers.) Order of keys is kept.
#ifndef PLUMBLINE_CORE_WEIGHTS_STRICT_JSON_H_
#define PLUMBLINE_CORE_WEIGHTS_STRICT_JSON_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

inline constexpr int kMaxJsonDepth = 32;

// InvalidArgument: where the text stops being JSON, or the key that stands twice in one object.
absl::StatusOr<nlohmann::ordered_json> ParseStrictJson(absl::string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_WEIGHTS_STRICT_JSON_H_
