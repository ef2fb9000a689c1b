// lm-eval's filter multi_choice_regex: which choice a response names.
#ifndef PLUMBLINE_CORE_EVAL_FILTERS_MULTI_CHOICE_REGEX_H_
#define PLUMBLINE_CORE_EVAL_FILTERS_MULTI_CHOICE_REGEX_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/eval/filters/filter_pipeline.h"

namespace plumbline {

// The first that finds something: the step's pattern in the response; the text of a choice (the
// longest that fits a place) in it, giving "(A)" for the first choice; a letter behind a colon;
// else the step's fallback. As lm-eval does, the pattern's match is taken as it is.
Filtered ApplyMultiChoice(const FilterStep& step, absl::string_view text,
                          const std::vector<std::string>& choices);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_FILTERS_MULTI_CHOICE_REGEX_H_
