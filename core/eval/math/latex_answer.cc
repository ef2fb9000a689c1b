#include "core/eval/math/latex_answer.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

using boost::multiprecision::cpp_int;

// -- hendrycks_math's normalisation. nullopt stands for a Python exception. --------------------

// The first character of UTF-8 text.
absl::string_view FirstCharacter(absl::string_view text) { return python::Slice(text, 0, 1); }

std::optional<std::string> FixFractions(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, "\\frac");
  std::string result = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) {
    const absl::string_view part = parts[i];
    absl::StrAppend(&result, "\\frac");
    if (part.empty()) return std::nullopt;
    if (part[0] == '{') {
      absl::StrAppend(&result, part);
      continue;
    }
    const absl::string_view a = FirstCharacter(part);
    const absl::string_view rest = part.substr(a.size());
    if (rest.empty()) return text;
    const absl::string_view b = FirstCharacter(rest);
    const absl::string_view behind = rest.substr(b.size());
    if (b == "{") {
      absl::StrAppend(&result, "{", a, "}", b, behind);
    } else {
      absl::StrAppend(&result, "{", a, "}{", b, "}", behind);
    }
  }
  return result;
}

// int(text) and str() of it; nullopt where int() raises.
std::optional<std::string> CanonicalInteger(absl::string_view text) {
  absl::string_view digits = python::Strip(text);
  const bool negative = absl::ConsumePrefix(&digits, "-");
  if (!negative) absl::ConsumePrefix(&digits, "+");
  if (digits.empty() || digits.front() == '_' || digits.back() == '_') return std::nullopt;
  std::string plain;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] == '_' && digits[i - 1] != '_') continue;
    if (!absl::ascii_isdigit(static_cast<unsigned char>(digits[i]))) return std::nullopt;
    plain += digits[i];
  }
  plain.erase(0, std::min(plain.find_first_not_of('0'), plain.size() - 1));
  return negative && plain != "0" ? absl::StrCat("-", plain) : plain;
}

std::optional<std::string> FixSlash(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  if (parts.size() != 2) return text;
  const auto a = CanonicalInteger(parts[0]);
  const auto b = CanonicalInteger(parts[1]);
  if (!a.has_value() || !b.has_value()) return std::nullopt;
  if (text != absl::StrCat(*a, "/", *b)) return text;
  return absl::StrCat("\\frac{", *a, "}{", *b, "}");
}

std::optional<std::string> FixRoots(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, "\\sqrt");
  std::string result = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].empty()) return std::nullopt;
    if (parts[i][0] == '{') {
      absl::StrAppend(&result, "\\sqrt", parts[i]);
      continue;
    }
    const absl::string_view a = FirstCharacter(parts[i]);
    absl::StrAppend(&result, "\\sqrt{", a, "}", absl::string_view(parts[i]).substr(a.size()));
  }
  return result;
}

void Replace(std::string& text, absl::string_view from, absl::string_view to) {
  text = absl::StrReplaceAll(text, {{from, to}});
}

std::optional<std::string> Normalize(absl::string_view original) {
  std::string text(original);
  Replace(text, "\n", "");
  Replace(text, "\\!", "");
  Replace(text, "\\\\", "\\");
  Replace(text, "tfrac", "frac");
  Replace(text, "dfrac", "frac");
  Replace(text, "\\left", "");
  Replace(text, "\\right", "");
  Replace(text, "^{\\circ}", "");
  Replace(text, "^\\circ", "");
  Replace(text, "\\$", "");
  const std::vector<std::string> units = absl::StrSplit(text, "\\text{ ");
  if (units.size() > 2) return std::nullopt;
  text = std::string(units[0]);
  Replace(text, "\\%", "");
  Replace(text, " .", " 0.");
  Replace(text, "{.", "{0.");
  if (text.empty()) return text;
  if (text[0] == '.') text = absl::StrCat("0", text);
  const std::vector<std::string> sides = absl::StrSplit(text, '=');
  if (sides.size() == 2 && python::Length(sides[0]) <= 2) text = std::string(sides[1]);
  std::optional<std::string> result = FixRoots(text);
  if (!result.has_value()) return result;
  Replace(*result, " ", "");
  result = FixFractions(*result);
  if (!result.has_value()) return result;
  if (*result == "0.5") result = "\\frac{1}{2}";
  return FixSlash(*result);
}

