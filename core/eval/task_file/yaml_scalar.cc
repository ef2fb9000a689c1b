#include "core/eval/task_file/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/text/python_unicode.h"
#include "re2/re2.h"

namespace plumbline {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// What YAML 1.1 calls a printable character.
bool IsPrintable(char32_t c) {
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0x7E) || c == 0x85 ||
         (c >= 0xA0 && c < 0xD800) || (c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF) || c >= 0x10000;
}

class QuotedReader {
 public:
  QuotedReader(absl::string_view text, size_t at) : text_(text), at_(at + 1), quote_(text[at]) {}

  absl::StatusOr<std::string> Run() {
    while (true) {
      bool folded = false;  // an escaped line break: what follows is joined without a blank
      while (at_ < text_.size() && !IsBlank(text_[at_]) && text_[at_] != '\n' && !folded) {
        if (text_[at_] == quote_) {
          if (quote_ == '"' || Next() != '\'') return std::move(value_);
          value_ += '\'';
          at_ += 2;
        } else if (text_[at_] != '\\' || quote_ == '\'') {
          value_ += text_[at_++];
        } else if (Next() == '\n') {
          at_ += 2;
          folded = true;
        } else {
          ABSL_RETURN_IF_ERROR(Escape());
        }
      }
      if (at_ >= text_.size()) {
        return absl::InvalidArgumentError("a quoted text that does not end");
      }
      Blanks(folded);
    }
  }

 private:
  char Next() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\0'; }

  // Blanks and line breaks: one break is a space, each further one a \n; blanks around them go.
  void Blanks(bool folded) {
    std::string blanks, breaks;
    bool broken = folded;
    for (; at_ < text_.size() && (IsBlank(text_[at_]) || text_[at_] == '\n'); ++at_) {
      if (text_[at_] != '\n') {
        if (!broken) blanks += text_[at_];
      } else if (!broken) {
        broken = true;
      } else {
        breaks += '\n';
      }
    }
    if (!broken) {
      value_ += blanks;
    } else if (breaks.empty()) {
      value_ += folded ? "" : " ";
    } else {
      value_ += breaks;
    }
  }

  absl::Status Escape() {
    static constexpr absl::string_view kNames = "0abt\tnvfre \"/\\N_LP";
    static constexpr char32_t kMeaning[] = {0,    '\a', '\b', '\t', '\t',   '\n',
                                            '\v', '\f', '\r', 0x1B, ' ',    '"',
                                            '/',  '\\', 0x85, 0xA0, 0x2028, 0x2029};
    const char name = Next();
    const size_t digits = name == 'x' ? 2 : name == 'u' ? 4 : name == 'U' ? 8 : 0;
    const absl::string_view escape = text_.substr(at_, 2 + digits);
    const size_t found = at_ + 1 < text_.size() ? kNames.find(name) : absl::string_view::npos;
    uint32_t value = 0;
    if (digits > 0) {
      const char* end = escape.data() + escape.size();
      const auto read = std::from_chars(escape.data() + 2, end, value, 16);
      if (escape.size() != 2 + digits || read.ptr != end || read.ec != std::errc() ||
          value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "the escape \"", escape, "\" is no character",
            value >= 0xD800 && value <= 0xDFFF ? "; one beyond U+FFFF is written \\U0001F600"
                                               : ""));
      }
    } else if (found != absl::string_view::npos) {
      value = kMeaning[found];
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown escape \"", escape, "\"; a backslash itself is \\\\"));
    }
    python::AppendUtf8(static_cast<char32_t>(value), &value_);
    at_ += 2 + digits;
    return absl::OkStatus();
  }

  const absl::string_view text_;
  size_t at_;
  const char quote_;
  std::string value_;
};

absl::Status Unwanted(absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is ", what, " in YAML; put it in quotes if it is text"));
}

// `digits` in `base`, without underscores; 1:30:00 where base is 60.
absl::StatusOr<int64_t> Integer(absl::string_view text, bool negative, absl::string_view digits,
                                int base) {
  unsigned __int128 value = 0;
  const auto beyond = [&] { return value > (static_cast<unsigned __int128>(1) << 63); };
  if (base == 60) {
    for (absl::string_view part : absl::StrSplit(digits, ':')) {
      uint64_t number = 0;
      if (!absl::SimpleAtoi(part, &number)) return Unwanted(text, "an integer beyond 64 bits");
      value = value * 60 + number;
      if (beyond()) break;
    }
  } else {
    for (char c : digits) {
      const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
      value = value * static_cast<unsigned>(base) + static_cast<unsigned>(digit);
      if (beyond()) break;
    }
  }
  if (beyond() || (!negative && value >> 63 != 0)) {
    return Unwanted(text, "an integer beyond 64 bits");
  }
  return static_cast<int64_t>(negative ? -value : value);
}

}  // namespace

