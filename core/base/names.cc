#include "core/base/names.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace plumbline {

bool IsName(absl::string_view name, size_t longest) {
  return !name.empty() && name.size() <= longest &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' ||
                  c == '-';
         });
}

bool IsAlias(absl::string_view name) {
  return IsName(name, 64) && absl::ascii_isalnum(static_cast<unsigned char>(name[0]));
}

bool IsLowerName(absl::string_view name) {
  return IsAlias(name) && std::none_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isupper(static_cast<unsigned char>(c));
         });
}

std::string FirstNames(const std::vector<std::string>& names, size_t shown) {
  const size_t count = std::min(names.size(), shown);
  const std::string list =
      absl::StrJoin(names.begin(), names.begin() + static_cast<ptrdiff_t>(count), ", ");
  return names.size() > count ? absl::StrCat(list, " and ", names.size() - count, " more") : list;
}

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

std::string NearestName(absl::string_view name, const std::vector<std::string>& names) {
  const std::string wanted = absl::AsciiStrToLower(name);
  const int size = static_cast<int>(wanted.size());
  const int limit = std::min(size, std::max(2, size / 3) + 1);
  int best = limit;
  std::string nearest;
  for (const std::string& candidate : names) {
    const std::string lower = absl::AsciiStrToLower(candidate);
    int distance = EditDistance(wanted, lower, best);
    const bool begins = absl::StartsWith(lower, wanted) || absl::StartsWith(wanted, lower);
    if (begins && std::min(wanted.size(), lower.size()) >= 3)
      distance = std::min(distance, limit - 1);
    if (distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

std::string NamesInstead(absl::string_view name, const std::vector<std::string>& names) {
  constexpr size_t kShown = 20;
  if (names.empty()) return "; there are none";
  const std::string nearest = NearestName(name, names);
  const auto end = names.begin() + static_cast<ptrdiff_t>(std::min(names.size(), kShown));
  return absl::StrCat(nearest.empty() ? "; t" : absl::StrCat("; did you mean \"", nearest, "\"? T"),
                      "here are: ", absl::StrJoin(names.begin(), end, ", "),
                      names.size() > kShown ? ", …" : "");
}

}  // namespace plumbline
