// The values of expressions that are fractions, exactly.
#include <algorithm>
#include <vector>

#include "core/eval/math/expression.h"

namespace plumbline::math {
namespace {

using boost::multiprecision::cpp_int;
using Kind = Expression::Kind;
using Exact = std::optional<Rational>;

constexpr size_t kMaxBits = 100'000;

size_t Bits(const cpp_int& value) { return value == 0 ? 0 : msb(abs(value)) + 1; }
size_t Bits(const Rational& value) {
  return std::max(Bits(numerator(value)), Bits(denominator(value)));
}

Exact Digits(const std::string& text) {
  const size_t point = std::min(text.find('.'), text.size());
  std::string digits = text.substr(0, point);
  if (point < text.size()) digits += text.substr(point + 1);
  // A leading zero would make it octal.
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  const size_t decimals = point < text.size() ? text.size() - point - 1 : 0;
  return Rational(cpp_int(digits), pow(cpp_int(10), static_cast<unsigned>(decimals)));
}

// The value as a whole number from 0 to `most`.
std::optional<int> WholeUpTo(const Rational& value, int most) {
  if (denominator(value) != 1 || value < 0 || value > most) return std::nullopt;
  return numerator(value).convert_to<int>();
}

Exact Power(const Rational& base, const Rational& exponent) {
  const bool negative = exponent < 0;
  const auto size =
      WholeUpTo(negative ? Rational(-exponent) : exponent, static_cast<int>(kMaxBits));
  if (!size.has_value() || Bits(base) * static_cast<size_t>(*size) > kMaxBits) return std::nullopt;
  if (negative && base == 0) return std::nullopt;
  const cpp_int top = pow(numerator(base), static_cast<unsigned>(*size));
  const cpp_int bottom = pow(denominator(base), static_cast<unsigned>(*size));
  return negative ? Rational(bottom, top) : Rational(top, bottom);
}

Exact Factorial(const Rational& value) {
  const auto n = WholeUpTo(value, kMaxFactorial);
  if (!n.has_value()) return std::nullopt;
  cpp_int product = 1;
  for (int i = 2; i <= *n; ++i) product *= i;
  return Rational(product);
}

// n (n-1) … (n-k+1) / k!, for any n.
Exact Binomial(const Rational& n, const Rational& below) {
  const auto k = WholeUpTo(below, kMaxFactorial);
  if (!k.has_value() || Bits(n) * static_cast<size_t>(*k) > kMaxBits) return std::nullopt;
  Rational value = 1;
  for (int i = 0; i < *k; ++i) value = value * (n - i) / (i + 1);
  return value;
}

Exact Rounded(const Rational& value, bool up) {
  cpp_int whole = numerator(value) / denominator(value);  // towards zero
  if (!up && value < whole) --whole;
  if (up && value > whole) ++whole;
  return Rational(whole);
}

Exact Combine(const Expression& expression, const std::vector<Rational>& parts) {
  Rational value = expression.kind == Kind::kProduct ? 1 : 0;
  switch (expression.kind) {
    case Kind::kNumber:
      return Digits(expression.name);
    case Kind::kSum:
      for (const Rational& part : parts) value += part;
      return value;
    case Kind::kNegative:
      return Rational(-parts[0]);
    case Kind::kProduct:
      for (const Rational& part : parts) {
        value *= part;
        if (Bits(value) > kMaxBits) return std::nullopt;
      }
      return value;
    case Kind::kQuotient:
      if (parts[1] == 0) return std::nullopt;
      return Rational(parts[0] / parts[1]);
    case Kind::kPower:
      return Power(parts[0], parts[1]);
    case Kind::kAbsolute:
      return Rational(abs(parts[0]));
    case Kind::kFactorial:
      return Factorial(parts[0]);
    case Kind::kBinomial:
      return Binomial(parts[0], parts[1]);
    case Kind::kFloor:
    case Kind::kCeiling:
      return Rounded(parts[0], expression.kind == Kind::kCeiling);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<Rational> EvaluateExactly(const Expression& expression) {
  std::vector<Rational> parts;
  for (const Expression& part : expression.parts) {
    auto value = EvaluateExactly(part);
    if (!value.has_value()) return std::nullopt;
    parts.push_back(*std::move(value));
  }
  auto value = Combine(expression, parts);
  if (value.has_value() && Bits(*value) > kMaxBits) return std::nullopt;
  return value;
}

}  // namespace plumbline::math
