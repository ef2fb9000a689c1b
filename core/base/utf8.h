// What can be said of UTF-8 byte by byte. Decoding is core/text/python_unicode.h.
#ifndef PLUMBLINE_CORE_BASE_UTF8_H_
#define PLUMBLINE_CORE_BASE_UTF8_H_

namespace plumbline {

// The byte is inside a character, not its first.
inline bool IsUtf8Continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_UTF8_H_