// -- Values: a recursive descent over a plain arithmetic expression. ----------------------------

class ValueReader {
 public:
  explicit ValueReader(absl::string_view text) : text_(text) {}

  std::optional<ExactNumber> Run() {
    auto value = Sum(0);
    Skip();
    if (!value.has_value() || !text_.empty()) return std::nullopt;
    value->text = value->denominator == 1
                      ? value->numerator.str()
                      : absl::StrCat(value->numerator.str(), "/", value->denominator.str());
    return value;
  }

 private:
  static constexpr int kMaxDepth = 50;
  static constexpr unsigned kMaxBits = 100000;

  void Skip() {
    bool again = true;
    while (again) {
      text_ = absl::StripLeadingAsciiWhitespace(text_);
      again = false;
      for (absl::string_view nothing : {"\\,", "\\;", "\\!", "\\:", "\\ ", "\\left", "\\right",
                                        "\\$", "$", "\\%", "%", "^{\\circ}", "^\\circ", "°"}) {
        again = absl::ConsumePrefix(&text_, nothing) || again;
      }
    }
  }
  bool Take(absl::string_view token) {
    Skip();
    return absl::ConsumePrefix(&text_, token);
  }

  static std::optional<ExactNumber> Reduced(cpp_int numerator, cpp_int denominator) {
    if (denominator == 0) return std::nullopt;
    if (denominator < 0) {
      numerator = -numerator;
      denominator = -denominator;
    }
    const cpp_int common = boost::multiprecision::gcd(numerator, denominator);
    ExactNumber result;
    result.numerator = numerator / common;
    result.denominator = denominator / common;
    auto bits = [](const cpp_int& value) -> unsigned {
      const cpp_int size = boost::multiprecision::abs(value);
      return size == 0 ? 0 : static_cast<unsigned>(boost::multiprecision::msb(size));
    };
    if (bits(result.numerator) > kMaxBits || bits(result.denominator) > kMaxBits) {
      return std::nullopt;
    }
    return result;
  }

  std::optional<ExactNumber> Sum(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    auto left = Product(depth);
    while (left.has_value()) {
      const bool plus = Take("+");
      if (!plus && !Take("-") && !Take("−")) return left;
      const auto right = Product(depth);
      if (!right.has_value()) return std::nullopt;
      const cpp_int first = left->numerator * right->denominator;
      const cpp_int second = right->numerator * left->denominator;
      left = Reduced(plus ? cpp_int(first + second) : cpp_int(first - second),
                     left->denominator * right->denominator);
    }
    return left;
  }

  std::optional<ExactNumber> Product(int depth) {
    auto left = Factor(depth);
    while (left.has_value()) {
      const bool times = Take("*") || Take("\\cdot") || Take("\\times") || Take("×");
      const bool over = !times && (Take("/") || Take("\\div") || Take("÷"));
      Skip();
      const bool beside = !times && !over && (text_.rfind("(", 0) == 0);
      if (!times && !over && !beside) return left;
      const auto right = Factor(depth);
      if (!right.has_value()) return std::nullopt;
      left =
          over
              ? Reduced(left->numerator * right->denominator, left->denominator * right->numerator)
              : Reduced(left->numerator * right->numerator, left->denominator * right->denominator);
    }
    return left;
  }

  std::optional<ExactNumber> Factor(int depth) {
    if (depth > kMaxDepth) return std::nullopt;
    if (Take("-") || Take("−")) {
      auto value = Factor(depth + 1);
      if (value.has_value()) value->numerator = -value->numerator;
      return value;
    }
    if (Take("+")) return Factor(depth + 1);
    auto base = Atom(depth);
    if (!base.has_value() || !Take("^")) return base;
    const auto exponent = Argument(depth);
    if (!exponent.has_value() || exponent->denominator != 1 ||
        boost::multiprecision::abs(exponent->numerator) > 64) {
      return std::nullopt;
    }
    const int power = exponent->numerator.convert_to<int>();
    const unsigned size = static_cast<unsigned>(power < 0 ? -power : power);
    cpp_int numerator = boost::multiprecision::pow(base->numerator, size);
    cpp_int denominator = boost::multiprecision::pow(base->denominator, size);
    if (power < 0) std::swap(numerator, denominator);
    return Reduced(std::move(numerator), std::move(denominator));
  }

