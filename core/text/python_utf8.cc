// UTF-8 as CPython decodes it with errors="replace": each maximal ill-formed part becomes one
// U+FFFD.
#include "core/base/utf8.h"
#include "core/text/python_unicode.h"

namespace plumbline::python {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Decoded {
  char32_t code_point;
  uint8_t size;  // bytes taken, 1 to 4
  bool well_formed;
  bool cut_short;  // ill-formed only because the text ends
};

// The Unicode standard's table 3-7: how many bytes follow a lead byte and what the first of them
// may be.
Decoded DecodeAt(absl::string_view text, size_t position) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[position + i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true, false};
  size_t following = 0;
  uint8_t low = 0x80, high = 0xBF;
  char32_t value = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    following = 1;
    value = lead & 0x1F;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    following = 2;
    value = lead & 0x0F;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    following = 3;
    value = lead & 0x07;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {kReplacement, 1, false, false};
  }
  for (size_t i = 1; i <= following; ++i) {
    if (position + i >= text.size()) return {kReplacement, static_cast<uint8_t>(i), false, true};
    const uint8_t next = byte(i);
    if (next < low || next > high) return {kReplacement, static_cast<uint8_t>(i), false, false};
    value = (value << 6) | (next & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {value, static_cast<uint8_t>(following + 1), true, false};
}

}  // namespace

char32_t NextCodePoint(absl::string_view text, size_t* position) {
  const Decoded decoded = DecodeAt(text, *position);
  *position += decoded.size;
  return decoded.code_point;
}

char32_t PreviousCodePoint(absl::string_view text, size_t* position) {
  // The start of the character that ends here is at most three bytes before its last byte; where no
  // start gives a character that ends exactly here, the last byte is an ill-formed part or belongs
  // to one.
  const size_t end = *position;
  const size_t first = end >= 4 ? end - 4 : 0;
  size_t start = end - 1;
  while (start > first && IsUtf8Continuation(text[start])) --start;
  while (start < end) {
    const Decoded decoded = DecodeAt(text.substr(0, end), start);
    if (start + decoded.size == end) {
      *position = start;
      return decoded.code_point;
    }
    start += decoded.size;
  }
  *position = end - 1;
  return kReplacement;
}

void AppendUtf8(char32_t c, std::string* out) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = kReplacement;
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (c >> 6)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | (c >> 12)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xF0 | (c >> 18)));
    out->push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

bool IsWellFormed(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const Decoded decoded = DecodeAt(text, i);
    if (!decoded.well_formed) return false;
    i += decoded.size;
  }
  return true;
}

size_t IncompleteSuffix(absl::string_view text) {
  const size_t first = text.size() >= 3 ? text.size() - 3 : 0;
  for (size_t start = text.size(); start-- > first;) {
    if (IsUtf8Continuation(text[start])) continue;
    const Decoded decoded = DecodeAt(text, start);
    return decoded.cut_short && start + decoded.size == text.size() ? decoded.size : 0;
  }
  return 0;
}

std::string DecodeReplacing(absl::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size();) {
    const Decoded decoded = DecodeAt(bytes, i);
    if (decoded.well_formed) {
      out.append(bytes.data() + i, decoded.size);
    } else {
      AppendUtf8(kReplacement, &out);
    }
    i += decoded.size;
  }
  return out;
}

std::u32string ToCodePoints(absl::string_view text) {
  std::u32string out(text.size(), U'\0');
  size_t length = 0;
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x80) {
      out[length++] = byte;
      ++i;
    } else {
      out[length++] = NextCodePoint(text, &i);
    }
  }
  out.resize(length);
  return out;
}

std::string ToUtf8(const std::u32string& code_points) {
  std::string out;
  out.reserve(code_points.size());
  for (const char32_t c : code_points) AppendUtf8(c, &out);
  return out;
}

size_t Length(absl::string_view text) {
  size_t length = 0;
  for (size_t i = 0; i < text.size(); ++length) NextCodePoint(text, &i);
  return length;
}

absl::string_view Slice(absl::string_view text, size_t begin, size_t end) {
  if (begin >= end) return text.substr(0, 0);
  size_t position = 0;
  for (size_t i = 0; i < begin && position < text.size(); ++i) NextCodePoint(text, &position);
  const size_t first = position;
  for (size_t i = begin; i < end && position < text.size(); ++i) NextCodePoint(text, &position);
  return text.substr(first, position - first);
}

}  // namespace plumbline::python
