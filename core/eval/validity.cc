#include "core/eval/validity.h"

#include <algorithm>
#include <string>

namespace plumbline {

void AddGuard(absl::string_view metric, bool holds, std::vector<Observation>& observations) {
  const std::string name(metric);
  for (const Observation& o : observations) {
    if (o.metric == name) return;
  }
  observations.push_back({name, holds ? 1.0 : 0.0, 1});
}

bool RepeatsItself(absl::string_view text) {
  constexpr size_t kLongestPiece = 512, kShortest = 32;
  for (size_t piece = 1; piece <= kLongestPiece && 3 * piece <= text.size(); ++piece) {
    const size_t length = std::max(3 * piece, kShortest);
    if (length > text.size()) continue;
    const absl::string_view tail = text.substr(text.size() - length);
    if (tail.substr(piece) == tail.substr(0, length - piece)) return true;
  }
  return false;
}

}  // namespace plumbline
