// Numbers in prose, read exactly: no floating point between "0.1" and its value.
#ifndef PLUMBLINE_CORE_EVAL_NUMERIC_NUMBER_H_
#define PLUMBLINE_CORE_EVAL_NUMERIC_NUMBER_H_

#include <boost/multiprecision/cpp_int.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// numerator / denominator, denominator > 0. Decimals are exact.
struct ExactNumber {
  boost::multiprecision::cpp_int numerator = 0;
  boost::multiprecision::cpp_int denominator = 1;
  std::string text;  // as written, without currency, separators and the like: "1234.50", "-3/4"
};

// The number a response gives as its answer: the first one behind the last "####" where there is
// such a mark with a number behind it, else the last number of the text; nullopt without a number.
//
// A number is an optional sign (a hyphen counts only where no letter, digit or closing bracket is
// in front: "5-3" ends with 3), an optional currency sign ($ € £ ¥ ₹, also written \$), digits,
// either plain or with thousands separators in groups of three ("1,234,567"), an optional fraction
// (".5", "2.50"; a full stop behind the digits is not part of it), an optional exponent ("1.5e-3"),
// or a ratio of two plain integers ("3/4"). A per cent sign behind it is ignored: 50% is 50. Digits
// directly behind a letter or an underscore ("GPT4", "x2") are no number. Only ASCII digits. More
// than 1,000 digits are no number.
std::optional<ExactNumber> FindAnswerNumber(absl::string_view text);

// The whole of `text` as one number, spaces around it aside: for tolerances.
absl::StatusOr<ExactNumber> ParseExactNumber(absl::string_view text);

// |a - b| <= max(absolute, relative × |b|).
bool NumbersMatch(const ExactNumber& a, const ExactNumber& b, const ExactNumber& absolute,
                  const ExactNumber& relative);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_NUMERIC_NUMBER_H_
