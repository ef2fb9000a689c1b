// What happens between a response and its comparison: lm-eval's filters, with its semantics.
//
// A pipeline is named and runs its steps in order over one response. Filters that look at several
// responses to a prompt (take_first, take_first_k, majority_vote) choose one of them, so a pipeline
// is what it does with one response, and the choice: of how many first responses, and which text of
// each votes. The response is filtered at once; who wins is known when all are there
// (core/eval/selection.h).
#ifndef PLUMBLINE_CORE_EVAL_FILTERS_FILTER_PIPELINE_H_
#define PLUMBLINE_CORE_EVAL_FILTERS_FILTER_PIPELINE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/filters/exact_match.h"
#include "core/eval/observation.h"
#include "core/eval/pyre/regex.h"

namespace plumbline {

// One step. Only the members of its kind matter.
struct FilterStep {
  enum Kind {
    kRegex,             // lm-eval "regex"
    kRemoveWhitespace,  // str.strip()
    kLowercase,
    kUppercase,
    kMap,               // "map": exact look-up, else default_value
    kTakeFirst,         // the first response; before other steps the first character of its text,
                        // since lm-eval goes on with a text as with a list
    kTakeFirstK,        // the first `k` responses
    kMajorityVote,      // the most frequent text, of equally frequent ones the first
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
  int64_t k = 0;  // kTakeFirstK
};

struct Filtered {
  std::string text;
  bool fell_back = false;  // some regex found nothing (or no such match): extraction failed
  std::string vote;        // the text at the first majority_vote; empty where the pipeline has none
};

struct FilterPipeline {
  std::string name = "none";
  std::vector<FilterStep> steps;
  int among = 0;  // Observation::among of this pipeline's scores; set by PlanSelection

  // Sets `among` for a task with `samples` responses a prompt (>= 1). InvalidArgument names the
  // step that does not fit and why: more responses than there are, a step behind take_first, or
  // several responses left that are not all of them.
  absl::Status PlanSelection(int samples);
  // A step needs the choices of the item: Apply() must get them.
  bool needs_choices() const;
  // `response` is well-formed UTF-8; `choices` are the item's (the row's field "choices"), at most
  // 26. Thread-safe.
  Filtered Apply(absl::string_view response, const std::vector<std::string>& choices = {}) const;
  // The score of a response that Apply() filtered.
  Observation Observe(absl::string_view metric, const Filtered& filtered, bool match) const;
};

// A regex step. InvalidArgument where Python refuses the pattern, Unimplemented where it can't be
// matched in bounded time.
// lm-eval's defaults are those of a regex step.
absl::StatusOr<FilterStep> MakeRegexStep(absl::string_view pattern, int group_select = 0,
                                         absl::string_view fallback = "[invalid]");

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_FILTERS_FILTER_PIPELINE_H_
