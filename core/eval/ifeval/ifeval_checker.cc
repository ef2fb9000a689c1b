#include "core/eval/ifeval/ifeval_checker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/eval/ifeval/loose_variants.h"
#include "core/eval/ifeval/scoring.h"
#include "core/eval/metrics.h"

namespace plumbline {
bool LooksLikeIfevalRow(const nlohmann::json& row) {
  return row.is_object() && row.contains("instruction_id_list") && row.contains("prompt");
}

absl::StatusOr<IfevalRow> ParseIfevalRow(const nlohmann::json& row, const InstructionSet& set) {
  if (!row.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat("a ", row.type_name(), ", want an object"));
  }
  IfevalRow result;
  ABSL_ASSIGN_OR_RETURN(result.key, ifeval::ReadRowKey(row));
  const std::string where = absl::StrCat("key ", result.key);
  const auto prompt = row.find("prompt");
  if (prompt == row.end() || !prompt->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": \"prompt\" is missing or no string"));
  }
  result.prompt = prompt->get<std::string>();
  if (python::Strip(result.prompt).empty()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": \"prompt\" is empty"));
  }
  const auto ids = row.find("instruction_id_list");
  if (ids == row.end() || !ids->is_array() || ids->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": \"instruction_id_list\" is missing, empty or no list"));
  }
  const auto kwargs = row.find("kwargs");
  if (kwargs == row.end() || !kwargs->is_array() || kwargs->size() != ids->size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": \"kwargs\" must be a list of ", ids->size(),
                     " objects, one for each of instruction_id_list"));
  }
  for (size_t i = 0; i < ids->size(); ++i) {
    if (!(*ids)[i].is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": instruction_id_list[", i, "] is no string"));
    }
    result.instruction_ids.push_back((*ids)[i].get<std::string>());
    auto instruction =
        ifeval::MakeInstruction(*set.table, result.instruction_ids.back(), (*kwargs)[i]);
    if (!instruction.ok()) return Annotate(instruction.status(), where);
    result.instructions.push_back(*std::move(instruction));
  }
  return result;
}

const InstructionSet& IfevalSet() {
  static const auto& set = *new InstructionSet{
      "ifeval/1",
      &ifeval::IfevalTable(),
      {std::string(kPlaStrict), std::string(kIlaStrict), std::string(kPlaLoose),
       std::string(kIlaLoose), std::string(kPlaStrictFixed), std::string(kIlaStrictFixed),
       std::string(kPlaLooseFixed), std::string(kIlaLooseFixed)},
      true};
  return set;
}

CheckResult IfevalChecker::CheckResponse(size_t index, absl::string_view response) const {
  const IfevalRow& row = rows_.at(index);
  const ifeval::LooseVariants variants(python::DecodeReplacing(response));
  CheckResult result;
  for (size_t i = 0; i < row.instructions.size(); ++i) {
    CheckOutcome outcome = ifeval::CheckInstruction(*row.instructions[i], variants);
    outcome.id = row.instruction_ids[i];
    result.outcomes.push_back(std::move(outcome));
  }
  ifeval::AddObservations(result.outcomes, &CheckOutcome::strict, kIlaStrict, kPlaStrict, result);
  ifeval::AddObservations(result.outcomes, &CheckOutcome::loose, kIlaLoose, kPlaLoose, result);
  if (set_.fixed_policy) {
    ifeval::AddObservations(result.outcomes, &CheckOutcome::strict_fixed, kIlaStrictFixed,
                            kPlaStrictFixed, result);
    ifeval::AddObservations(result.outcomes, &CheckOutcome::loose_fixed, kIlaLooseFixed,
                            kPlaLooseFixed, result);
  }
  // The original is blank exactly when no variant is left of it.
  result.observations.push_back(
      {std::string(kEmptyResponse), variants.texts().empty() ? 1.0 : 0.0, 1});
  return result;
}

}  // namespace plumbline
