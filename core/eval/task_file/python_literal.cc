#include "core/eval/task_file/python_literal.h"

#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/integer.h"
#include "core/base/status_macros.h"
#include "core/text/python_unicode.h"
#include "re2/re2.h"

namespace plumbline {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 16;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

// What goes on with a name or a number.
bool IsWordByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class LiteralReader {
 public:
  explicit LiteralReader(absl::string_view text)
      // Python's tokenizer knows one line break.
      : text_(absl::StrReplaceAll(text, {{"\r\n", "\n"}, {"\r", "\n"}})) {}

  absl::StatusOr<Json> Run() {
    if (absl::StrContains(text_, '\0')) return Error("a NUL character");
    ABSL_RETURN_IF_ERROR(FindStart());
    const size_t begin = at_;
    ABSL_ASSIGN_OR_RETURN(Json value, Value(0));
    SkipBlanks(false);
    if (Next() == ',') {
      at_ = begin;
      ABSL_ASSIGN_OR_RETURN(value, BareTuple());
    }
    const size_t end = at_;
    SkipBlanks(true);
    if (at_ != text_.size()) return Unexpected();
    // Blanks at the very end are a line of their own, unless they stand behind the value.
    size_t tail = text_.rfind('\n');
    if (tail != std::string::npos && tail >= end && SkipIndent(text_, ++tail) &&
        tail == text_.size()) {
      return Error("an indented line");
    }
    return value;
  }

 private:
  absl::Status Error(absl::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat("not a Python literal: ", message, " at byte ", at_));
  }
  absl::Status Unsupported(absl::string_view what) const {
    return absl::UnimplementedError(
        absl::StrCat("a Python literal with ", what, ", which is no value here, at byte ", at_));
  }
  char Next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  absl::string_view Rest() const { return absl::string_view(text_).substr(at_); }

  // Of what may stand behind a value.
  absl::Status Unexpected() const {
    const char c = Next();
    if ((c == '+' || c == '-') && absl::StrContains(Rest(), 'j')) {
      return Unsupported("a complex number");
    }
    return Error("unexpected text");
  }

  // Skips blanks; whether they indent what follows: a form feed begins the line anew.
  static bool SkipIndent(absl::string_view text, size_t& at) {
    bool indented = false;
    for (; at < text.size() && IsBlank(text[at]); ++at) indented = text[at] != '\f';
    return indented;
  }

  // ast.literal_eval drops blanks in front; then blank lines may come, but no indented line.
  absl::Status FindStart() {
    while (Next() == ' ' || Next() == '\t') ++at_;
    while (true) {
      bool indented = SkipIndent(text_, at_);
      while (absl::StartsWith(Rest(), "\\\n")) {
        at_ += 2;
        indented = SkipIndent(text_, at_) || indented;
      }
      if (Next() != '\n' && Next() != '#') {
        return indented ? Error("an indented line") : absl::OkStatus();
      }
      at_ = std::min(text_.find('\n', at_), text_.size() - 1) + 1;
    }
  }

