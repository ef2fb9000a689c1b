#include "core/eval/filters/filter_pipeline.h"

#include <algorithm>

#include "core/base/status_macros.h"
#include "core/eval/filters/multi_choice_regex.h"
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
      break;
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
  Filtered result{std::string(response), false};
  for (const FilterStep& step : steps) {
    Filtered next = ApplyStep(step, result.text, choices);
    next.fell_back = next.fell_back || result.fell_back;
    result = std::move(next);
  }
  return result;
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
