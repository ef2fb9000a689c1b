// What an admission says about an adapter whose effect is nothing, or next to nothing.
#ifndef PLUMBLINE_CORE_ENGINE_ADMISSION_NOTES_H_
#define PLUMBLINE_CORE_ENGINE_ADMISSION_NOTES_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/engine/model_host.h"

namespace plumbline {

// Adds a warning to the report where the canary's logits change by no more than one unit in the
// last place of `dtype` ("float32" or "bfloat16") at the largest of the base's logits: rounding one
// value the other way does as much, so most answers will be the base's.
void WarnOfRoundingNoise(const std::vector<float>& base_logits, absl::string_view dtype,
                         AdmissionReport& report);

// "<status>: <the modules, and why each may do nothing>", for an adapter that left the canary's
// logits as they were.
absl::Status NameIdleModules(const absl::Status& status, const AdmissionReport& report);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_ADMISSION_NOTES_H_