  // A group in braces, or a single digit.
  std::optional<ExactNumber> Argument(int depth) {
    if (Take("{")) {
      auto value = Sum(depth + 1);
      return value.has_value() && Take("}") ? value : std::nullopt;
    }
    Skip();
    if (text_.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text_[0]))) {
      return std::nullopt;
    }
    ExactNumber digit;
    digit.numerator = text_[0] - '0';
    text_.remove_prefix(1);
    return digit;
  }

  std::optional<ExactNumber> Atom(int depth) {
    if (Take("\\frac") || Take("\\dfrac") || Take("\\tfrac")) {
      const auto top = Argument(depth);
      const auto bottom = Argument(depth);
      if (!top.has_value() || !bottom.has_value()) return std::nullopt;
      return Reduced(top->numerator * bottom->denominator, top->denominator * bottom->numerator);
    }
    for (const auto& [open, close] : {std::pair<const char*, const char*>{"(", ")"}, {"{", "}"}}) {
      if (!Take(open)) continue;
      auto value = Sum(depth + 1);
      return value.has_value() && Take(close) ? value : std::nullopt;
    }
    Skip();
    std::string digits;
    size_t end = 0;
    while (end < text_.size()) {
      const absl::string_view rest = text_.substr(end);
      if (absl::ascii_isdigit(static_cast<unsigned char>(rest[0])) || rest[0] == '.') {
        digits += rest[0];
        ++end;
      } else if (rest[0] == ',' && ThreeDigits(rest.substr(1))) {
        ++end;
      } else if (absl::StartsWith(rest, "{,}") && ThreeDigits(rest.substr(3))) {
        end += 3;
      } else {
        break;
      }
    }
    if (digits.empty() || digits.size() > 1000) return std::nullopt;
    const auto number = ParseExactNumber(digits);
    if (!number.ok()) return std::nullopt;
    text_.remove_prefix(end);
    return Reduced(number->numerator, number->denominator);
  }

  static bool ThreeDigits(absl::string_view text) {
    size_t digits = 0;
    while (digits < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[digits]))) {
      ++digits;
    }
    return digits == 3;
  }

  absl::string_view text_;
};

}  // namespace

std::optional<std::string> LastBoxed(absl::string_view text) {
  const size_t spaced = text.rfind("\\boxed ");
  if (spaced != absl::string_view::npos) {
    const absl::string_view behind = text.substr(spaced + 7);
    return absl::StrCat("\\boxed ", behind.substr(0, behind.find('$')));
  }
  size_t begin = text.rfind("\\boxed");
  if (begin == absl::string_view::npos) begin = text.rfind("\\fbox");
  if (begin == absl::string_view::npos) return std::nullopt;
  int open = 0;
  for (size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '{') ++open;
    if (text[i] == '}' && --open == 0) return std::string(text.substr(begin, i + 1 - begin));
  }
  return std::nullopt;
}

std::optional<std::string> RemoveBoxed(absl::string_view boxed) {
  if (absl::StrContains(boxed, "\\boxed ")) {
    if (!absl::ConsumePrefix(&boxed, "\\boxed ")) return std::nullopt;
    return std::string(boxed);
  }
  if (!absl::ConsumePrefix(&boxed, "\\boxed{") || !absl::ConsumeSuffix(&boxed, "}")) {
    return std::nullopt;
  }
  return std::string(boxed);
}

bool HendrycksEquivalent(absl::string_view a, absl::string_view b) {
  const auto left = Normalize(a);
  if (!left.has_value()) return a == b;
  const auto right = Normalize(b);
  if (!right.has_value()) return a == b;
  return *left == *right;
}

std::optional<ExactNumber> LatexValue(absl::string_view text) {
  absl::string_view expression = absl::StripAsciiWhitespace(text);
  const size_t equals = expression.find('=');
  if (equals != absl::string_view::npos && equals <= 3) {
    if (expression.substr(0, equals).find_first_of("<>!") != absl::string_view::npos) {
      return std::nullopt;  // "x <= 5" is not 5
    }
    expression.remove_prefix(equals + 1);
  }
  while (absl::ConsumeSuffix(&expression, ".") || absl::ConsumeSuffix(&expression, " ")) {
  }
  if (expression.size() > 4096) return std::nullopt;
  return ValueReader(expression).Run();
}

}  // namespace plumbline
