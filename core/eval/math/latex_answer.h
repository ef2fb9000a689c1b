// Answers of competition mathematics in LaTeX: finding the boxed one, and comparing two.
#ifndef PLUMBLINE_CORE_EVAL_MATH_LATEX_ANSWER_H_
#define PLUMBLINE_CORE_EVAL_MATH_LATEX_ANSWER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/eval/numeric/number.h"

namespace plumbline {

// The last "\boxed{...}", "\boxed ..." or "\fbox{...}" of a text, with the command, as lm-eval's
// hendrycks_math finds it; nullopt without one or where its braces do not close.
std::optional<std::string> LastBoxed(absl::string_view text);
// What is inside; nullopt where lm-eval's assertion would fail.
std::optional<std::string> RemoveBoxed(absl::string_view boxed);

// lm-eval's hendrycks_math is_equiv: both texts normalised (fractions, roots, spaces, units), then
// equal as texts; where its normalisation raises, equal as they are.
bool HendrycksEquivalent(absl::string_view a, absl::string_view b);

// The value of an answer that is a plain arithmetic expression: numbers (with thousands
// separators),
// + - * / ^ with integer exponents up to 64, \frac \dfrac \tfrac, \cdot \times \div, brackets, a
// degree or per cent sign or currency (dropped), "x =" in front. Exact. nullopt for anything else
// (roots, letters, intervals).
std::optional<ExactNumber> LatexValue(absl::string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_MATH_LATEX_ANSWER_H_
