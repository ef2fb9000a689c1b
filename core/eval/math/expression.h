// LaTeX expressions as trees, and their values. Internal to core/eval/math.
#ifndef PLUMBLINE_CORE_EVAL_MATH_EXPRESSION_H_
#define PLUMBLINE_CORE_EVAL_MATH_EXPRESSION_H_

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace plumbline::math {

using Real = boost::multiprecision::cpp_bin_float_100;

struct Complex {
  Real re = 0, im = 0;
};

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

}  // namespace plumbline::math

#endif  // PLUMBLINE_CORE_EVAL_MATH_EXPRESSION_H_
