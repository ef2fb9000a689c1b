// Protobuf's `string` fields must be valid UTF-8: a message with other bytes is sent but cannot be
// parsed on the other side. What may hold other bytes (parts of characters, file names, errors that
// quote input) goes through here.
#ifndef PLUMBLINE_SERVER_UTF8_H_
#define PLUMBLINE_SERVER_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace plumbline {

// Each maximal invalid part becomes one U+FFFD, as Unicode 15, section 3.9, recommends.
std::string ToValidUtf8(absl::string_view bytes);

// At most `max_bytes` (>= 3) of valid UTF-8, cut before a character and ended with "..." when
// something was cut.
std::string CutUtf8(absl::string_view utf8, size_t max_bytes);

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_UTF8_H_
