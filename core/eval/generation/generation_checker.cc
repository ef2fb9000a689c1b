#include "core/eval/generation/generation_checker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/eval/metrics.h"
#include "core/text/python_unicode.h"

namespace plumbline {

GenerationChecker::GenerationChecker(std::vector<std::vector<std::string>> targets,
                                     std::vector<FilterPipeline> filters,
                                     ExactMatchOptions comparison,
                                     std::vector<std::vector<std::string>> choices)
    : targets_(std::move(targets)),
      choices_(std::move(choices)),
      filters_(std::move(filters)),
      comparison_(std::move(comparison)) {
  for (std::vector<std::string>& item : targets_) {
    for (std::string& target : item) {
      target = NormalizeForExactMatch(python::DecodeReplacing(target), comparison_);
    }
  }
  for (const FilterPipeline& filter : filters_) {
    metrics_.push_back(filters_.size() == 1 ? std::string(kExactMatch)
                                            : absl::StrCat(kExactMatch, ",", filter.name));
  }
  extracts_ =
      std::any_of(filters_[0].steps.begin(), filters_[0].steps.end(), [](const FilterStep& step) {
        return step.kind == FilterStep::kRegex || step.kind == FilterStep::kMultiChoiceRegex;
      });
}

Filtered GenerationChecker::Apply(const FilterPipeline& filter, size_t index,
                                  const std::string& text) const {
  return choices_.empty() ? filter.Apply(text) : filter.Apply(text, choices_.at(index));
}

std::vector<FilteredText> GenerationChecker::Filter(size_t index,
                                                    absl::string_view response) const {
  const std::string text = python::DecodeReplacing(response);
  std::vector<FilteredText> filtered;
  for (const FilterPipeline& filter : filters_)
    filtered.push_back({filter.name, Apply(filter, index, text).text});
  return filtered;
}

CheckResult GenerationChecker::CheckResponse(size_t index, absl::string_view response) const {
  const std::vector<std::string>& targets = targets_.at(index);
  const std::string text = python::DecodeReplacing(response);
  CheckResult result;
  for (size_t i = 0; i < filters_.size(); ++i) {
    const Filtered filtered = Apply(filters_[i], index, text);
    const std::string compared = NormalizeForExactMatch(filtered.text, comparison_);
    const bool match = std::find(targets.begin(), targets.end(), compared) != targets.end();
    result.observations.push_back(filters_[i].Observe(metrics_[i], filtered, match));
    if (i > 0) continue;
    if (extracts_) {
      result.observations.push_back(
          {std::string(kExtractionFailure), filtered.fell_back ? 1.0 : 0.0, 1});
    }
    if (!filtered.fell_back) result.extracted = filtered.text;
  }
  const bool empty = python::Strip(text).empty();
  result.observations.push_back({std::string(kEmptyResponse), empty ? 1.0 : 0.0, 1});
  return result;
}

}  // namespace plumbline
