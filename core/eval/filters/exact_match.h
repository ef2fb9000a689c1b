// lm-eval's exact_match: both texts lose what the options ignore, then they must be equal.
#ifndef PLUMBLINE_CORE_EVAL_FILTERS_EXACT_MATCH_H_
#define PLUMBLINE_CORE_EVAL_FILTERS_EXACT_MATCH_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/eval/pyre/regex.h"

namespace plumbline {

struct ExactMatchOptions {
  std::vector<PyRegex> regexes_to_ignore;  // removed in this order, before anything else
  bool ignore_case = false;
  bool ignore_punctuation = false;  // ASCII punctuation, as Python's string.punctuation
  bool ignore_numbers = false;      // ASCII digits
};

// The text as it is compared. `text` is well-formed UTF-8. Follows numpy, through which lm-eval
// compares: NUL characters at the end do not count, and lower-casing never makes a text longer.
std::string NormalizeForExactMatch(absl::string_view text, const ExactMatchOptions& options);

bool ExactMatch(absl::string_view prediction, absl::string_view reference,
                const ExactMatchOptions& options);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_FILTERS_EXACT_MATCH_H_
