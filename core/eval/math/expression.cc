#include "core/eval/math/expression.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

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
      if (next->kind == Kind::kNumber || next->name == "digits")
        return std::nullopt;  // "2 3", "x2", "2 3!"
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
    for (absl::string_view begin : {"π", "⌊", "⌈"})
      if (absl::StartsWith(text_, begin)) return true;
    if (text_[0] != '\\') return false;
    for (absl::string_view end :
         {"\\cdot", "\\times", "\\div", "\\rfloor", "\\rceil", "\\rvert", "\\choose", "\\}"})
      if (absl::StartsWith(text_, end)) return false;
    return true;
  }

  Result Power() {
    auto base = Atom();
    if (base.has_value() && Take("!")) {
      const bool digits = base->kind == Kind::kNumber;
      base = Node(Kind::kFactorial, {*std::move(base)}, digits ? "digits" : "");
    }
    if (base.has_value() && Take("^")) {
      auto exponent = Argument();
      if (!exponent.has_value()) return std::nullopt;
      base = Node(Kind::kPower, {*std::move(base), *std::move(exponent)});
    }
    if (Take("!")) return std::nullopt;  // "3!!", "2^3!": what is it of?
    return base;
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

  // A group, or {n \choose k}.
  Result Braced() {
    const int bars = std::exchange(bars_, 0);
    auto value = Sum();
    if (value.has_value() && Take("\\choose")) {
      auto below = Sum();
      if (!below.has_value()) return std::nullopt;
      value = Node(Kind::kBinomial, {*std::move(value), *std::move(below)});
    }
    bars_ = bars;
    if (!value.has_value() || !Take("}")) return std::nullopt;
    return value;
  }

  Result Atom() {
    const Level level(depth_);
    if (TooMuch()) return std::nullopt;
    if (Take("(")) return Bracketed(")");
    if (Take("[")) return Bracketed("]");
    if (Take("{")) return Braced();
    for (const auto& [open, close, kind] :
         {std::tuple<const char*, const char*, Kind>{"\\lfloor", "\\rfloor", Kind::kFloor},
          {"⌊", "⌋", Kind::kFloor},
          {"\\lceil", "\\rceil", Kind::kCeiling},
          {"⌈", "⌉", Kind::kCeiling}}) {
      if (!Take(open)) continue;
      auto value = Bracketed(close);
      if (!value.has_value()) return std::nullopt;
      return Node(kind, {*std::move(value)});
    }
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
    if (points == 1 && Take("\\overline")) return Repeating(std::move(digits));
    return Number(std::move(digits));
  }

  // The digits that repeat behind `digits`: 0.1\overline{6} is 0.1 + 6/90.
  Result Repeating(std::string digits) {
    if (!Take("{")) return std::nullopt;
    std::string period;
    while (!text_.empty() && IsDigit(text_[0]) && period.size() < 100) period += TakeOne();
    if (period.empty() || !Take("}")) return std::nullopt;
    const size_t decimals = digits.size() - digits.find('.') - 1;
    Expression denominator = Number(std::string(period.size(), '9') + std::string(decimals, '0'));
    return Node(Kind::kSum, {Number(digits + "0"),
                             Node(Kind::kQuotient, {Number(period), std::move(denominator)})});
  }

  Result Letter() {
    std::string name = TakeOne();
    if (Take("_")) return std::nullopt;  // an index: not ours to read
    if (name == "e") return Node(Kind::kE, {});
    if (name == "i") return Node(Kind::kI, {});
    return Node(Kind::kVariable, {}, std::move(name));
  }

  Result Command() {
    for (const auto& [command, kind] : {std::pair<const char*, Kind>{"\\frac", Kind::kQuotient},
                                        {"\\dfrac", Kind::kQuotient},
                                        {"\\tfrac", Kind::kQuotient},
                                        {"\\cfrac", Kind::kQuotient},
                                        {"\\binom", Kind::kBinomial},
                                        {"\\dbinom", Kind::kBinomial},
                                        {"\\tbinom", Kind::kBinomial}}) {
      if (!Take(command)) continue;
      auto top = Argument();
      if (!top.has_value()) return std::nullopt;
      auto bottom = Argument();
      if (!bottom.has_value()) return std::nullopt;
      return Node(kind, {*std::move(top), *std::move(bottom)},
                  kind == Kind::kQuotient ? "frac" : "");
    }
    if (Take("\\sqrt")) return Root();
    if (Take("\\pi")) return Node(Kind::kPi, {});
    if (Take("\\log")) return Logarithm();
    for (absl::string_view name : kFunctions) {
      if (TakeCommand(name)) return Function(std::string(name));
    }
    for (absl::string_view name : kGreek) {
      if (TakeCommand(name)) return Node(Kind::kVariable, {}, absl::StrCat("\\", name));
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

}  // namespace

std::optional<Expression> ParseExpression(absl::string_view latex) {
  if (latex.size() > 4096) return std::nullopt;
  return Parser(latex).Run();
}

}  // namespace plumbline::math
