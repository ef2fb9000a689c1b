#include "core/eval/numeric/numeric_checker.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/metrics.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

FilterPipeline Extract(absl::string_view name, absl::string_view pattern, int group_select) {
  FilterPipeline pipeline;
  pipeline.name = std::string(name);
  pipeline.steps.push_back(*MakeRegexStep(pattern, group_select));
  return pipeline;
}

NumericOptions WithStrictPattern(absl::string_view pattern) {
  NumericOptions options;
  options.strict = Extract("strict-match", pattern, 0);
  options.flexible = Extract("flexible-extract", "(-?[$0-9.,]{2,})|(-?[0-9]+)", -1);
  options.comparison.ignore_case = true;
  for (absl::string_view ignored : {",", "\\$", "(?s).*#### ", "\\.$"}) {
    options.comparison.regexes_to_ignore.push_back(*PyRegex::Compile(ignored));
  }
  return options;
}

}  // namespace

NumericOptions NumericOptions::Gsm8k() { return WithStrictPattern("#### (\\-?[0-9\\.\\,]+)"); }
NumericOptions NumericOptions::Gsm8kCot() {
  return WithStrictPattern("The answer is (\\-?[0-9\\.\\,]+).");
}

absl::StatusOr<std::shared_ptr<const NumericChecker>> NumericChecker::Make(
    const std::vector<std::string>& targets, NumericOptions options) {
  std::vector<Target> read;
  read.reserve(targets.size());
  for (size_t i = 0; i < targets.size(); ++i) {
    const std::string text = python::DecodeReplacing(targets[i]);
    std::optional<ExactNumber> value = FindAnswerNumber(text);
    if (!value.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("item ", i, ": the target \"", text.substr(0, 80), "\" has no number"));
    }
    read.push_back({*std::move(value), NormalizeForExactMatch(text, options.comparison)});
  }
  return std::shared_ptr<const NumericChecker>(
      new NumericChecker(std::move(read), std::move(options)));
}

const std::vector<std::string>& NumericChecker::Metrics() {
  static const auto& metrics = *new std::vector<std::string>{
      std::string(kNumericMatch), std::string(kNumericReferenceStrict),
      std::string(kNumericReferenceFlexible)};
  return metrics;
}

CheckResult NumericChecker::CheckResponse(size_t index, absl::string_view response) const {
  const Target& target = targets_.at(index);
  const std::string text = python::DecodeReplacing(response);
  CheckResult result;
  auto observe = [&result](absl::string_view metric, bool success) {
    result.observations.push_back({std::string(metric), success ? 1.0 : 0.0, 1});
  };
  const std::optional<ExactNumber> answer = FindAnswerNumber(text);
  observe(kNumericMatch,
          answer.has_value() &&
              NumbersMatch(*answer, target.value, options_.tolerance, options_.relative_tolerance));
  auto reference = [&](absl::string_view metric, const FilterPipeline& pipeline) {
    const Filtered filtered = pipeline.Apply(text);
    const bool match =
        NormalizeForExactMatch(filtered.text, options_.comparison) == target.compared;
    result.observations.push_back(pipeline.Observe(metric, filtered, match));
  };
  reference(kNumericReferenceStrict, options_.strict);
  reference(kNumericReferenceFlexible, options_.flexible);
  observe(kExtractionFailure, !answer.has_value());
  observe(kEmptyResponse, python::Strip(text).empty());
  if (answer.has_value()) result.extracted = answer->text;
  return result;
}

std::vector<FilteredText> NumericChecker::Filter(size_t, absl::string_view response) const {
  const std::string text = python::DecodeReplacing(response);
  return {{"strict-match", options_.strict.Apply(text).text},
          {"flexible-extract", options_.flexible.Apply(text).text}};
}

}  // namespace plumbline
