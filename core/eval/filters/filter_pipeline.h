// What happens between a response and its comparison: lm-eval's filters, with its semantics.
//
// A pipeline is named and runs its steps in order over one response. Filters that look at several
// samples of a prompt (majority_vote, take_first_k) are not steps: samples per prompt are counted
// by the report (pass@k, majority, the answer voted for, consistency).
#ifndef PLUMBLINE_CORE_EVAL_FILTERS_FILTER_PIPELINE_H_
#define PLUMBLINE_CORE_EVAL_FILTERS_FILTER_PIPELINE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/filters/exact_match.h"
#include "core/eval/pyre/regex.h"

namespace plumbline {

// One step. Only the members of its kind matter.
struct FilterStep {
  enum Kind {
    kRegex,             // lm-eval "regex"
    kRemoveWhitespace,  // str.strip()
    kLowercase,
    kUppercase,
    kMap,  // "map": exact look-up, else default_value
    kTakeFirst,
    kMultiChoiceRegex,  // lm-eval "multi_choice_regex": a letter, by pattern or by a choice's text
  } kind = kTakeFirst;
  // kRegex: re.findall(pattern), the match number `group_select` (negative counts from the end),
  // its first group that is not empty, stripped; `fallback` where nothing matches.
  std::vector<PyRegex> regex;  // one element
  int group_select = 0;
  std::string fallback = "[invalid]";
  // kMultiChoiceRegex has the members of kRegex too; where the pattern finds nothing, the choices'
  // texts are looked for in the response after both lost what these say, then ": A".
  ExactMatchOptions ignored;
  // kMap
  std::map<std::string, std::string> mapping;
  std::string default_value;
};

struct Filtered {
  std::string text;
  bool fell_back = false;  // some regex found nothing (or no such match): extraction failed
};

struct FilterPipeline {
  std::string name = "none";
  std::vector<FilterStep> steps;

  // A step needs the choices of the item: Apply() must get them.
  bool needs_choices() const;
  // `response` is well-formed UTF-8; `choices` are the item's (the row's field "choices"), at most
  // 26. Thread-safe.
  Filtered Apply(absl::string_view response, const std::vector<std::string>& choices = {}) const;
};

// A regex step. InvalidArgument where Python refuses the pattern, Unimplemented where it can't be
// matched in bounded time.
// lm-eval's defaults are those of a regex step.
absl::StatusOr<FilterStep> MakeRegexStep(absl::string_view pattern, int group_select = 0,
                                         absl::string_view fallback = "[invalid]");

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_FILTERS_FILTER_PIPELINE_H_
