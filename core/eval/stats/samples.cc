#include "core/eval/stats/samples.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace plumbline {

double PassAtK(int n, int passed, int k) {
  if (n - passed < k) return 1;
  double all_fail = 1;
  for (int i = n - passed + 1; i <= n; ++i) all_fail *= 1 - static_cast<double>(k) / i;
  return 1 - all_fail;
}

int MajorityVote(absl::Span<const std::string> answers) {
  absl::flat_hash_map<absl::string_view, int> votes;
  int most = 0;
  for (const std::string& answer : answers) {
    if (!answer.empty()) most = std::max(most, ++votes[absl::string_view(answer)]);
  }
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].empty() && votes[absl::string_view(answers[i])] == most) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

}  // namespace plumbline
