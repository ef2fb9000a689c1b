// Multi-IF (He et al. 2024, arXiv 2410.15553): conversations of up to three turns, each of which
// adds instructions; a turn's response must follow those of all turns so far. Eleven languages.
//
// The instructions are IFEval's 25, with counts of sentences and words and quotation marks that
// depend on the language that langdetect finds in the response.
#ifndef PLUMBLINE_CORE_EVAL_MULTI_IF_MULTI_IF_H_
#define PLUMBLINE_CORE_EVAL_MULTI_IF_MULTI_IF_H_

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/ifeval/instruction.h"
#include "core/eval/task.h"

namespace plumbline {

inline constexpr int kMultiIfTurns = 3;

struct MultiIfTurn {
  std::string prompt;
  std::vector<std::string> instruction_ids;  // of this turn and all before it
  // Aligned with the ids, as the next.
  std::vector<std::shared_ptr<const ifeval::Instruction>> instructions;
  nlohmann::json arguments = nlohmann::json::array();
};

struct MultiIfRow {
  std::string key;
  std::vector<MultiIfTurn> turns;  // 1 to kMultiIfTurns
};

const ifeval::InstructionTable& MultiIfTable();

// Whether a JSON object is a row of Multi-IF's form.
bool LooksLikeMultiIfRow(const nlohmann::json& row);

// Reads a row of the published form: turn_N_prompt, turn_N_instruction_id_list and turn_N_kwargs
// are JSON texts (or the values themselves); a turn whose prompt is null, "" or "None" is not
// there. InvalidArgument names key, turn, instruction and argument.
absl::StatusOr<MultiIfRow> ParseMultiIfRow(const nlohmann::json& row);

class MultiIfChecker : public Checker {
 public:
  explicit MultiIfChecker(std::vector<MultiIfRow> rows);

  absl::string_view version() const override { return "multi_if/2"; }
  // One response only: the first turn's.
  CheckResult CheckResponse(size_t index, absl::string_view response) const override;
  // Observations of each turn N: turn_N_{pla,ila}_{strict,loose}, and turn_N_overall, which over
  // all rows is the mean of the four; empty_response with one trial a turn.
  CheckResult CheckTurns(size_t index, const std::vector<std::string>& responses) const override;
  CheckResult CheckChoices(size_t, const std::vector<LogLikelihood>&) const override { return {}; }

  // The scores of the turns there are, the last turn's first.
  std::vector<std::string> Metrics() const;
  // turn_N_overall, of its four.
  std::vector<MeanMetric> Means() const;

 private:
  // What makes the mean of the four a sum over a sum: see multi_if.cc.
  struct Weights {
    int per_prompt = 0;
    int per_instruction = 0;
  };

  const std::vector<MultiIfRow> rows_;
  std::array<Weights, kMultiIfTurns> weights_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_MULTI_IF_MULTI_IF_H_
