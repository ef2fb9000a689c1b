// What can be said of UTF-8 byte by byte. Decoding is core/text/python_unicode.h.
#ifndef PLUMBLINE_CORE_BASE_UTF8_H_
#define PLUMBLINE_CORE_BASE_UTF8_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"

namespace plumbline {

// The byte is inside a character, not its first.
inline bool IsUtf8Continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// Bytes of the well-formed character at the start of `s`, which is not empty, or 0; `*bad` gets the
// length of the maximal invalid part then.
size_t WellFormedLength(absl::string_view s, size_t* bad);

// Where the first byte stands that belongs to no well-formed character; nothing: all is UTF-8.
std::optional<size_t> FirstInvalidUtf8(absl::string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_UTF8_H_
