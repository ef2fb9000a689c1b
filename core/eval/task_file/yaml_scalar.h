// Scalars of YAML 1.1 as PyYAML reads them, where yaml-cpp reads them otherwise: it drops a line
// break at the end of a folded quoted scalar and writes \_ and \N as single bytes. A prompt that
// loses a newline in silence is another prompt, so quoted scalars are decoded here, from the text.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_YAML_SCALAR_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_YAML_SCALAR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// A document ready for a parser: without a byte order mark, every line break a \n. InvalidArgument
// "line N: ..." for what is not UTF-8, a control character, and the three line breaks that only
// YAML 1.1 knows (U+0085, U+2028, U+2029).
absl::StatusOr<std::string> NormalizeYaml(absl::string_view text);

// The offset of the value behind an anchor (&name) at `at`, or `at` itself.
size_t SkipYamlAnchor(absl::string_view text, size_t at);

// The value of the single- or double-quoted scalar whose quote is text[at] (YAML 1.1, 9.1):
// `text` is normalised. InvalidArgument for an unknown or bad escape and a missing end.
absl::StatusOr<std::string> DecodeQuotedScalar(absl::string_view text, size_t at);

// What an unquoted scalar is: null, a boolean, a number, or a string (its own text).
using PlainScalar = std::variant<std::monostate, bool, int64_t, double, std::string>;

// As PyYAML resolves it: `no` is false, 010 is 8, 1_000 is 1000, 1:30 is 90, and 1e3 is a string.
// InvalidArgument for types that no key of a task file has: dates, infinities, not-a-number,
// integers beyond 64 bits, `=` and `<<`.
absl::StatusOr<PlainScalar> ResolvePlainScalar(absl::string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_YAML_SCALAR_H_
