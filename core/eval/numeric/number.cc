#include "core/eval/numeric/number.h"

#include <array>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace plumbline {
namespace {

using boost::multiprecision::cpp_int;

constexpr size_t kMaxDigits = 1000;
constexpr int kMaxExponent = 1000;
constexpr std::array<absl::string_view, 6> kCurrencies = {"\\$", "$", "€", "£", "¥", "₹"};

bool IsDigit(absl::string_view text, size_t at) {
  return at < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[at]));
}

// Any byte of a non-ASCII character counts as a letter, save those of the signs we know.
bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return absl::ascii_isalnum(byte) || c == '_';
}

size_t DigitsEnd(absl::string_view text, size_t at) {
  while (IsDigit(text, at)) ++at;
  return at;
}

// Digits with or without thousands separators from `at`; `digits` gets them without.
size_t ReadInteger(absl::string_view text, size_t at, std::string& digits) {
  size_t end = DigitsEnd(text, at);
  digits.assign(text.data() + at, end - at);
  if (digits.empty() || digits.size() > 3) return end;
  while (end < text.size() && text[end] == ',' && DigitsEnd(text, end + 1) == end + 4) {
    absl::StrAppend(&digits, text.substr(end + 1, 3));
    end += 4;
  }
  return end;
}

cpp_int PowerOfTen(int exponent) { return boost::multiprecision::pow(cpp_int(10), exponent); }

cpp_int ToInteger(absl::string_view digits) {
  const size_t first = digits.find_first_not_of('0');
  if (first == absl::string_view::npos) return 0;
  return cpp_int(std::string(digits.substr(first)));  // a leading 0 would mean octal
}

// Reads an unsigned number whose digits (or ".digits") begin at `at`. Returns its end, or `at` when
// there is none.
size_t ReadUnsigned(absl::string_view text, size_t at, ExactNumber& number) {
  std::string whole, fraction;
  size_t end = ReadInteger(text, at, whole);
  const bool grouped = end - at != whole.size();
  if (end < text.size() && text[end] == '.' && IsDigit(text, end + 1)) {
    const size_t fraction_end = DigitsEnd(text, end + 1);
    fraction = std::string(text.substr(end + 1, fraction_end - end - 1));
    end = fraction_end;
  }
  if (whole.empty() && fraction.empty()) return at;
  if (whole.size() + fraction.size() > kMaxDigits) return at;
  number.numerator = ToInteger(whole + fraction);
  number.denominator = PowerOfTen(static_cast<int>(fraction.size()));
  number.text = whole.empty() ? "0" : whole;
  if (!fraction.empty()) absl::StrAppend(&number.text, ".", fraction);

  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    size_t from = end + 1;
    if (from < text.size() && (text[from] == '+' || text[from] == '-')) ++from;
    const size_t exponent_end = DigitsEnd(text, from);
    int exponent = 0;
    const bool attached = exponent_end < text.size() && IsWordByte(text[exponent_end]);
    if (exponent_end > from && !attached &&
        absl::SimpleAtoi(absl::StripPrefix(text.substr(end + 1, exponent_end - end - 1), "+"),
                         &exponent) &&
        std::abs(exponent) <= kMaxExponent) {
      (exponent >= 0 ? number.numerator : number.denominator) *= PowerOfTen(std::abs(exponent));
      absl::StrAppend(&number.text, "e", exponent);
      return exponent_end;
    }
  }
  if (fraction.empty() && !grouped && end < text.size() && text[end] == '/' &&
      IsDigit(text, end + 1)) {
    const size_t denominator_end = DigitsEnd(text, end + 1);
    const absl::string_view denominator = text.substr(end + 1, denominator_end - end - 1);
    const bool plain = denominator_end >= text.size() ||
                       (text[denominator_end] != '/' && text[denominator_end] != ',' &&
                        !(text[denominator_end] == '.' && IsDigit(text, denominator_end + 1)));
    const cpp_int value = denominator.size() <= kMaxDigits ? ToInteger(denominator) : cpp_int(0);
    if (plain && value > 0) {
      number.denominator = value;
      absl::StrAppend(&number.text, "/", denominator);
      return denominator_end;
    }
  }
  return end;
}

