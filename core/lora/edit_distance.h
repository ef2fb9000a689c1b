// How far apart two names are, for "did it mean …?".
#ifndef PLUMBLINE_CORE_LORA_EDIT_DISTANCE_H_
#define PLUMBLINE_CORE_LORA_EDIT_DISTANCE_H_

#include "absl/strings/string_view.h"

namespace plumbline {

// Insertions, deletions and substitutions that make one of the other; `limit` or more: `limit`.
int EditDistance(absl::string_view x, absl::string_view y, int limit);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_LORA_EDIT_DISTANCE_H_
