// Strict and loose verdicts of instructions, and the observations they add up to: what IFEval's
// checker and Multi-IF's share.
#ifndef PLUMBLINE_CORE_EVAL_IFEVAL_SCORING_H_
#define PLUMBLINE_CORE_EVAL_IFEVAL_SCORING_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/ifeval/instruction.h"
#include "core/eval/ifeval/loose_variants.h"
#include "core/eval/task.h"

namespace plumbline::ifeval {

// One instruction's outcome under both policies; its id is the caller's to set. A blank response
// follows nothing.
CheckOutcome CheckInstruction(const Instruction& instruction, const LooseVariants& variants);

// Adds metric `ila` with one trial an outcome and `pla` with one trial, from one member of the
// outcomes.
void AddObservations(const std::vector<CheckOutcome>& outcomes, bool CheckOutcome::*member,
                     absl::string_view ila, absl::string_view pla, CheckResult& result);

// A row's "key": an integer, in decimal, or a string. InvalidArgument says what is wrong.
absl::StatusOr<std::string> ReadRowKey(const nlohmann::json& row);

}  // namespace plumbline::ifeval

#endif  // PLUMBLINE_CORE_EVAL_IFEVAL_SCORING_H_
