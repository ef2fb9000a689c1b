#include "core/eval/filters/filter_pipeline.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/utf8.h"
#include "core/eval/filters/multi_choice_regex.h"
#include "core/eval/selection.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

Filtered ApplyRegex(const FilterStep& step, absl::string_view text) {
  const std::vector<std::vector<std::u32string>> matches =
      step.regex[0].FindAllStrings(python::ToCodePoints(text));
  const int count = static_cast<int>(matches.size());
  const int index = step.group_select < 0 ? count + step.group_select : step.group_select;
  // lm-eval ends with an IndexError where there are matches but not that one; here it is a
  // fallback.
  if (index < 0 || index >= count) return {step.fallback, true};
  const std::vector<std::u32string>& groups = matches[static_cast<size_t>(index)];
  if (groups.size() == 1) {
    return {std::string(python::Strip(python::ToUtf8(groups[0]))), false};
  }
  for (const std::u32string& group : groups) {
    if (!group.empty()) return {std::string(python::Strip(python::ToUtf8(group))), false};
  }
  return {std::string(python::Strip(step.fallback)), true};
}

std::string FirstCharacter(const std::string& text) {
  size_t end = text.empty() ? 0 : 1;
  while (end < text.size() && IsUtf8Continuation(text[end])) ++end;
  return text.substr(0, end);
}

Filtered ApplyStep(const FilterStep& step, absl::string_view text,
                   const std::vector<std::string>& choices) {
  switch (step.kind) {
    case FilterStep::kRegex:
      return ApplyRegex(step, text);
    case FilterStep::kMultiChoiceRegex:
      return ApplyMultiChoice(step, text, choices);
    case FilterStep::kRemoveWhitespace:
      return {std::string(python::Strip(text))};
    case FilterStep::kLowercase:
      return {python::Lower(text)};
    case FilterStep::kUppercase:
      return {python::Upper(text)};
    case FilterStep::kMap: {
      const auto found = step.mapping.find(std::string(text));
      return {found == step.mapping.end() ? step.default_value : found->second};
    }
    case FilterStep::kTakeFirst:
    case FilterStep::kTakeFirstK:
    case FilterStep::kMajorityVote:
      break;  // they choose a response, they do not change it
  }
  return {std::string(text)};
}

}  // namespace

bool FilterPipeline::needs_choices() const {
  return std::any_of(steps.begin(), steps.end(), [](const FilterStep& step) {
    return step.kind == FilterStep::kMultiChoiceRegex;
  });
}

Filtered FilterPipeline::Apply(absl::string_view response,
                               const std::vector<std::string>& choices) const {
  Filtered result{std::string(response)};
  bool voted = false;
  for (const FilterStep& step : steps) {
    if (step.kind == FilterStep::kMajorityVote && !voted) {
      voted = true;
      result.vote = result.text;
    }
    if (step.kind == FilterStep::kTakeFirst && &step != &steps.back()) {
      result.text = FirstCharacter(result.text);
    }
    Filtered next = ApplyStep(step, result.text, choices);
    result.text = std::move(next.text);
    result.fell_back = result.fell_back || next.fell_back;
  }
  return result;
}

Observation FilterPipeline::Observe(absl::string_view metric, const Filtered& filtered,
                                    bool match) const {
  Observation observation{std::string(metric), match ? 1.0 : 0.0, 1, among, ""};
  if (among > 1) observation.vote = VoteOf(filtered.vote);
  return observation;
}

absl::Status FilterPipeline::PlanSelection(int samples) {
  int64_t left = samples;  // responses
  int chosen_among = 0;    // 0: not chosen yet
  bool is_text = false;    // take_first came: what is left is a text, no list
  for (const FilterStep& step : steps) {
    const bool of_list =
        step.kind == FilterStep::kTakeFirstK || step.kind == FilterStep::kMajorityVote;
    if (of_list && is_text) {
      return absl::InvalidArgumentError(
          absl::StrCat(step.kind == FilterStep::kTakeFirstK ? "take_first_k" : "majority_vote",
                       " stands behind take_first, where one text is left: put it before"));
    }
    if (step.kind == FilterStep::kTakeFirstK) {
      if (step.k < 1 || step.k > left) {
        return absl::InvalidArgumentError(absl::StrCat(
            "take_first_k: k is ", step.k, ", and there ", left == 1 ? "is " : "are ", left,
            left == 1 ? " response" : " responses", " here (repeats is ", samples, ")"));
      }
      left = step.k;
    } else if (step.kind == FilterStep::kMajorityVote || step.kind == FilterStep::kTakeFirst) {
      is_text = step.kind == FilterStep::kTakeFirst;
      const bool votes = step.kind == FilterStep::kMajorityVote;
      if (chosen_among == 0) chosen_among = votes ? static_cast<int>(left) : 1;
      left = 1;
    }
  }
  if (is_text && steps.back().kind != FilterStep::kTakeFirst) {
    return absl::InvalidArgumentError(
        "a step stands behind take_first, which lm-eval runs over each letter of the text: put "
        "take_first last");
  }
  if (left > 1 && left < samples) {
    return absl::InvalidArgumentError(
        absl::StrCat("take_first_k leaves ", left, " of ", samples,
                     " responses, and nothing chooses one of them: add majority_vote or "
                     "take_first, or lower repeats to ",
                     left));
  }
  among = samples == 1 ? 0 : (chosen_among == 0 && left == 1 ? 1 : chosen_among);
  return absl::OkStatus();
}

absl::StatusOr<FilterStep> MakeRegexStep(absl::string_view pattern, int group_select,
                                         absl::string_view fallback) {
  FilterStep step;
  step.kind = FilterStep::kRegex;
  ABSL_ASSIGN_OR_RETURN(PyRegex regex, PyRegex::Compile(pattern));
  step.regex.push_back(std::move(regex));
  step.group_select = group_select;
  step.fallback = std::string(fallback);
  return step;
}

}  // namespace plumbline