absl::StatusOr<std::string> NormalizeYaml(absl::string_view text) {
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");
  std::string result;
  result.reserve(text.size());
  size_t line = 1;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = python::NextCodePoint(text, &at);
    const absl::string_view bytes = text.substr(begin, at - begin);
    const std::string where = absl::StrCat("line ", line, ": ");
    if (c == 0xFFFD && bytes != "\xEF\xBF\xBD") {
      return absl::InvalidArgumentError(where + "not UTF-8");
    }
    if (!IsPrintable(c) || c == 0x85 || c == 0x2028 || c == 0x2029) {
      return absl::InvalidArgumentError(absl::StrCat(
          where, "the character U+", absl::Hex(static_cast<uint32_t>(c), absl::kZeroPad4),
          " cannot stand here; write it in double quotes as \\u",
          absl::Hex(static_cast<uint32_t>(c), absl::kZeroPad4)));
    }
    if (c == '\r') {
      if (at < text.size() && text[at] == '\n') continue;
      result += '\n';
    } else {
      result.append(bytes.data(), bytes.size());
    }
    if (c == '\r' || c == '\n') ++line;
  }
  return result;
}

size_t SkipYamlAnchor(absl::string_view text, size_t at) {
  if (at >= text.size() || text[at] != '&') return at;
  while (at < text.size() && !IsBlank(text[at]) && text[at] != '\n') ++at;
  while (at < text.size() && (IsBlank(text[at]) || text[at] == '\n' || text[at] == '#')) {
    if (text[at] == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else {
      ++at;
    }
  }
  return at;
}

absl::StatusOr<std::string> DecodeQuotedScalar(absl::string_view text, size_t at) {
  if (at >= text.size() || (text[at] != '\'' && text[at] != '"')) {
    return absl::InvalidArgumentError("no quoted text");
  }
  return QuotedReader(text, at).Run();
}

absl::StatusOr<PlainScalar> ResolvePlainScalar(absl::string_view text) {
  static const auto& nulls = *new std::set<absl::string_view>{"", "~", "null", "Null", "NULL"};
  static const auto& trues = *new std::set<absl::string_view>{"yes",  "Yes", "YES", "true", "True",
                                                              "TRUE", "on",  "On",  "ON"};
  static const auto& falses = *new std::set<absl::string_view>{
      "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
  // PyYAML's resolver.py, in its order.
  static const RE2& real =
      *new RE2("[-+]?[0-9][0-9_]*\\.[0-9_]*(?:[eE][-+][0-9]+)?|\\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?");
  static const RE2& real60 = *new RE2("[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*");
  static const RE2& special = *new RE2("[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN)");
  static const RE2& integer = *new RE2(
      "([-+]?)(?:0b([0-1_]+)|0x([0-9a-fA-F_]+)|(0[0-7_]+)|([1-9][0-9_]*(?::[0-5]?[0-9])+)|(0|[1-9]["
      "0-9_]*))");
  static const RE2& date = *new RE2(
      "[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ "
      "\\t]+)[0-9]{1,2}:[0-9]{2}:"
      "[0-9]{2}(?:\\.[0-9]*)?(?:[ \\t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?");
  const re2::StringPiece piece(text.data(), text.size());
  if (nulls.count(text) > 0) return PlainScalar();
  if (trues.count(text) > 0) return PlainScalar(true);
  if (falses.count(text) > 0) return PlainScalar(false);
  if (text == "<<" || text == "=") return Unwanted(text, "no plain value");
  if (RE2::FullMatch(piece, special)) return Unwanted(text, "no finite number");
  if (RE2::FullMatch(piece, real60)) return Unwanted(text, "a number to the base 60");
  if (RE2::FullMatch(piece, date)) return Unwanted(text, "a date");
  const std::string bare = absl::StrReplaceAll(text, {{"_", ""}});
  if (RE2::FullMatch(piece, real)) {
    double value = 0;
    if (!absl::SimpleAtod(bare, &value) || value > std::numeric_limits<double>::max() ||
        value < std::numeric_limits<double>::lowest()) {
      return Unwanted(text, "no finite number");
    }
    return PlainScalar(value);
  }
  std::string sign, binary, hex, octal, sexagesimal, decimal;
  if (!RE2::FullMatch(piece, integer, &sign, &binary, &hex, &octal, &sexagesimal, &decimal)) {
    return PlainScalar(std::string(text));
  }
  const std::string digits =
      absl::StrReplaceAll(absl::StrCat(binary, hex, octal, sexagesimal, decimal), {{"_", ""}});
  if (digits.empty()) return Unwanted(text, "a number without digits");
  ABSL_ASSIGN_OR_RETURN(const int64_t value, Integer(text, sign == "-", digits,
                                                     !binary.empty()        ? 2
                                                     : !hex.empty()         ? 16
                                                     : !octal.empty()       ? 8
                                                     : !sexagesimal.empty() ? 60
                                                                            : 10));
  return PlainScalar(value);
}

}  // namespace plumbline
