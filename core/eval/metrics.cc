#include "core/eval/metrics.h"

namespace plumbline {
namespace {

constexpr MetricTraits kTable[] = {
    {kIlaStrict, "share of instructions followed", false},
    {kPlaStrict, "share of prompts with every instruction followed", false},
    {kIlaLoose, "share of instructions followed, leniently read", false},
    {kPlaLoose, "share of prompts with every instruction followed, leniently read", false},
    {kIlaStrictFixed, "ila_strict with the reference's known defects mended", false},
    {kPlaStrictFixed, "pla_strict with the reference's known defects mended", false},
    {kIlaLooseFixed, "ila_loose with the reference's known defects mended", false},
    {kPlaLooseFixed, "pla_loose with the reference's known defects mended", false},
    {kNumericMatch, "share of answers equal in value", false},
    {kNumericReferenceStrict, "share of answers equal under lm-eval's strict-match filter", false},
    {kNumericReferenceFlexible, "share of answers equal under lm-eval's flexible-extract filter",
     false},
    {kAccuracy, "share of questions whose most likely choice is right", false},
    {kAccuracyNorm, "accuracy with log-likelihoods divided by length in characters", false},
    {kAccuracyBytes, "accuracy with log-likelihoods divided by length in bytes", false},
    {kExactMatch, "share of answers equal as text", false},
    {kMathMatch, "share of answers equal in value", false},
    {kMathReference, "share of answers equal as lm-eval's hendrycks_math normalises them", false},
    {kEmptyResponse, "share of responses that are blank", true},
    {kTruncated, "share of responses cut by the token limit", true},
    {kExtractionFailure, "share of responses in which no answer was found", true},
    {kRefusalToStop, "share of responses cut by the token limit while repeating themselves", true},
};

constexpr MetricTraits kDefault = {"", "", false};

}  // namespace

const MetricTraits& TraitsOf(absl::string_view metric) {
  for (const MetricTraits& traits : kTable) {
    if (traits.name == metric) return traits;
  }
  return kDefault;
}

bool IsValidityMetric(absl::string_view metric) { return TraitsOf(metric).validity; }

}  // namespace plumbline
