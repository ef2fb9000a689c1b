// How far apart two names are, for "did it mean …?".
#ifndef PLUMBLINE_CORE_BASE_EDIT_DISTANCE_H_
#define PLUMBLINE_CORE_BASE_EDIT_DISTANCE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace plumbline {

// Insertions, deletions and substitutions that make one of the other; `limit` or more: `limit`.
int EditDistance(absl::string_view x, absl::string_view y, int limit);

// The one of `names` that `name` was probably meant to be: a few letters away (upper case counts as
// lower), or begun or continued; the first of the nearest. Empty: none is near.
std::string NearestName(absl::string_view name, const std::vector<std::string>& names);

// For a name that is none of `names`, behind "there is no task "x"": "; did you mean "ifeval"?
// There are: gsm8k, ifeval", or "; there are none". The first twenty are named.
std::string NamesInstead(absl::string_view name, const std::vector<std::string>& names);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_EDIT_DISTANCE_H_
