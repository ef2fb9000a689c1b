// Scores responses with verifiable instructions: IFEval's (Zhou et al. 2023, arXiv 2311.07911) and
// those of the benchmarks that score the same way with other instructions (core/eval/ifbench).
//
// Strict: the response as it is. Loose: any of eight variants follows, {whole, without its first
// line, without its last, without both} × {as is, without asterisks}; every instruction may be
// satisfied by another variant. A blank response (or variant) follows nothing. Both under two
// policies (instruction.h).
#ifndef PLUMBLINE_CORE_EVAL_IFEVAL_IFEVAL_CHECKER_H_
#define PLUMBLINE_CORE_EVAL_IFEVAL_IFEVAL_CHECKER_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/ifeval/instruction.h"
#include "core/eval/task.h"

namespace plumbline {

// A benchmark: its instructions and the scores it reports.
struct InstructionSet {
  std::string version;  // of the semantics: "ifeval/1"
  const ifeval::InstructionTable* table = nullptr;
  std::vector<std::string> metrics;  // the primary one first
  bool fixed_policy = false;         // whether it has scores under policy `fixed` too
};
const InstructionSet& IfevalSet();

// One row of IFEval's JSONL: {key, prompt, instruction_id_list, kwargs}.
struct IfevalRow {
  std::string key;  // an integer key in decimal
  std::string prompt;
  std::vector<std::string> instruction_ids;
  std::vector<std::shared_ptr<const ifeval::Instruction>> instructions;  // aligned with the ids
};

// Reads a row; kwargs in Google's form (only the relevant arguments) or Hugging Face's (the others
// null). InvalidArgument names the field, the instruction and the argument; the caller adds the
// row.
absl::StatusOr<IfevalRow> ParseIfevalRow(const nlohmann::json& row,
                                         const InstructionSet& set = IfevalSet());

// Whether a JSON object is a row of IFEval's form.
bool LooksLikeIfevalRow(const nlohmann::json& row);

class IfevalChecker : public Checker {
 public:
  // `set` outlives the checker.
  explicit IfevalChecker(std::vector<IfevalRow> rows, const InstructionSet& set = IfevalSet())
      : rows_(std::move(rows)), set_(set) {}

  absl::string_view version() const override { return set_.version; }
  // Observations: ila_* with one trial an instruction and pla_* with one trial, for strict and
  // loose, and for strict_fixed and loose_fixed where the set has them; empty_response. One outcome
  // an instruction.
  CheckResult CheckResponse(size_t index, absl::string_view response) const override;
  // Not for this checker: no observations.
  CheckResult CheckChoices(size_t, const std::vector<LogLikelihood>&) const override { return {}; }

  const std::vector<IfevalRow>& rows() const { return rows_; }

 private:
  const std::vector<IfevalRow> rows_;
  const InstructionSet& set_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_IFEVAL_IFEVAL_CHECKER_H_
