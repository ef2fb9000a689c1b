#include "core/eval/selection.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "core/base/sha256.h"
#include "core/base/utf8.h"

namespace plumbline {

std::optional<size_t> SelectResponse(absl::Span<const Observation* const> by_sample) {
  const auto any = std::find_if(by_sample.begin(), by_sample.end(),
                                [](const Observation* o) { return o != nullptr; });
  if (any == by_sample.end()) return std::nullopt;
  const size_t among = static_cast<size_t>((*any)->among);
  if (among < 1 || by_sample.size() < among) return std::nullopt;
  std::unordered_map<std::string, int> votes;
  int most = 0;
  for (size_t i = 0; i < among; ++i) {
    if (by_sample[i] == nullptr) return std::nullopt;
    most = std::max(most, ++votes[by_sample[i]->vote]);
  }
  size_t winner = 0;
  while (votes[by_sample[winner]->vote] != most) ++winner;
  return winner;
}

std::string VoteOf(absl::string_view text) {
  constexpr size_t kWhole = 64, kShown = 32;
  if (text.size() <= kWhole) return std::string(text);
  size_t end = kShown;  // not within a character
  while (end > 0 && IsUtf8Continuation(text[end])) --end;
  return absl::StrCat(text.substr(0, end), "…sha256:", Sha256Hex(text));
}

CheckResult MergeSamples(std::vector<CheckResult> results) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const Observation*>> by_metric;  // by sample
  for (size_t s = 0; s < results.size(); ++s) {
    if (!results[s].error.ok()) return std::move(results[s]);
    for (const Observation& o : results[s].observations) {
      auto [place, fresh] = by_metric.try_emplace(o.metric, results.size(), nullptr);
      if (fresh) order.push_back(o.metric);
      place->second[s] = &o;
    }
  }
  std::vector<Observation> merged;
  for (const std::string& metric : order) {
    const std::vector<const Observation*>& samples = by_metric[metric];
    Observation sum{metric, 0, 0};
    const auto add = [&sum](const Observation& o) {
      sum.successes += o.successes;
      sum.trials += o.trials;
    };
    bool selects = false;
    for (const Observation* o : samples) selects = selects || (o != nullptr && o->among > 0);
    if (selects) {
      const std::optional<size_t> winner = SelectResponse(samples);
      if (winner.has_value()) add(*samples[*winner]);
    } else {
      for (const Observation* o : samples) {
        if (o != nullptr) add(*o);
      }
    }
    if (sum.trials > 0) merged.push_back(std::move(sum));
  }
  CheckResult result = std::move(results.front());
  result.observations = std::move(merged);
  return result;
}

}  // namespace plumbline
