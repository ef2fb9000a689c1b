#include "core/engine/admission_notes.h"

#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/base/names.h"

namespace plumbline {
namespace {

constexpr size_t kNamesShown = 4;

}  // namespace

void WarnOfRoundingNoise(const std::vector<float>& base_logits, absl::string_view dtype,
                         AdmissionReport& report) {
  float largest = 0;
  for (const float logit : base_logits) largest = std::max(largest, std::fabs(logit));
  // The distance of two neighbours at 1: 23 bits of fraction, or 7.
  const double epsilon =
      dtype == "bfloat16" ? std::ldexp(1.0, -7) : std::numeric_limits<float>::epsilon();
  const double noise = epsilon * largest;
  if (report.canary_max_abs_logit_change > noise) return;
  report.warnings.push_back(absl::StrFormat(
      "the canary prompt's logits change by at most %.2g, no more than rounding one value does "
      "(%.2g: one unit in the last place of %s at its largest logit): the adapter does next to "
      "nothing (is its scaling as it was trained?)",
      report.canary_max_abs_logit_change, noise, dtype));
}

absl::Status NameIdleModules(const absl::Status& status, const AdmissionReport& report) {
  // Smaller than any product of values that a model could see (core/lora keeps what is not exactly
  // zero above 0).
  constexpr double kNothing = std::numeric_limits<float>::min();
  std::vector<std::string> zero, small, stored;
  for (const AppliedModule& module : report.modules) {
    const bool product =
        module.kind == AppliedKind::kLinear || module.kind == AppliedKind::kEmbedding;
    (!product ? stored : module.delta_norm < kNothing ? zero : small).push_back(module.module);
  }
  std::vector<std::string> parts;
  if (!zero.empty()) {
    parts.push_back(
        absl::StrCat("lora_B times lora_A is zero in ", FirstNames(zero, kNamesShown),
                     report.dora ? ", and lora_magnitude_vector leaves the base's norms" : ""));
  }
  if (!small.empty()) {
    parts.push_back(absl::StrCat("lora_B times lora_A is too small to be seen in ",
                                 FirstNames(small, kNamesShown)));
  }
  if (!stored.empty())
    parts.push_back(
        absl::StrCat("what is stored for ", FirstNames(stored, kNamesShown), " is the base's own"));
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), ": ", absl::StrJoin(parts, "; ")));
}

}  // namespace plumbline
