// Multiple choice by log-likelihood, as lm-eval scores it: acc takes the choice with the highest
// Σ log p(choice | context), acc_norm divides that by the choice's length in characters, acc_bytes
// by its length in UTF-8 bytes. Ties go to the first choice.
#ifndef PLUMBLINE_CORE_EVAL_CHOICE_CHOICE_CHECKER_H_
#define PLUMBLINE_CORE_EVAL_CHOICE_CHOICE_CHECKER_H_

#include <string>
#include <vector>

#include "core/eval/task.h"

namespace plumbline {

// Immutable, thread-safe.
class ChoiceChecker : public Checker {
 public:
  struct Item {
    std::vector<std::string> choices;  // without the target delimiter; none empty
    std::vector<int> golds;            // not empty; any of them is right
  };
  // `exact_match` adds lm-eval's metric of that name: a gold choice was what the model would have
  // written greedily.
  ChoiceChecker(std::vector<Item> items, bool exact_match);

  absl::string_view version() const override { return "choice/1"; }
  // Not for this checker: no observations.
  CheckResult CheckResponse(size_t, absl::string_view) const override { return {}; }
  // `choices` has one log-likelihood a choice; another number gives no observations. `extracted` is
  // the index that acc takes, from 0.
  CheckResult CheckChoices(size_t index, const std::vector<LogLikelihood>& choices) const override;

 private:
  struct Measured {
    std::vector<double> characters, bytes;
    std::vector<size_t> golds;
  };
  std::vector<Measured> items_;
  const bool exact_match_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_CHOICE_CHOICE_CHECKER_H_
