// Competition mathematics (MATH): the answer in \boxed{} compared with the gold one.
#ifndef PLUMBLINE_CORE_EVAL_MATH_MATH_CHECKER_H_
#define PLUMBLINE_CORE_EVAL_MATH_MATH_CHECKER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/numeric/number.h"
#include "core/eval/task.h"

namespace plumbline {

// Immutable, thread-safe.
class MathChecker : public Checker {
 public:
  // `targets`: answers, or whole solutions with a \boxed{} answer. InvalidArgument names the item
  // (counted from 0) whose target is empty.
  static absl::StatusOr<std::shared_ptr<const MathChecker>> Make(
      const std::vector<std::string>& targets);

  absl::string_view version() const override { return "math/2"; }
  // Observations:
  //   math_match              ours: the last \boxed{} of the response, else what follows its last
  //                           "answer is", else its last $...$, else its last line; equal to the
  //                           target after hendrycks_math's normalisation, or as exact values
  //   math_reference          lm-eval's hendrycks_math: the text from the first to the last $ (or
  //                           all of it), normalised, equal
  //   extraction_failure      no \boxed{}, "answer is" or $...$
  //   empty_response
  CheckResult CheckResponse(size_t index, absl::string_view response) const override;
  CheckResult CheckChoices(size_t, const std::vector<LogLikelihood>&) const override { return {}; }

  static const std::vector<std::string>& Metrics();

 private:
  struct Target {
    std::string answer;
    std::optional<ExactNumber> value;
  };
  explicit MathChecker(std::vector<Target> targets) : targets_(std::move(targets)) {}
  const std::vector<Target> targets_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_MATH_MATH_CHECKER_H_
