// The values of expressions: complex numbers of 100 digits, principal branches.
#include <algorithm>
#include <boost/math/constants/constants.hpp>

#include "absl/strings/match.h"
#include "core/eval/math/expression.h"
#include "core/eval/stats/random.h"

namespace plumbline::math {
namespace {

using Kind = Expression::Kind;

bool IsFinite(const Complex& z) {
  using boost::multiprecision::isfinite;
  return isfinite(z.re) && isfinite(z.im);
}
bool IsZero(const Complex& z) { return z.re == 0 && z.im == 0; }

Complex Times(const Complex& a, const Complex& b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
std::optional<Complex> Over(const Complex& a, const Complex& b) {
  const Real size = b.re * b.re + b.im * b.im;
  if (size == 0) return std::nullopt;
  return Complex{(a.re * b.re + a.im * b.im) / size, (a.im * b.re - a.re * b.im) / size};
}
Real Size(const Complex& z) { return sqrt(z.re * z.re + z.im * z.im); }

std::optional<Complex> Log(const Complex& z) {
  if (IsZero(z)) return std::nullopt;
  return Complex{log(Size(z)), atan2(z.im, z.re)};
}
std::optional<Complex> Exp(const Complex& z) {
  if (abs(z.re) > 10000) return std::nullopt;
  const Real size = exp(z.re);
  if (z.im == 0) return Complex{size, 0};
  return Complex{size * cos(z.im), size * sin(z.im)};
}

// Whole exponents by multiplication: exact, and a negative base stays real.
std::optional<Complex> WholePower(Complex base, int exponent) {
  Complex result{1, 0};
  for (unsigned n = static_cast<unsigned>(exponent < 0 ? -exponent : exponent); n > 0; n /= 2) {
    if (n % 2 == 1) result = Times(result, base);
    base = Times(base, base);
    if (!IsFinite(result)) return std::nullopt;
  }
  return exponent < 0 ? Over({1, 0}, result) : std::optional<Complex>(result);
}

std::optional<Complex> Power(const Complex& base, const Complex& exponent) {
  const bool real = exponent.im == 0 && abs(exponent.re) <= 100000;
  if (real && exponent.re == floor(exponent.re))
    return WholePower(base, exponent.re.convert_to<int>());
  if (IsZero(base)) return exponent.re > 0 ? std::optional<Complex>(Complex{}) : std::nullopt;
  if (real && exponent.re == Real(0.5) && base.im == 0) {
    const Real root = sqrt(abs(base.re));
    return base.re < 0 ? Complex{0, root} : Complex{root, 0};
  }
  const auto logarithm = Log(base);
  return Exp(Times(exponent, *logarithm));
}

// sin and cos through exponentials; for real arguments directly.
std::optional<Complex> Sine(const Complex& z, bool cosine) {
  if (z.im == 0) return Complex{cosine ? cos(z.re) : sin(z.re), 0};
  const auto plus = Exp({-z.im, z.re}), minus = Exp({z.im, -z.re});
  if (!plus.has_value() || !minus.has_value()) return std::nullopt;
  if (cosine) return Complex{(plus->re + minus->re) / 2, (plus->im + minus->im) / 2};
  return Complex{(plus->im - minus->im) / 2, (minus->re - plus->re) / 2};
}

std::optional<Complex> Hyperbolic(const Complex& z, bool cosine) {
  const auto plus = Exp(z), minus = Exp({-z.re, -z.im});
  if (!plus.has_value() || !minus.has_value()) return std::nullopt;
  const int sign = cosine ? 1 : -1;
  return Complex{(plus->re + sign * minus->re) / 2, (plus->im + sign * minus->im) / 2};
}

std::optional<Complex> Apply(const std::string& name, const Complex& z) {
  if (name == "ln") return Log(z);
  if (name == "exp") return Exp(z);
  if (name == "sin") return Sine(z, false);
  if (name == "cos") return Sine(z, true);
  if (name == "sinh") return Hyperbolic(z, false);
  if (name == "cosh") return Hyperbolic(z, true);
  if (absl::StartsWith(name, "arc")) {  // of real arguments where they are real
    if (z.im != 0 || (name != "arctan" && abs(z.re) > 1)) return std::nullopt;
    return Complex{name == "arctan" ? atan(z.re) : name == "arcsin" ? asin(z.re) : acos(z.re), 0};
  }
  const bool hyperbolic = name == "tanh";
  const auto sine = hyperbolic ? Hyperbolic(z, false) : Sine(z, false);
  const auto cosine = hyperbolic ? Hyperbolic(z, true) : Sine(z, true);
  if (!sine.has_value() || !cosine.has_value()) return std::nullopt;
  if (name == "cot") return Over(*cosine, *sine);
  if (name == "sec") return Over({1, 0}, *cosine);
  if (name == "csc") return Over({1, 0}, *sine);
  return Over(*sine, *cosine);
}

// A letter's value: a rational between 1/2 and 3, of a sign of its own at each point.
Complex ValueOf(const std::string& name, int point) {
  uint64_t seed = 0x706c756d62ULL + static_cast<uint64_t>(point);
  for (const char c : name) seed = seed * 1099511628211ULL + static_cast<unsigned char>(c);
  CounterRandom random(seed);
  const uint64_t numerator = random.Next() >> 24, sign = random.Next() >> 63;
  Real value = Real(0.5) + Real(numerator) * Real(2.5) / Real(uint64_t{1} << 40);
  return {sign == 1 ? Real(-value) : value, 0};
}

// The whole number that a value is, to the 60 digits that make two values one.
std::optional<Real> Whole(const Complex& z) {
  static const Real tolerance("1e-60");
  const Real nearest = floor(z.re + Real(0.5));
  if (abs(z.im) > tolerance || abs(z.re - nearest) > tolerance) return std::nullopt;
  return nearest;
}

std::optional<int> WholeUpTo(const Complex& z, int most) {
  const auto whole = Whole(z);
  if (!whole.has_value() || *whole < 0 || *whole > most) return std::nullopt;
  return whole->convert_to<int>();
}

std::optional<Complex> Factorial(const Complex& z) {
  const auto n = WholeUpTo(z, kMaxFactorial);
  if (!n.has_value()) return std::nullopt;
  Real value = 1;
  for (int i = 2; i <= *n; ++i) value *= i;
  return Complex{value, 0};
}

// n (n-1) … (n-k+1) / k!, for any n.
std::optional<Complex> Binomial(const Complex& n, const Complex& below) {
  const auto k = WholeUpTo(below, kMaxFactorial);
  if (!k.has_value()) return std::nullopt;
  Complex value{1, 0};
  for (int i = 0; i < *k; ++i) {
    value = Times(value, {n.re - i, n.im});
    value = {value.re / (i + 1), value.im / (i + 1)};
  }
  return value;
}

std::optional<Complex> Rounded(const Complex& z, bool up) {
  if (z.im != 0) return std::nullopt;
  const auto whole = Whole(z);
  if (whole.has_value()) return Complex{*whole, 0};
  return Complex{up ? ceil(z.re) : floor(z.re), 0};
}

// Where a hair's breadth decides, so that fractions are taken exactly: 3 - 10^{-150} is below 3.
bool HasSteps(Kind kind) {
  return kind == Kind::kFactorial || kind == Kind::kBinomial || kind == Kind::kFloor ||
         kind == Kind::kCeiling;
}

Real RealOf(const Rational& value) { return Real(numerator(value)) / Real(denominator(value)); }

}  // namespace

std::optional<Complex> Evaluate(const Expression& expression, int point) {
  if (HasSteps(expression.kind)) {
    const auto exact = EvaluateExactly(expression);
    if (exact.has_value()) return Complex{RealOf(*exact), 0};
    // Of parts that are fractions it is not defined.
    if (std::all_of(expression.parts.begin(), expression.parts.end(),
                    [](const Expression& part) { return EvaluateExactly(part).has_value(); })) {
      return std::nullopt;
    }
  }
  std::vector<Complex> parts;
  for (const Expression& part : expression.parts) {
    const auto value = Evaluate(part, point);
    if (!value.has_value()) return std::nullopt;
    parts.push_back(*value);
  }
  std::optional<Complex> result;
  switch (expression.kind) {
    case Kind::kNumber:
      result =
          Complex{Real(expression.name[0] == '.' ? "0" + expression.name : expression.name), 0};
      break;
    case Kind::kVariable:
      result = ValueOf(expression.name, point);
      break;
    case Kind::kPi:
      result = Complex{boost::math::constants::pi<Real>(), 0};
      break;
    case Kind::kE:
      result = Complex{boost::math::constants::e<Real>(), 0};
      break;
    case Kind::kI:
      result = Complex{0, 1};
      break;
    case Kind::kSum:
      result = Complex{};
      for (const Complex& part : parts)
        result = Complex{result->re + part.re, result->im + part.im};
      break;
    case Kind::kNegative:
      result = Complex{-parts[0].re, -parts[0].im};
      break;
    case Kind::kProduct:
      result = Complex{1, 0};
      for (const Complex& part : parts) result = Times(*result, part);
      break;
    case Kind::kQuotient:
      result = Over(parts[0], parts[1]);
      break;
    case Kind::kPower:
      result = Power(parts[0], parts[1]);
      break;
    case Kind::kRoot: {
      const auto exponent = Over({1, 0}, parts[1]);
      // An odd root of a negative number is the real one, as school writes it.
      const bool odd = parts[1].im == 0 && parts[1].re == floor(parts[1].re) &&
                       fmod(abs(parts[1].re), Real(2)) == 1;
      if (exponent.has_value() && odd && parts[0].im == 0 && parts[0].re < 0) {
        result = Power({-parts[0].re, 0}, *exponent);
        if (result.has_value()) result->re = -result->re;
      } else if (exponent.has_value()) {
        result = Power(parts[0], *exponent);
      }
      break;
    }
    case Kind::kAbsolute:
      result = Complex{Size(parts[0]), 0};
      break;
    case Kind::kFactorial:
      result = Factorial(parts[0]);
      break;
    case Kind::kBinomial:
      result = Binomial(parts[0], parts[1]);
      break;
    case Kind::kFloor:
    case Kind::kCeiling:
      result = Rounded(parts[0], expression.kind == Kind::kCeiling);
      break;
    case Kind::kFunction:
      if (expression.name != "log") {
        result = Apply(expression.name, parts[0]);
      } else {
        result = Log(parts[0]);
        const auto base = parts.size() > 1 ? Log(parts[1]) : std::optional<Complex>();
        if (parts.size() > 1)
          result = result.has_value() && base.has_value() ? Over(*result, *base) : std::nullopt;
      }
      break;
  }
  if (!result.has_value() || !IsFinite(*result)) return std::nullopt;
  return result;
}

}  // namespace plumbline::math
