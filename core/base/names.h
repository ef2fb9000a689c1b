// Names: what may be one, the few of many in a message, and "did it mean …?".
#ifndef PLUMBLINE_CORE_BASE_NAMES_H_
#define PLUMBLINE_CORE_BASE_NAMES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace plumbline {

// [A-Za-z0-9_.-]{1,longest}.
bool IsName(absl::string_view name, size_t longest);

// [A-Za-z0-9][A-Za-z0-9_.-]{0,63}: an adapter's alias. Versions have this form as well.
bool IsAlias(absl::string_view name);

// [a-z0-9][a-z0-9_.-]{0,63}: a model's name, a job's id.
bool IsLowerName(absl::string_view name);

// "a, b and 3 more": the first `shown`.
std::string FirstNames(const std::vector<std::string>& names, size_t shown);

// Insertions, deletions and substitutions that make one of the other; `limit` or more: `limit`.
int EditDistance(absl::string_view x, absl::string_view y, int limit);

// The one of `names` that `name` was probably meant to be: a few letters away (upper case counts as
// lower), or begun or continued; the first of the nearest. Empty: none is near.
std::string NearestName(absl::string_view name, const std::vector<std::string>& names);

// For a name that is none of `names`, behind "there is no task "x"": "; did you mean "ifeval"?
// There are: gsm8k, ifeval", or "; there are none". The first twenty are named.
std::string NamesInstead(absl::string_view name, const std::vector<std::string>& names);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_NAMES_H_
