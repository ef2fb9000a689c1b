#include "core/eval/math/expression.h"

#include <algorithm>
#include <array>
#include <boost/math/constants/constants.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "core/eval/stats/random.h"

namespace plumbline::math {
namespace {

using Kind = Expression::Kind;

constexpr int kMaxDepth = 40;
constexpr int kMaxNodes = 2000;

constexpr std::array<absl::string_view, 14> kFunctions = {
    "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "sin",
    "cos",    "tan",    "cot",    "sec",  "csc",  "ln",   "exp"};
constexpr std::array<absl::string_view, 24> kGreek = {
    "alpha", "beta",  "gamma",  "delta", "epsilon", "zeta",   "eta",   "theta",
    "iota",  "kappa", "lambda", "mu",    "nu",      "xi",     "rho",   "sigma",
    "tau",   "phi",   "chi",    "psi",   "omega",   "varphi", "Delta", "Omega"};

bool IsLetter(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }
bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

Expression Node(Kind kind, std::vector<Expression> parts, std::string name = "") {
  return {kind, std::move(name), std::move(parts)};
}
Expression Number(std::string digits) { return Node(Kind::kNumber, {}, std::move(digits)); }

// A recursive descent. Juxtaposition binds tighter than "/" (1/2x is 1/(2x)), as in lm-eval's
// parser. Every rule returns nullopt where the text does not fit.
class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  std::optional<Expression> Run() {
    auto sum = Sum();
    Skip();
    if (!text_.empty()) return std::nullopt;
    return sum;
  }

 private:
  using Result = std::optional<Expression>;

  class Level {
   public:
    explicit Level(int& depth) : depth_(depth) { ++depth_; }
    ~Level() { --depth_; }

   private:
    int& depth_;
  };

  void Skip() {
    bool again = true;
    while (again) {
      text_ = absl::StripLeadingAsciiWhitespace(text_);
      again = false;
      for (absl::string_view nothing : {"\\,", "\\;", "\\!", "\\:", "\\ ", "\\quad", "~"})
        again = absl::ConsumePrefix(&text_, nothing) || again;
      for (absl::string_view size : {"\\left", "\\right", "\\displaystyle", "\\bigl", "\\bigr"})
        again = TakeCommand(size.substr(1)) || again;
    }
  }
  // "\name" with no letter behind it.
  bool TakeCommand(absl::string_view name) {
    if (text_.size() <= name.size() || text_[0] != '\\' || text_.substr(1, name.size()) != name)
      return false;
    const absl::string_view rest = text_.substr(name.size() + 1);
    if (!rest.empty() && IsLetter(rest[0])) return false;
    text_ = rest;
    return true;
  }
  bool Take(absl::string_view token) {
    Skip();
    return token[0] == '\\' && token.size() > 1 && IsLetter(token[1])
               ? TakeCommand(token.substr(1))
               : absl::ConsumePrefix(&text_, token);
  }
  bool TooMuch() { return depth_ > kMaxDepth || ++nodes_ > kMaxNodes; }

  Result Sum() {
    const Level level(depth_);
    if (TooMuch()) return std::nullopt;
    auto first = Term();
    if (!first.has_value()) return first;
    std::vector<Expression> parts;
    parts.push_back(*std::move(first));
    while (true) {
      const bool plus = Take("+");
      if (!plus && !Take("-") && !Take("−")) break;
      auto next = Term();
      if (!next.has_value()) return std::nullopt;
      parts.push_back(plus ? *std::move(next) : Node(Kind::kNegative, {*std::move(next)}));
    }
    if (parts.size() == 1) return std::move(parts[0]);
    return Node(Kind::kSum, std::move(parts));
  }

  Result Term() {
    auto left = Signed();
    while (left.has_value()) {
      const bool times = Take("*") || Take("\\cdot") || Take("\\times") || Take("×") || Take("·");
      if (!times && !Take("/") && !Take("\\div") && !Take("÷")) return left;
      auto right = Signed();
      if (!right.has_value()) return std::nullopt;
      left = Node(times ? Kind::kProduct : Kind::kQuotient, {*std::move(left), *std::move(right)});
    }
    return left;
  }

  Result Signed() {
    const Level level(depth_);
    if (TooMuch()) return std::nullopt;
    if (Take("-") || Take("−")) {
      auto value = Signed();
      if (!value.has_value()) return value;
      return Node(Kind::kNegative, {*std::move(value)});
    }
    if (Take("+")) return Signed();
    return Juxtaposed();
  }

  // Factors side by side.
  Result Juxtaposed() {
    auto first = Power();
    if (!first.has_value()) return first;
    std::vector<Expression> parts;
    parts.push_back(*std::move(first));
    while (StartsFactor()) {
      const bool after_integer = parts.size() == 1 && parts[0].kind == Kind::kNumber &&
                                 !absl::StrContains(parts[0].name, ".");
      auto next = Power();
      if (!next.has_value()) return std::nullopt;
      if (next->kind == Kind::kNumber) return std::nullopt;  // "2 3", "x2"
      const bool fraction = next->kind == Kind::kQuotient && next->name == "frac" &&
                            next->parts[0].kind == Kind::kNumber &&
                            next->parts[1].kind == Kind::kNumber;
      if (after_integer && fraction) {  // a mixed number
        parts[0] = Node(Kind::kSum, {std::move(parts[0]), *std::move(next)});
      } else {
        parts.push_back(*std::move(next));
      }
    }
    if (parts.size() == 1) return std::move(parts[0]);
    return Node(Kind::kProduct, std::move(parts));
  }

