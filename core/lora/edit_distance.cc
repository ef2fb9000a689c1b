#include "core/lora/edit_distance.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace plumbline {

int EditDistance(absl::string_view x, absl::string_view y, int limit) {
  const size_t longer = std::max(x.size(), y.size());
  if (longer - std::min(x.size(), y.size()) >= static_cast<size_t>(limit)) return limit;
  std::vector<int> row(y.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= x.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= y.size(); ++j) {
      const int substituted = diagonal + (x[i - 1] == y[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return std::min(row.back(), limit);
}

}  // namespace plumbline
