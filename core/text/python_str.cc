// Methods of Python's str, on UTF-8.
#include <algorithm>
#include <iterator>

#include "core/text/python_unicode.h"
#include "core/text/python_unicode_tables.h"

namespace plumbline::python {
namespace {

bool AllHave(absl::string_view text, uint16_t flags) {
  if (text.empty()) return false;
  for (size_t i = 0; i < text.size();) {
    if ((RecordOf(NextCodePoint(text, &i)).flags & flags) == 0) return false;
  }
  return true;
}

// isupper and islower: some character has `wanted`, none has `refused`.
bool HasCase(absl::string_view text, uint16_t wanted, uint16_t refused) {
  bool found = false;
  for (size_t i = 0; i < text.size();) {
    const uint16_t flags = RecordOf(NextCodePoint(text, &i)).flags;
    if ((flags & refused) != 0) return false;
    found |= (flags & wanted) != 0;
  }
  return found;
}

char32_t Shift(char32_t c, int32_t offset) {
  return static_cast<char32_t>(static_cast<int32_t>(c) + offset);
}

void AppendMapped(char32_t c, int32_t offset, const Special* specials, size_t count,
                  std::string* out) {
  const Special* const end = specials + count;
  const Special* const found = std::lower_bound(
      specials, end, c,
      [](const Special& special, char32_t value) { return special.code_point < value; });
  if (found == end || found->code_point != c) {
    AppendUtf8(Shift(c, offset), out);
    return;
  }
  for (size_t i = 0; i < 3 && found->mapped[i] != 0; ++i) AppendUtf8(found->mapped[i], out);
}

constexpr char32_t kCapitalSigma = 0x3A3;

// Unicode's Final_Sigma: a cased character before (case-ignorable ones skipped), and none after.
bool IsFinalSigma(absl::string_view text, size_t begin, size_t end) {
  bool cased_before = false;
  while (begin > 0) {
    const uint16_t flags = RecordOf(PreviousCodePoint(text, &begin)).flags;
    if ((flags & kCaseIgnorable) != 0) continue;
    cased_before = (flags & kCased) != 0;
    break;
  }
  if (!cased_before) return false;
  while (end < text.size()) {
    const uint16_t flags = RecordOf(NextCodePoint(text, &end)).flags;
    if ((flags & kCaseIgnorable) != 0) continue;
    return (flags & kCased) == 0;
  }
  return true;
}

// The full lower-case mapping of the character c at text[begin, end).
void AppendLower(absl::string_view text, char32_t c, size_t begin, size_t end, std::string* out) {
  if (c == kCapitalSigma) {
    AppendUtf8(IsFinalSigma(text, begin, end) ? 0x3C2 : 0x3C3, out);
    return;
  }
  AppendUtf8(SimpleLower(c), out);
  if (c == 0x130) AppendUtf8(0x307, out);  // the only character whose lower case is two
}

// A set of characters to strip.
class CharSet {
 public:
  explicit CharSet(absl::string_view chars) : chars_(ToCodePoints(chars)) {
    std::sort(chars_.begin(), chars_.end());
  }
  bool operator()(char32_t c) const { return std::binary_search(chars_.begin(), chars_.end(), c); }

 private:
  std::u32string chars_;
};

template <typename Predicate>
absl::string_view LeftStripIf(absl::string_view text, const Predicate& strip) {
  size_t begin = 0;
  while (begin < text.size()) {
    size_t next = begin;
    if (!strip(NextCodePoint(text, &next))) break;
    begin = next;
  }
  return text.substr(begin);
}

template <typename Predicate>
absl::string_view RightStripIf(absl::string_view text, const Predicate& strip) {
  size_t end = text.size();
  while (end > 0) {
    size_t previous = end;
    if (!strip(PreviousCodePoint(text, &previous))) break;
    end = previous;
  }
  return text.substr(0, end);
}

bool SpaceChar(char32_t c) { return IsSpace(c); }

}  // namespace

bool IsUpper(absl::string_view text) { return HasCase(text, kUpper, kLower | kTitle); }
bool IsLower(absl::string_view text) { return HasCase(text, kLower, kUpper | kTitle); }
bool IsSpace(absl::string_view text) { return AllHave(text, kSpace); }
bool IsAlpha(absl::string_view text) { return AllHave(text, kAlpha); }
bool IsAlnum(absl::string_view text) { return AllHave(text, kAlnum); }
bool IsDigit(absl::string_view text) { return AllHave(text, kDigit); }
bool IsDecimal(absl::string_view text) { return AllHave(text, kDecimal); }

std::string Lower(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      out.push_back(static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte));
      ++i;
      continue;
    }
    const size_t begin = i;
    const char32_t c = NextCodePoint(text, &i);
    AppendLower(text, c, begin, i, &out);
  }
  return out;
}

