// Numeric answers: scored twice as lm-eval's GSM8K tasks do (its filters, its comparison of
// strings), and once by value (ours).
#ifndef PLUMBLINE_CORE_EVAL_NUMERIC_NUMERIC_CHECKER_H_
#define PLUMBLINE_CORE_EVAL_NUMERIC_NUMERIC_CHECKER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/filters/exact_match.h"
#include "core/eval/filters/filter_pipeline.h"
#include "core/eval/numeric/number.h"
#include "core/eval/task.h"

namespace plumbline {

struct NumericOptions {
  // numeric_match: |answer - target| <= max(tolerance, relative_tolerance × |target|).
  ExactNumber tolerance;           // default 0
  ExactNumber relative_tolerance;  // default 0
  FilterPipeline strict;           // numeric_reference_strict
  FilterPipeline flexible;         // numeric_reference_flexible
  ExactMatchOptions comparison;    // of the two reference scores

  // lm-eval 0.4.13's gsm8k: "#### (\-?[0-9\.\,]+)", the last of
  // "(-?[$0-9.,]{2,})|(-?[0-9]+)", and its regexes_to_ignore.
  static NumericOptions Gsm8k();
  // gsm8k_cot: strict is "The answer is (\-?[0-9\.\,]+).".
  static NumericOptions Gsm8kCot();
};

class NumericChecker : public Checker {
 public:
  // `targets` are the gold answers as the task renders them (GSM8K's whole solution is fine).
  // InvalidArgument names the item (counted from 0) whose target has no number.
  static absl::StatusOr<std::shared_ptr<const NumericChecker>> Make(
      const std::vector<std::string>& targets, NumericOptions options);

  absl::string_view version() const override { return "numeric/1"; }
  // Observations: numeric_match, numeric_reference_strict, numeric_reference_flexible,
  // extraction_failure (no number in the response), empty_response.
  CheckResult CheckResponse(size_t index, absl::string_view response) const override;
  std::vector<FilteredText> Filter(size_t index, absl::string_view response) const override;
  CheckResult CheckChoices(size_t, const std::vector<LogLikelihood>&) const override { return {}; }

  static const std::vector<std::string>& Metrics();

 private:
  struct Target {
    ExactNumber value;
    std::string compared;  // as the reference scores compare it
  };
  NumericChecker(std::vector<Target> targets, NumericOptions options)
      : targets_(std::move(targets)), options_(std::move(options)) {}

  const std::vector<Target> targets_;
  const NumericOptions options_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_NUMERIC_NUMERIC_CHECKER_H_