bool StripSuffixOf(absl::string_view& text, absl::string_view suffix) {
  return absl::ConsumeSuffix(&text, suffix);
}

// Whether what stands in front of a number makes it negative: a currency sign and spaces between it
// and the sign do not matter ("-$5", "$-5", "−5").
bool IsNegative(absl::string_view before) {
  auto strip_sign = [](absl::string_view& text) {
    return StripSuffixOf(text, "-") || StripSuffixOf(text, "−");
  };
  bool negative = strip_sign(before);
  for (absl::string_view currency : kCurrencies) {
    if (StripSuffixOf(before, currency)) break;
  }
  if (!negative) negative = strip_sign(before);
  if (!negative || before.empty()) return negative;
  const char previous = before.back();
  return !IsWordByte(previous) && previous != ')' && previous != ']' && previous != '}' &&
         previous != '-';
}

// The next number at or behind *at; *at moves behind it.
std::optional<ExactNumber> NextNumber(absl::string_view text, size_t* at) {
  while (*at < text.size()) {
    const size_t begin = *at;
    const bool starts = IsDigit(text, begin) || (text[begin] == '.' && IsDigit(text, begin + 1));
    if (!starts) {
      ++*at;
      continue;
    }
    if (begin > 0 &&
        (IsWordByte(text[begin - 1]) || (text[begin] == '.' && text[begin - 1] == '.'))) {
      // Part of a word ("x2", "v1.5"), or of an ellipsis.
      *at = DigitsEnd(text, begin + 1);
      while (IsWordByte(text[begin - 1]) && *at < text.size() && text[*at] == '.' &&
             IsDigit(text, *at + 1)) {
        *at = DigitsEnd(text, *at + 1);
      }
      if (text[begin] == '.' && text[begin - 1] == '.') *at = begin + 1;
      continue;
    }
    ExactNumber number;
    const size_t end = ReadUnsigned(text, begin, number);
    if (end == begin) {  // too long
      *at = DigitsEnd(text, begin + 1);
      continue;
    }
    *at = end;
    if (IsNegative(text.substr(0, begin))) {
      number.numerator = -number.numerator;
      number.text = absl::StrCat("-", number.text);
    }
    return number;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ExactNumber> FindAnswerNumber(absl::string_view text) {
  const size_t mark = text.rfind("####");
  if (mark != absl::string_view::npos) {
    size_t at = mark + 4;
    std::optional<ExactNumber> marked = NextNumber(text, &at);
    if (marked.has_value()) return marked;
  }
  std::optional<ExactNumber> last;
  size_t at = 0;
  while (std::optional<ExactNumber> number = NextNumber(text, &at)) last = std::move(number);
  return last;
}

absl::StatusOr<ExactNumber> ParseExactNumber(absl::string_view text) {
  const absl::string_view whole = absl::StripAsciiWhitespace(text);
  const bool negative = absl::StartsWith(whole, "-");
  const absl::string_view digits = absl::StripPrefix(whole, "-");
  ExactNumber number;
  if (digits.empty() || ReadUnsigned(digits, 0, number) != digits.size()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not a number"));
  }
  if (negative) number.numerator = -number.numerator;
  return number;
}

bool NumbersMatch(const ExactNumber& a, const ExactNumber& b, const ExactNumber& absolute,
                  const ExactNumber& relative) {
  // |a - b| <= t  <=>  |a.n·b.d - b.n·a.d| · t.d <= t.n · a.d · b.d
  const cpp_int distance =
      boost::multiprecision::abs(a.numerator * b.denominator - b.numerator * a.denominator);
  const cpp_int scale = a.denominator * b.denominator;
  if (distance * absolute.denominator <= absolute.numerator * scale) return true;
  return distance * relative.denominator * b.denominator <=
         relative.numerator * boost::multiprecision::abs(b.numerator) * scale;
}

}  // namespace plumbline
