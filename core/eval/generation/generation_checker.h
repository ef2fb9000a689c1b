// Generated answers compared with gold ones: lm-eval's filters, then its exact_match.
#ifndef PLUMBLINE_CORE_EVAL_GENERATION_GENERATION_CHECKER_H_
#define PLUMBLINE_CORE_EVAL_GENERATION_GENERATION_CHECKER_H_

#include <string>
#include <vector>

#include "core/eval/filters/exact_match.h"
#include "core/eval/filters/filter_pipeline.h"
#include "core/eval/task.h"

namespace plumbline {

// Immutable, thread-safe.
class GenerationChecker : public Checker {
 public:
  // `targets[i]` are the right answers to item i; any of them counts. `filters` has at least one
  // pipeline: with one, the metric is exact_match; with several it is "exact_match,<filter>" for
  // each (lm-eval's names).
  // `choices[i]` are what the filters need of item i (FilterPipeline::needs_choices); empty
  // where none does.
  GenerationChecker(std::vector<std::vector<std::string>> targets,
                    std::vector<FilterPipeline> filters, ExactMatchOptions comparison,
                    std::vector<std::vector<std::string>> choices = {});

  absl::string_view version() const override { return "exact_match/1"; }
  // Observations: a metric a pipeline (with its vote where that takes one of several responses);
  // extraction_failure when the first pipeline has a regex; empty_response. `extracted` is what the
  // first pipeline gives.
  CheckResult CheckResponse(size_t index, absl::string_view response) const override;
  std::vector<FilteredText> Filter(size_t index, absl::string_view response) const override;
  // Not for this checker: no observations.
  CheckResult CheckChoices(size_t, const std::vector<LogLikelihood>&) const override { return {}; }

  const std::vector<std::string>& metrics() const { return metrics_; }

 private:
  Filtered Apply(const FilterPipeline& filter, size_t index, const std::string& text) const;

  std::vector<std::vector<std::string>> targets_;  // as compared
  const std::vector<std::vector<std::string>> choices_;
  const std::vector<FilterPipeline> filters_;
  const ExactMatchOptions comparison_;
  std::vector<std::string> metrics_;  // aligned with filters_
  bool extracts_ = false;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_GENERATION_GENERATION_CHECKER_H_
