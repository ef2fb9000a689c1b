#include "core/engine/admission_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(AdmissionNotes, AChangeOfTheSizeOfRoundingIsAWarning) {
  const std::vector<float> logits = {-16.0f, 2.0f};
  const auto warnings = [&](double change, absl::string_view dtype) {
    AdmissionReport report;
    report.canary_max_abs_logit_change = change;
    WarnOfRoundingNoise(logits, dtype, report);
    return report.warnings;
  };
  // 16 · 2^-23 is 1.9e-6, 16 · 2^-7 is 0.125.
  EXPECT_THAT(warnings(1.5e-6, "float32"),
              ElementsAre(HasSubstr("change by at most 1.5e-06, no more than rounding one value "
                                    "does (1.9e-06")));
  EXPECT_THAT(warnings(3e-6, "float32"), IsEmpty());
  EXPECT_THAT(warnings(0.1, "bfloat16"), ElementsAre(HasSubstr("(0.12")));
  EXPECT_THAT(warnings(0.2, "bfloat16"), IsEmpty());
}

TEST(AdmissionNotes, ModulesWithoutEffectAreNamed) {
  AdmissionReport report;
  for (const char* module : {"a", "b", "c", "d", "e"}) {
    report.modules.push_back(
        {.module = module, .kind = AppliedKind::kLinear, .delta_norm = 1e-308});
  }
  report.modules.push_back({.module = "f", .kind = AppliedKind::kLinear, .delta_norm = 1e-20});
  report.modules.push_back({.module = "lm_head", .kind = AppliedKind::kReplacement});
  const absl::Status status = NameIdleModules(absl::InvalidArgumentError("does nothing"), report);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "does nothing: lora_B times lora_A is zero in a, b, c, d and 1 more; lora_B times "
            "lora_A is too small to be seen in f; what is stored for lm_head is the base's own");
}

}  // namespace
}  // namespace plumbline