  // Between tokens; `lines`: line breaks and comments too, as within brackets.
  void SkipBlanks(bool lines) {
    while (at_ < text_.size()) {
      if (IsBlank(text_[at_]) || (lines && text_[at_] == '\n')) {
        ++at_;
      } else if (lines && text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (absl::StartsWith(Rest(), "\\\n") && at_ + 2 < text_.size()) {
        at_ += 2;
      } else {
        return;
      }
    }
  }

  bool ConsumeWord(absl::string_view word) {
    const absl::string_view rest = Rest();
    if (!absl::StartsWith(rest, word)) return false;
    if (rest.size() > word.size() && IsWordByte(rest[word.size()])) return false;
    at_ += word.size();
    return true;
  }

  absl::StatusOr<Json> Value(int depth) {
    if (depth + outer_ > kMaxDepth) return Unsupported("more than 16 levels");
    const char c = Next();
    if (c == '[') return Sequence(']', depth);
    if (c == '(') return Sequence(')', depth);
    if (c == '{') return Unsupported("a set or a dict");
    if (IsStringStart()) return Strings(depth > 0);
    if (ConsumeWord("True")) return Json(true);
    if (ConsumeWord("False")) return Json(false);
    if (ConsumeWord("None")) return Json(nullptr);
    if (ConsumeWord("set")) {  // "set()" is how an empty one is written
      SkipBlanks(depth > 0);
      if (Next() == '(') return Unsupported("a set or a dict");
    }
    if (absl::StartsWith(Rest(), "...")) return Unsupported("an ellipsis");
    return Number(depth > 0);
  }

  absl::StatusOr<Json> Sequence(char close, int depth) {
    ++at_;
    Json list = Json::array();
    bool comma = true;
    while (true) {
      SkipBlanks(true);
      if (Next() == close) break;
      if (!comma) {
        if (at_ < text_.size()) ABSL_RETURN_IF_ERROR(Unexpected());
        return Error("a list that does not end");
      }
      ABSL_ASSIGN_OR_RETURN(Json value, Value(depth + 1));
      list.push_back(std::move(value));
      SkipBlanks(true);
      comma = Next() == ',';
      if (comma) ++at_;
    }
    ++at_;
    // "(x)" is x; only "(x,)" is a tuple.
    if (close == ')' && list.size() == 1 && !comma) return Json(list[0]);
    return list;
  }

  // "1, 2" without brackets is a tuple.
  absl::StatusOr<Json> BareTuple() {
    outer_ = 1;
    Json list = Json::array();
    while (at_ < text_.size() && Next() != '\n' && Next() != '#') {
      ABSL_ASSIGN_OR_RETURN(Json value, Value(0));
      list.push_back(std::move(value));
      SkipBlanks(false);
      if (Next() != ',') break;
      ++at_;
      SkipBlanks(false);
    }
    return list;
  }

  absl::StatusOr<Json> Number(bool bracketed) {
    const char sign = Next();
    if (sign == '-' || sign == '+') {
      ++at_;
      SkipBlanks(bracketed);
    }
    const size_t begin = at_;
    const auto is_exponent_sign = [&] {
      return (Next() == '-' || Next() == '+') && at_ > begin && (text_[at_ - 1] | 0x20) == 'e' &&
             !absl::StartsWithIgnoreCase(absl::string_view(text_).substr(begin, 2), "0x");
    };
    while (IsWordByte(Next()) || Next() == '.' || is_exponent_sign()) ++at_;
    const std::string token = text_.substr(begin, at_ - begin);
    static const RE2& integer = *new RE2(
        "(0(?:_?0)*|[1-9](?:_?[0-9])*)|0[xX]((?:_?[0-9a-fA-F])+)|0[oO]((?:_?[0-7])+)|0[bB]((?:_?["
        "01]"
        ")+)");
    // Digits are d(_?d)*.
    static const RE2& real = *new RE2(
        "(?:(?:[0-9](?:_?[0-9])*)?\\.[0-9](?:_?[0-9])*|[0-9](?:_?[0-9])*\\.)(?:[eE][-+]?[0-9](?:_?["
        "0-"
        "9])*)?|[0-9](?:_?[0-9])*[eE][-+]?[0-9](?:_?[0-9])*");
    std::string decimal, hex, octal, binary;
    if (RE2::FullMatch(token, integer, &decimal, &hex, &octal, &binary)) {
      const std::string digits =
          absl::StrReplaceAll(absl::StrCat(decimal, hex, octal, binary), {{"_", ""}});
      const int base = !decimal.empty() ? 10 : !hex.empty() ? 16 : !octal.empty() ? 8 : 2;
      const std::optional<int64_t> value = IntegerOf(sign == '-', digits, base);
      if (!value.has_value()) return Unsupported("an integer beyond 64 bits");
      return Json(*value);
    }
    if (RE2::FullMatch(token, real)) {
      double value = 0;
      if (!absl::SimpleAtod(absl::StrReplaceAll(token, {{"_", ""}}), &value) ||
          value > std::numeric_limits<double>::max()) {
        return Unsupported("a number beyond all bounds");
      }
      return Json(sign == '-' ? -value : value);
    }
    if (absl::EndsWithIgnoreCase(token, "j") && token.find_first_of("0123456789.") == 0) {
      return Unsupported("a complex number");
    }
    at_ = begin;
    if (begin < text_.size() && text_[begin] == '(') return Unsupported("a sign before a bracket");
    return Error("want a string, a number, a list, True, False or None");
  }

  // The length of a string's prefix with its first quote behind it, or 0.
  size_t PrefixWithQuote() const {
    for (size_t i = at_; i < text_.size() && i < at_ + 3; ++i) {
      if (text_[i] == '\'' || text_[i] == '"') return i - at_ + 1;
    }
    return 0;
  }

  bool IsStringStart() const {
    const size_t length = PrefixWithQuote();
    if (length == 0) return false;
    const std::string prefix = absl::AsciiStrToLower(Rest().substr(0, length - 1));
    return prefix.empty() || prefix == "r" || prefix == "u" || prefix == "b" || prefix == "f" ||
           prefix == "br" || prefix == "rb" || prefix == "fr" || prefix == "rf";
  }

  // Adjacent strings are one.
  absl::StatusOr<Json> Strings(bool bracketed) {
    std::string result;
    while (IsStringStart()) {
      ABSL_RETURN_IF_ERROR(String(result));
      SkipBlanks(bracketed);
    }
    return Json(result);
  }

  absl::Status String(std::string& result) {
    const size_t length = PrefixWithQuote();
    const std::string prefix = absl::AsciiStrToLower(Rest().substr(0, length - 1));
    if (absl::StrContains(prefix, 'b')) return Unsupported("bytes (b'...')");
    if (absl::StrContains(prefix, 'f')) return Error("an f-string, which is no literal,");
    at_ += length;
    const char quote = text_[at_ - 1];
    std::string end(3, quote);
    if (absl::StartsWith(Rest(), end.substr(1))) {
      at_ += 2;
    } else {
      end.resize(1);
    }
    while (true) {
      if (at_ >= text_.size() || (end.size() == 1 && text_[at_] == '\n')) {
        return Error("a string that does not end");
      }
      if (absl::StartsWith(Rest(), end)) {
        at_ += end.size();
        return absl::OkStatus();
      }
      const char c = text_[at_++];
      if (c != '\\') {
        result += c;
        continue;
      }
      if (at_ >= text_.size()) return Error("a string that does not end");
      if (prefix == "r") {
        result += c;
        result += text_[at_++];
        continue;
      }
      ABSL_RETURN_IF_ERROR(Escape(text_[at_++], result));
    }
  }

  absl::Status Escape(char c, std::string& result) {
    static constexpr absl::string_view kPlain = "\\'\"abfnrtv";
    static constexpr absl::string_view kMeaning = "\\'\"\a\b\f\n\r\t\v";
    if (c == '\n') return absl::OkStatus();
    const size_t plain = kPlain.find(c);
    if (plain != absl::string_view::npos) {
      result += kMeaning[plain];
      return absl::OkStatus();
    }
    if (c == 'N') return Unsupported("a character by its name (\\N{...})");
    uint32_t value = 0;
    if (c >= '0' && c <= '7') {
      value = static_cast<uint32_t>(c - '0');
      for (int i = 0; i < 2 && Next() >= '0' && Next() <= '7'; ++i) {
        value = value * 8 + static_cast<uint32_t>(text_[at_++] - '0');
      }
      python::AppendUtf8(static_cast<char32_t>(value), &result);
      return absl::OkStatus();
    }
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
      result += '\\';
      result += c;
      return absl::OkStatus();
    }
    const absl::string_view code = Rest().substr(0, digits);
    for (size_t i = 0; i < digits; ++i, ++at_) {
      if (!absl::ascii_isxdigit(static_cast<unsigned char>(Next()))) return Error("a bad escape");
    }
    if (!absl::SimpleHexAtoi(code, &value) || value > 0x10FFFF) return Error("a bad escape");
    if (value >= 0xD800 && value < 0xE000) return Unsupported("half a surrogate pair");
    python::AppendUtf8(static_cast<char32_t>(value), &result);
    return absl::OkStatus();
  }

  const std::string text_;
  size_t at_ = 0;
  int outer_ = 0;  // levels around the values of depth 0
};

}  // namespace

absl::StatusOr<Json> ParsePythonLiteral(absl::string_view text) {
  return LiteralReader(text).Run();
}

}  // namespace plumbline
