// The validity guards that need more than a checker sees: whether a response was cut by the token
// limit. Shared by jobs, whose engine knows, and `plumbline check`, whose rows may say.
#ifndef PLUMBLINE_CORE_EVAL_VALIDITY_H_
#define PLUMBLINE_CORE_EVAL_VALIDITY_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "core/eval/observation.h"

namespace plumbline {

// Adds a guard with one trial, unless it was observed already.
void AddGuard(absl::string_view metric, bool holds, std::vector<Observation>& observations);

// The text ends in three or more repetitions of a piece of up to 512 bytes, 32 bytes or more in
// all: of a truncated response, that a longer limit would not have helped.
bool RepeatsItself(absl::string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_VALIDITY_H_
