#include "core/eval/task_file/python_literal.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

class LiteralReader {
 public:
  explicit LiteralReader(absl::string_view text) : text_(text) {}

  absl::StatusOr<nlohmann::ordered_json> Run() {
    SkipSpaces();
    ABSL_ASSIGN_OR_RETURN(nlohmann::ordered_json value, Value(0));
    SkipSpaces();
    if (at_ != text_.size()) return Error("unexpected text");
    return value;
  }

 private:
  absl::Status Error(absl::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat("not a Python literal: ", message, " at byte ", at_));
  }
  void SkipSpaces() {
    while (at_ < text_.size() && absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool Consume(absl::string_view word) {
    if (!absl::StartsWith(text_.substr(at_), word)) return false;
    at_ += word.size();
    return true;
  }

  absl::StatusOr<nlohmann::ordered_json> Value(int depth) {
    if (depth > 16) return Error("nested deeper than 16");
    if (at_ >= text_.size()) return Error("nothing");
    const char c = text_[at_];
    if (c == '[') return Sequence(']', depth);
    if (c == '(') return Sequence(')', depth);
    if (c == '\'' || c == '"') return Strings();
    if (Consume("True")) return true;
    if (Consume("False")) return false;
    if (Consume("None")) return nullptr;
    return Number();
  }

  absl::StatusOr<nlohmann::ordered_json> Sequence(char close, int depth) {
    ++at_;
    auto list = nlohmann::ordered_json::array();
    bool comma = true;
    while (true) {
      SkipSpaces();
      if (at_ < text_.size() && text_[at_] == close) break;
      if (!comma) return Error("a comma is missing");
      ABSL_ASSIGN_OR_RETURN(nlohmann::ordered_json value, Value(depth + 1));
      list.push_back(std::move(value));
      SkipSpaces();
      comma = Consume(",");
    }
    ++at_;
    // "(x)" is x; only "(x,)" is a tuple.
    if (close == ')' && list.size() == 1 && !comma) return nlohmann::ordered_json(list[0]);
    return list;
  }

  absl::StatusOr<nlohmann::ordered_json> Number() {
    const size_t begin = at_;
    while (at_ < text_.size() && (absl::ascii_isdigit(static_cast<unsigned char>(text_[at_])) ||
                                  absl::StrContains("+-.eE", absl::string_view(&text_[at_], 1)))) {
      ++at_;
    }
    const absl::string_view token = text_.substr(begin, at_ - begin);
    int64_t integer = 0;
    if (absl::SimpleAtoi(token, &integer)) return integer;
    double real = 0;
    if (!token.empty() && absl::SimpleAtod(token, &real)) return real;
    at_ = begin;
    return Error("want a string, a number, a list, True, False or None");
  }

  // Adjacent strings are one.
  absl::StatusOr<nlohmann::ordered_json> Strings() {
    std::string result;
    while (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) {
      ABSL_RETURN_IF_ERROR(String(result));
      SkipSpaces();
    }
    return nlohmann::ordered_json(result);
  }

  absl::Status String(std::string& result) {
    const char quote = text_[at_++];
    while (true) {
      if (at_ >= text_.size() || text_[at_] == '\n') return Error("a string that does not end");
      const char c = text_[at_++];
      if (c == quote) return absl::OkStatus();
      if (c != '\\') {
        result += c;
        continue;
      }
      if (at_ >= text_.size()) return Error("a string that does not end");
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
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
      result += '\\';
      result += c;
      return absl::OkStatus();
    }
    uint32_t value = 0;
    if (text_.size() - at_ < digits || !absl::SimpleHexAtoi(text_.substr(at_, digits), &value) ||
        value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
      return Error("a bad escape");
    }
    at_ += digits;
    python::AppendUtf8(static_cast<char32_t>(value), &result);
    return absl::OkStatus();
  }

  const absl::string_view text_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<nlohmann::ordered_json> ParsePythonLiteral(absl::string_view text) {
  return LiteralReader(text).Run();
}

}  // namespace plumbline
