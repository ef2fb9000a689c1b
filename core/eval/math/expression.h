// LaTeX expressions as trees, and their values. Internal to core/eval/math.
#ifndef PLUMBLINE_CORE_EVAL_MATH_EXPRESSION_H_
#define PLUMBLINE_CORE_EVAL_MATH_EXPRESSION_H_

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace plumbline::math {

using Real = boost::multiprecision::cpp_bin_float_100;
using Rational = boost::multiprecision::cpp_rational;

struct Complex {
  Real re = 0, im = 0;
};

inline constexpr int kMaxFactorial = 2000;

struct Expression {
  enum Kind {
    kNumber,    // digits with at most one point: `name`
    kVariable,  // `name`: a letter, or a command like "\theta"
    kPi,
    kE,
    kI,
    kSum,       // all of `parts`
    kNegative,  // of the one part
    kProduct,   // of all parts
    kQuotient,  // of two
    kPower,     // of two
    kRoot,      // parts[1]-th root of parts[0]
    kAbsolute,
    kFactorial,  // of a whole number from 0 to kMaxFactorial, elsewhere not defined
    kBinomial,   // parts[0] over the whole number parts[1], from 0 to kMaxFactorial
    kFloor,
    kCeiling,
    kFunction,  // `name` of the one part; "log" of two: to the base parts[1]
  } kind = kNumber;
  std::string name;
  std::vector<Expression> parts;
};

// nullopt for what is not one whole expression of these kinds.
std::optional<Expression> ParseExpression(absl::string_view latex);

// The value where a letter's is a function of its name and of `point`. nullopt where it is not
// defined (a division by zero, a logarithm of zero) or leaves the range of numbers.
std::optional<Complex> Evaluate(const Expression& expression, int point);

// The exact value of an expression without letters, constants, roots and functions. nullopt for
// any other, where it is not defined, and beyond some 30,000 digits.
std::optional<Rational> EvaluateExactly(const Expression& expression);

}  // namespace plumbline::math

#endif  // PLUMBLINE_CORE_EVAL_MATH_EXPRESSION_H_
