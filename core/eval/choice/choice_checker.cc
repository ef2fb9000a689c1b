#include "core/eval/choice/choice_checker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/eval/metrics.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

// The first index of the highest sums[i] / lengths[i] (numpy's argmax).
size_t Best(const std::vector<LogLikelihood>& choices, const std::vector<double>* lengths) {
  size_t best = 0;
  double best_value = 0;
  for (size_t i = 0; i < choices.size(); ++i) {
    const double value = choices[i].sum / (lengths == nullptr ? 1.0 : (*lengths)[i]);
    if (i == 0 || value > best_value) {
      best = i;
      best_value = value;
    }
  }
  return best;
}

}  // namespace

ChoiceChecker::ChoiceChecker(std::vector<Item> items, bool exact_match)
    : exact_match_(exact_match) {
  for (const Item& item : items) {
    Measured measured;
    measured.golds.assign(item.golds.begin(), item.golds.end());
    for (const std::string& choice : item.choices) {
      measured.characters.push_back(static_cast<double>(python::Length(choice)));
      measured.bytes.push_back(static_cast<double>(choice.size()));
    }
    items_.push_back(std::move(measured));
  }
}

CheckResult ChoiceChecker::CheckChoices(size_t index,
                                        const std::vector<LogLikelihood>& choices) const {
  const Measured& item = items_.at(index);
  CheckResult result;
  if (choices.size() != item.characters.size()) return result;
  auto observe = [&result](absl::string_view metric, bool success) {
    result.observations.push_back({std::string(metric), success ? 1.0 : 0.0, 1});
  };
  const auto is_gold = [&item](size_t choice) {
    return std::find(item.golds.begin(), item.golds.end(), choice) != item.golds.end();
  };
  const size_t best = Best(choices, nullptr);
  observe(kAccuracy, is_gold(best));
  observe(kAccuracyNorm, is_gold(Best(choices, &item.characters)));
  observe(kAccuracyBytes, is_gold(Best(choices, &item.bytes)));
  if (exact_match_) {
    observe(kExactMatch, std::any_of(item.golds.begin(), item.golds.end(),
                                     [&](size_t gold) { return choices[gold].is_greedy; }));
  }
  result.extracted = absl::StrCat(best);
  return result;
}

}  // namespace plumbline
