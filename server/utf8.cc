#include "server/utf8.h"

#include <cstdint>

#include "core/base/utf8.h"

namespace plumbline {
namespace {

// Bytes of the well-formed sequence at the start of `s`, or 0. `*bad` gets the length of the
// maximal invalid part then.
size_t WellFormedLength(absl::string_view s, size_t* bad) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(s[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  size_t length = 0;
  uint8_t low = 0x80, high = 0xBF;  // bounds of the second byte
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    *bad = 1;
    return 0;
  }
  for (size_t i = 1; i < length; ++i) {
    if (i >= s.size() || byte(i) < low || byte(i) > high) {
      *bad = i;
      return 0;
    }
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

}  // namespace

std::string ToValidUtf8(absl::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    size_t bad = 0;
    const size_t good = WellFormedLength(bytes, &bad);
    if (good > 0) {
      out.append(bytes.data(), good);
      bytes.remove_prefix(good);
    } else {
      out.append("\xEF\xBF\xBD");
      bytes.remove_prefix(bad);
    }
  }
  return out;
}

std::string CutUtf8(absl::string_view utf8, size_t max_bytes) {
  if (utf8.size() <= max_bytes) return std::string(utf8);
  size_t end = max_bytes - 3;
  while (end > 0 && IsUtf8Continuation(utf8[end])) --end;
  return std::string(utf8.substr(0, end)) + "...";
}

}  // namespace plumbline