  bool StartsFactor() {
    Skip();
    if (text_.empty()) return false;
    if (absl::StrContains("([{", text_.substr(0, 1)) || IsLetter(text_[0]) || IsDigit(text_[0]))
      return true;
    if (text_[0] == '|') return bars_ == 0;
    if (absl::StartsWith(text_, "π")) return true;
    if (text_[0] != '\\') return false;
    for (absl::string_view end : {"\\cdot", "\\times", "\\div", "\\rfloor", "\\rvert", "\\}"})
      if (absl::StartsWith(text_, end)) return false;
    return true;
  }

  Result Power() {
    auto base = Atom();
    if (!base.has_value()) return base;
    return Raised(*std::move(base));
  }
  Result Raised(Expression base) {
    if (!Take("^")) return base;
    auto exponent = Argument();
    if (!exponent.has_value()) return std::nullopt;
    return Node(Kind::kPower, {std::move(base), *std::move(exponent)});
  }

  // What a command or "^" takes: a group in braces, or one token.
  Result Argument() {
    if (Take("{")) {
      auto value = Sum();
      if (!value.has_value() || !Take("}")) return std::nullopt;
      return value;
    }
    Skip();
    if (text_.empty()) return std::nullopt;
    if (IsDigit(text_[0])) return Number(TakeOne());
    return Atom();
  }
  std::string TakeOne() {
    std::string one(text_.substr(0, 1));
    text_.remove_prefix(1);
    return one;
  }

  Result Bracketed(absl::string_view close) {
    const int bars = std::exchange(bars_, 0);
    auto value = Sum();
    bars_ = bars;
    if (!value.has_value() || !Take(close)) return std::nullopt;
    return value;
  }

  Result Atom() {
    const Level level(depth_);
    if (TooMuch()) return std::nullopt;
    if (Take("(")) return Bracketed(")");
    if (Take("[")) return Bracketed("]");
    if (Take("{")) return Bracketed("}");
    if (bars_ == 0 && Take("|")) {
      ++bars_;
      auto value = Sum();
      --bars_;
      if (!value.has_value() || !Take("|")) return std::nullopt;
      return Node(Kind::kAbsolute, {*std::move(value)});
    }
    Skip();
    if (text_.empty()) return std::nullopt;
    if (IsDigit(text_[0]) || text_[0] == '.') return Digits();
    if (absl::ConsumePrefix(&text_, "π")) return Node(Kind::kPi, {});
    if (IsLetter(text_[0])) return Letter();
    return Command();
  }

  Result Digits() {
    std::string digits;
    int points = 0;
    while (!text_.empty() && (IsDigit(text_[0]) || text_[0] == '.')) {
      points += text_[0] == '.';
      digits += TakeOne();
    }
    if (points > 1 || digits == "." || digits.size() > 200) return std::nullopt;
    return Number(std::move(digits));
  }

  Result Letter() {
    std::string name = TakeOne();
    if (Take("_")) return std::nullopt;  // an index: not ours to read
    if (name == "e") return Node(Kind::kE, {});
    if (name == "i") return Node(Kind::kI, {});
    return Node(Kind::kVariable, {}, std::move(name));
  }

  Result Command() {
    for (absl::string_view frac : {"\\frac", "\\dfrac", "\\tfrac", "\\cfrac"}) {
      if (!Take(frac)) continue;
      auto top = Argument();
      if (!top.has_value()) return std::nullopt;
      auto bottom = Argument();
      if (!bottom.has_value()) return std::nullopt;
      return Node(Kind::kQuotient, {*std::move(top), *std::move(bottom)}, "frac");
    }
    if (Take("\\sqrt")) return Root();
    if (Take("\\pi")) return Node(Kind::kPi, {});
    if (Take("\\log")) return Logarithm();
    for (absl::string_view name : kFunctions) {
      if (TakeCommand(name)) return Function(std::string(name));
    }
    for (absl::string_view name : kGreek) {
      if (TakeCommand(name)) return Node(Kind::kVariable, {}, "\\" + std::string(name));
    }
    return std::nullopt;
  }

  Result Root() {
    Expression degree = Number("2");
    if (Take("[")) {
      auto read = Bracketed("]");
      if (!read.has_value()) return std::nullopt;
      degree = *std::move(read);
    }
    auto value = Argument();
    if (!value.has_value()) return std::nullopt;
    return Node(Kind::kRoot, {*std::move(value), std::move(degree)});
  }

  Result Logarithm() {
    std::vector<Expression> parts(1);
    if (Take("_")) {
      auto base = Argument();
      if (!base.has_value()) return std::nullopt;
      parts.push_back(*std::move(base));
    }
    auto value = FunctionArgument();
    if (!value.has_value()) return std::nullopt;
    parts[0] = *std::move(value);
    return Node(Kind::kFunction, std::move(parts), "log");
  }

  // sin x, sin(x), sin^2 x, sin 2x.
  Result Function(std::string name) {
    Result exponent;
    if (Take("^")) {
      exponent = Argument();
      if (!exponent.has_value() || exponent->kind == Kind::kNegative) return std::nullopt;
    }
    auto value = FunctionArgument();
    if (!value.has_value()) return std::nullopt;
    Expression applied = Node(Kind::kFunction, {*std::move(value)}, std::move(name));
    if (!exponent.has_value()) return applied;
    return Node(Kind::kPower, {std::move(applied), *std::move(exponent)});
  }
  Result FunctionArgument() {
    Skip();
    if (Take("(")) return Bracketed(")");
    return Juxtaposed();
  }

  absl::string_view text_;
  int depth_ = 0;
  int nodes_ = 0;
  int bars_ = 0;  // open "|"
};

// -- Values ------------------------------------------------------------------------------------

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

}  // namespace

std::optional<Expression> ParseExpression(absl::string_view latex) {
  if (latex.size() > 4096) return std::nullopt;
  return Parser(latex).Run();
}

std::optional<Complex> Evaluate(const Expression& expression, int point) {
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