std::string Upper(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const char32_t c = NextCodePoint(text, &i);
    AppendMapped(c, RecordOf(c).upper, kUpperSpecials, kUpperSpecialCount, &out);
  }
  return out;
}

std::string CaseFold(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const char32_t c = NextCodePoint(text, &i);
    AppendMapped(c, RecordOf(c).lower, kFoldSpecials, kFoldSpecialCount, &out);
  }
  return out;
}

std::string Title(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool after_cased = false;
  for (size_t i = 0; i < text.size();) {
    const size_t begin = i;
    const char32_t c = NextCodePoint(text, &i);
    const Record& record = RecordOf(c);
    if (after_cased) {
      AppendLower(text, c, begin, i, &out);
    } else {
      AppendMapped(c, record.title, kTitleSpecials, kTitleSpecialCount, &out);
    }
    after_cased = (record.flags & kCased) != 0;
  }
  return out;
}

std::string Capitalize(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t begin = i;
    const char32_t c = NextCodePoint(text, &i);
    if (begin == 0) {
      AppendMapped(c, RecordOf(c).title, kTitleSpecials, kTitleSpecialCount, &out);
    } else {
      AppendLower(text, c, begin, i, &out);
    }
  }
  return out;
}

absl::string_view Strip(absl::string_view text) { return RightStrip(LeftStrip(text)); }
absl::string_view LeftStrip(absl::string_view text) { return LeftStripIf(text, SpaceChar); }
absl::string_view RightStrip(absl::string_view text) { return RightStripIf(text, SpaceChar); }
absl::string_view Strip(absl::string_view text, absl::string_view chars) {
  const CharSet set(chars);
  return RightStripIf(LeftStripIf(text, set), set);
}
absl::string_view LeftStrip(absl::string_view text, absl::string_view chars) {
  return LeftStripIf(text, CharSet(chars));
}
absl::string_view RightStrip(absl::string_view text, absl::string_view chars) {
  return RightStripIf(text, CharSet(chars));
}

std::vector<absl::string_view> SplitLines(absl::string_view text) {
  std::vector<absl::string_view> lines;
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t end = i;
    const char32_t c = NextCodePoint(text, &i);
    if (!IsLineBreak(c)) continue;
    if (c == '\r' && i < text.size() && text[i] == '\n') ++i;
    lines.push_back(text.substr(begin, end - begin));
    begin = i;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

std::vector<absl::string_view> SplitWhitespace(absl::string_view text) {
  std::vector<absl::string_view> words;
  size_t begin = 0;
  bool inside = false;
  for (size_t i = 0; i < text.size();) {
    const size_t at = i;
    const bool space = IsSpace(NextCodePoint(text, &i));
    if (space && inside) words.push_back(text.substr(begin, at - begin));
    if (!space && !inside) begin = at;
    inside = !space;
  }
  if (inside) words.push_back(text.substr(begin));
  return words;
}

std::vector<absl::string_view> Split(absl::string_view text, absl::string_view separator) {
  std::vector<absl::string_view> parts;
  size_t begin = 0;
  for (size_t at = text.find(separator); at != absl::string_view::npos;
       at = text.find(separator, begin)) {
    parts.push_back(text.substr(begin, at - begin));
    begin = at + separator.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

size_t CountWords(absl::string_view text) {
  size_t words = 0;
  bool inside = false;
  for (size_t i = 0; i < text.size();) {
    const bool word = IsWordChar(NextCodePoint(text, &i));
    words += word && !inside ? 1 : 0;
    inside = word;
  }
  return words;
}

}  // namespace plumbline::python
