// The grammar of CPython 3.11's json.scanner, with an explicit stack instead of recursion.
#include "core/text/python_json.h"

#include <cstddef>
#include <string>

#include "absl/strings/match.h"

namespace plumbline {
namespace {

// sys.set_int_max_str_digits' default: int() of a longer text is a ValueError.
constexpr size_t kMaxIntegerDigits = 4300;

class Validator {
 public:
  explicit Validator(absl::string_view text) : text_(text) {}

  PythonJson Run() {
    SkipWhitespace();
    const PythonJson value = Value();
    if (value != PythonJson::kAccepted) return value;
    SkipWhitespace();
    return position_ == text_.size() ? PythonJson::kAccepted : PythonJson::kValueError;
  }

 private:
  bool AtEnd() const { return position_ >= text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[position_]; }
  // The end of the text and a NUL look the same to Peek: only Take tells them apart, and never
  // matches NUL.
  bool Take(char c) {
    if (AtEnd() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  bool TakeWord(absl::string_view word) {
    if (!absl::StartsWith(text_.substr(position_), word)) return false;
    position_ += word.size();
    return true;
  }
  void SkipWhitespace() {
    while (Peek() == ' ' || Peek() == '\t' || Peek() == '\n' || Peek() == '\r') ++position_;
  }

  // A value and everything inside it. open_ holds the containers we are in.
  PythonJson Value() {
    while (true) {
      const PythonJson begun = BeginValue();
      if (begun != PythonJson::kAccepted) return begun;
      if (opened_) continue;
      // A value has ended: close containers until one goes on or none is left.
      while (true) {
        if (open_.empty()) return PythonJson::kAccepted;
        SkipWhitespace();
        if (Take(open_.back() == '{' ? '}' : ']')) {
          open_.pop_back();
          continue;
        }
        if (!Take(',')) return PythonJson::kValueError;
        SkipWhitespace();
        if (open_.back() == '{' && !Key()) return PythonJson::kValueError;
        break;
      }
    }
  }

  // A scalar, an empty container, or the beginning of a container (opened_) up to its first value.
  PythonJson BeginValue() {
    opened_ = false;
    const char c = Peek();
    if (c != '{' && c != '[') {
      return Scalar() ? PythonJson::kAccepted : PythonJson::kValueError;
    }
    if (open_.size() >= kPythonJsonMaxDepth) return PythonJson::kRecursionError;
    ++position_;
    SkipWhitespace();
    if (Take(c == '{' ? '}' : ']')) return PythonJson::kAccepted;
    if (c == '{' && !Key()) return PythonJson::kValueError;
    open_.push_back(c);
    opened_ = true;
    return PythonJson::kAccepted;
  }

  // "key" : with whitespace around the colon.
  bool Key() {
    if (!String()) return false;
    SkipWhitespace();
    if (!Take(':')) return false;
    SkipWhitespace();
    return true;
  }

  bool Scalar() {
    switch (Peek()) {
      case '"':
        return String();
      case 'n':
        return TakeWord("null");
      case 't':
        return TakeWord("true");
      case 'f':
        return TakeWord("false");
      case 'N':
        return TakeWord("NaN");
      case 'I':
        return TakeWord("Infinity");
      default:
        return TakeWord("-Infinity") || Number();
    }
  }

  // Any escape of strict mode; an unpaired surrogate is fine, a raw control character is not.
  bool String() {
    if (!Take('"')) return false;
    while (!AtEnd()) {
      const auto c = static_cast<unsigned char>(text_[position_++]);
      if (c == '"') return true;
      if (c < 0x20) return false;
      if (c == '\\' && !Escape()) return false;
    }
    return false;
  }

  bool Escape() {
    if (AtEnd()) return false;
    const char c = text_[position_++];
    if (c != 'u')
      return c != '\0' && absl::string_view("\"\\/bfnrt").find(c) != absl::string_view::npos;
    for (int i = 0; i < 4; ++i, ++position_) {
      if (AtEnd() || absl::string_view("0123456789abcdefABCDEF").find(text_[position_]) ==
                         absl::string_view::npos) {
        return false;
      }
    }
    return true;
  }

  size_t Digits() {
    const size_t begin = position_;
    while (Peek() >= '0' && Peek() <= '9') ++position_;
    return position_ - begin;
  }

  // -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?, each part taken only when whole, as a regular
  // expression would; the caller sees what is left.
  bool Number() {
    Take('-');
    size_t digits = 1;
    if (!Take('0')) {
      digits = Digits();
      if (digits == 0) return false;
    }
    const bool fraction = Optional([this] { return Take('.') && Digits() > 0; });
    const bool exponent = Optional([this] {
      if (!Take('e') && !Take('E')) return false;
      if (!Take('-')) Take('+');
      return Digits() > 0;
    });
    return fraction || exponent || digits <= kMaxIntegerDigits;
  }

  template <typename Part>
  bool Optional(const Part& part) {
    const size_t begin = position_;
    if (part()) return true;
    position_ = begin;
    return false;
  }

  const absl::string_view text_;
  size_t position_ = 0;
  std::string open_;     // '{' and '[' of the containers around position_
  bool opened_ = false;  // BeginValue stopped in front of a first value
};

}  // namespace

PythonJson PythonJsonLoads(absl::string_view text) { return Validator(text).Run(); }

}  // namespace plumbline
