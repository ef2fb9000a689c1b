#include "core/eval/ifeval/scoring.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace plumbline::ifeval {
namespace {

// The original comes first among the variants, unless it is blank.
bool FollowsLoosely(const Instruction& instruction, const LooseVariants& variants, bool strict,
                    Policy policy) {
  if (strict) return true;
  for (size_t i = 1; i < variants.texts().size(); ++i) {
    if (instruction.Follows(*variants.texts()[i], policy, nullptr)) return true;
  }
  return false;
}

}  // namespace

CheckOutcome CheckInstruction(const Instruction& instruction, const LooseVariants& variants) {
  CheckOutcome outcome;
  if (variants.texts().empty()) {
    outcome.explanation = "the response is empty";
    return outcome;
  }
  const ResponseText& original = *variants.texts().front();
  outcome.strict = instruction.Follows(original, Policy::kReference, &outcome.explanation);
  outcome.loose = FollowsLoosely(instruction, variants, outcome.strict, Policy::kReference);
  outcome.strict_fixed = outcome.strict;
  outcome.loose_fixed = outcome.loose;
  if (instruction.has_fix()) {
    outcome.strict_fixed = instruction.Follows(original, Policy::kFixed, nullptr);
    outcome.loose_fixed =
        FollowsLoosely(instruction, variants, outcome.strict_fixed, Policy::kFixed);
  }
  if (outcome.strict) outcome.explanation.clear();
  return outcome;
}

void AddObservations(const std::vector<CheckOutcome>& outcomes, bool CheckOutcome::*member,
                     absl::string_view ila, absl::string_view pla, CheckResult& result) {
  const auto followed = std::count_if(outcomes.begin(), outcomes.end(),
                                      [member](const CheckOutcome& o) { return o.*member; });
  const int total = static_cast<int>(outcomes.size());
  result.observations.push_back({std::string(ila), static_cast<double>(followed), total});
  result.observations.push_back({std::string(pla), followed == total ? 1.0 : 0.0, 1});
}

absl::StatusOr<std::string> ReadRowKey(const nlohmann::json& row) {
  const auto key = row.find("key");
  if (key == row.end()) return absl::InvalidArgumentError("\"key\" is missing");
  if (key->is_number_integer()) return key->dump();
  if (key->is_string() && !key->get_ref<const std::string&>().empty()) {
    return key->get<std::string>();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"key\" is ", key->dump(-1, ' ', true), ", want an integer or a string"));
}

}  // namespace plumbline::ifeval
