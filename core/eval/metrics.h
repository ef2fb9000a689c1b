// The names of the metrics, and what a report and a gate need to know of each. One table: a metric
// that is not in it has default traits (higher is better, a score).
#ifndef PLUMBLINE_CORE_EVAL_METRICS_H_
#define PLUMBLINE_CORE_EVAL_METRICS_H_

#include "absl/strings/string_view.h"

namespace plumbline {

// IFEval (Zhou et al. 2023): instruction- and prompt-level accuracy, strict and loose, policy
// `reference`.
inline constexpr absl::string_view kIlaStrict = "ila_strict";
inline constexpr absl::string_view kPlaStrict = "pla_strict";
inline constexpr absl::string_view kIlaLoose = "ila_loose";
inline constexpr absl::string_view kPlaLoose = "pla_loose";
// The same under policy `fixed` (known defects of the reference mended).
inline constexpr absl::string_view kIlaStrictFixed = "ila_strict_fixed";
inline constexpr absl::string_view kPlaStrictFixed = "pla_strict_fixed";
inline constexpr absl::string_view kIlaLooseFixed = "ila_loose_fixed";
inline constexpr absl::string_view kPlaLooseFixed = "pla_loose_fixed";
// Numeric answers: by value (ours), and by lm-eval's two GSM8K filters with its string comparison.
inline constexpr absl::string_view kNumericMatch = "numeric_match";
inline constexpr absl::string_view kNumericReferenceStrict = "numeric_reference_strict";
inline constexpr absl::string_view kNumericReferenceFlexible = "numeric_reference_flexible";
// Multiple choice by log-likelihood (lm-eval's acc, acc_norm, acc_bytes).
inline constexpr absl::string_view kAccuracy = "accuracy";
inline constexpr absl::string_view kAccuracyNorm = "acc_norm";
inline constexpr absl::string_view kAccuracyBytes = "acc_bytes";
inline constexpr absl::string_view kExactMatch = "exact_match";
// Mathematics: by value (ours), and as text after lm-eval's hendrycks_math normalisation.
inline constexpr absl::string_view kMathMatch = "math_match";
inline constexpr absl::string_view kMathReference = "math_reference";
// Validity guards: shares of responses, lower is better, never a score.
inline constexpr absl::string_view kEmptyResponse = "empty_response";
inline constexpr absl::string_view kTruncated = "truncated";
inline constexpr absl::string_view kExtractionFailure = "extraction_failure";
// Cut by the token limit while its end repeats itself: a longer limit would not have helped.
inline constexpr absl::string_view kRefusalToStop = "refusal_to_stop";

struct MetricTraits {
  absl::string_view name;         // empty in the default traits
  absl::string_view description;  // half a sentence for people; empty in the default traits
  bool validity = false;          // a guard (lower is better); otherwise a score (higher is better)
};
// Never fails: a metric that is not in the table has the default traits.
const MetricTraits& TraitsOf(absl::string_view metric);

// True for the validity guards above: reported beside the scores, left out of drift and label
// verdicts.
bool IsValidityMetric(absl::string_view metric);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_METRICS_H_
