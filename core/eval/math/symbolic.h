// Whether two answers in LaTeX are the same mathematics: "\frac{1}{\sqrt{2}}" and
// "\frac{\sqrt{2}}{2}", "(x+1)^2" and "x^2+2x+1", "\{2,1\}" and "\{1,2\}".
//
// There is no computer algebra here. An expression is read into a tree and evaluated: without
// roots, functions and letters exactly, as a fraction (factorials, binomials, floors and ceilings
// too); otherwise at 12 points with 100 digits,
// letters having fixed pseudo-random rational values of either sign, powers and roots their
// principal values among the complex numbers. Two expressions are equal when they agree to 60
// digits at every point where both are defined, and there are 4 such points at least.
//
// What that decides: for polynomials and rational functions with coefficients below 60 digits a
// difference shows at all but a vanishing share of points (Schwartz and Zippel), and equal ones are
// never told apart; sqrt(x^2) is not x, since points are negative too. What it cannot decide:
// numbers or functions that agree to 60 digits without being equal, expressions that are defined
// only where all letters are positive integers (x!), and what does not parse (integrals, sums,
// units in the middle); those are equal only as text.
#ifndef PLUMBLINE_CORE_EVAL_MATH_SYMBOLIC_H_
#define PLUMBLINE_CORE_EVAL_MATH_SYMBOLIC_H_

#include "absl/strings/string_view.h"

namespace plumbline {

// True when both read as the same value or expression, or are structures of equal parts:
//   (a, b), [a, b), …     tuples and intervals: in order, with the same brackets
//   a, b and \{a, b\}     lists and sets: in any order; A \cup B the same
//   \begin{pmatrix}…      row by row; round and square brackets mean the same
//   l = r, l < r, …       side by side; "x = 5" (a letter, or f(x)) also equals "5"
// Currency, per cent, degrees and units in \text{} behind a value do not count; "1\frac{1}{2}" is
// one and a half. Deterministic; bounded: texts of more than 4,096 bytes are never equal, nor what
// is nested deeper than 40.
bool SymbolicallyEqual(absl::string_view a, absl::string_view b);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_MATH_SYMBOLIC_H_
