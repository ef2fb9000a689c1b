// turn_N_overall is the mean of PLA strict, ILA strict, PLA loose and ILA loose of a turn. With N
// prompts and M instructions in the turn, a_i the mean of a prompt's two PLA outcomes and b_i the
// mean of its numbers of followed instructions (of k_i), it is
//
//   1/2 Σ a_i / N + 1/2 Σ b_i / M  =  Σ (M a_i + N b_i) / Σ (M + N k_i)
//
// over all rows, because Σ k_i = M makes the denominator 2 N M. So each prompt brings M a_i + N b_i
// successes in M + N k_i trials (both divided by gcd(N, M)), and the score is a metric as every
// other: intervals, paired tests and gates need to know nothing of it. N and M are the task's:
// where responses are missing, the weights of the two halves are those of the whole task.
#include "core/eval/multi_if/multi_if.h"

#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/ifeval/scoring.h"
#include "core/eval/metrics.h"
#include "core/eval/multi_if/multilingual_checks.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

std::string Metric(size_t turn, absl::string_view name) {
  return absl::StrCat("turn_", turn + 1, "_", name);
}

// The value of a field that holds JSON as text, or the value itself. Null where it is not there:
// null, "" and "None", which is what pandas makes of None.
absl::StatusOr<nlohmann::json> Decode(const nlohmann::json& row, const std::string& field) {
  const auto found = row.find(field);
  if (found == row.end()) return nlohmann::json();
  if (!found->is_string()) return *found;
  const std::string& text = found->get_ref<const std::string&>();
  if (text.empty() || text == "None") return nlohmann::json();
  nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", field, "\" is not JSON"));
  }
  return value;
}

absl::Status ReadInstructions(const nlohmann::json& row, size_t turn, MultiIfTurn& result) {
  const std::string prefix = absl::StrCat("turn_", turn + 1, "_");
  ABSL_ASSIGN_OR_RETURN(const nlohmann::json ids, Decode(row, prefix + "instruction_id_list"));
  if (!ids.is_array() || ids.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", prefix, "instruction_id_list\" is missing, empty or no list"));
  }
  ABSL_ASSIGN_OR_RETURN(const nlohmann::json kwargs, Decode(row, prefix + "kwargs"));
  if (!kwargs.is_array() || kwargs.size() != ids.size()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", prefix, "kwargs\" must be a list of ",
                                                   ids.size(), " objects, one for each of ", prefix,
                                                   "instruction_id_list"));
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!ids[i].is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", prefix, "instruction_id_list\"[", i, "] is no string"));
    }
    result.instruction_ids.push_back(ids[i].get<std::string>());
    nlohmann::json arguments = kwargs[i];
    if (arguments.is_string()) {
      arguments = nlohmann::json::parse(arguments.get<std::string>(), nullptr, false);
    }
    if (arguments.is_discarded()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", prefix, "kwargs\"[", i, "] is not JSON"));
    }
    auto instruction =
        ifeval::MakeInstruction(MultiIfTable(), result.instruction_ids.back(), arguments);
    if (!instruction.ok()) {
      return Annotate(instruction.status(), absl::StrCat("turn ", turn + 1));
    }
    result.instructions.push_back(*std::move(instruction));
    result.arguments.push_back(std::move(arguments));
  }
  return absl::OkStatus();
}

// The user's message, {"role": "user", "content": ...}; empty when the turn is not there.
absl::StatusOr<std::string> ReadPrompt(const nlohmann::json& row, size_t turn) {
  const std::string field = absl::StrCat("turn_", turn + 1, "_prompt");
  ABSL_ASSIGN_OR_RETURN(const nlohmann::json message, Decode(row, field));
  if (message.is_null()) return "";
  const auto content = message.is_object() ? message.find("content") : message.end();
  if (!message.is_object() || content == message.end() || !content->is_string() ||
      python::Strip(content->get_ref<const std::string&>()).empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", field, "\" is no {\"role\": \"user\", \"content\": text}"));
  }
  if (message.value("role", "user") != "user") {
    return absl::InvalidArgumentError(absl::StrCat("\"", field, "\" is not the user's"));
  }
  return content->get<std::string>();
}

}  // namespace

const ifeval::InstructionTable& MultiIfTable() {
  static const auto& table = *[] {
    auto* made = new ifeval::InstructionTable(ifeval::IfevalTable());
    (*made)["length_constraints:number_sentences"] = multi_if::MakeNumberSentences;
    (*made)["length_constraints:number_words"] = multi_if::MakeNumberWords;
    (*made)["startend:quotation"] = multi_if::MakeQuotation;
    return made;
  }();
  return table;
}

bool LooksLikeMultiIfRow(const nlohmann::json& row) {
  return row.is_object() && row.contains("turn_1_prompt") &&
         row.contains("turn_1_instruction_id_list");
}

absl::StatusOr<MultiIfRow> ParseMultiIfRow(const nlohmann::json& row) {
  if (!row.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat("a ", row.type_name(), ", want an object"));
  }
  MultiIfRow result;
  ABSL_ASSIGN_OR_RETURN(result.key, ifeval::ReadRowKey(row));
  const std::string where = absl::StrCat("key ", result.key);
  for (size_t turn = 0; turn < kMultiIfTurns; ++turn) {
    absl::StatusOr<std::string> prompt = ReadPrompt(row, turn);
    if (!prompt.ok()) return Annotate(prompt.status(), where);
    if (prompt->empty()) break;
    result.turns.emplace_back();
    result.turns.back().prompt = *std::move(prompt);
    const absl::Status status = ReadInstructions(row, turn, result.turns.back());
    if (!status.ok()) return Annotate(status, where);
  }
  if (result.turns.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": \"turn_1_prompt\" is missing"));
  }
  return result;
}

MultiIfChecker::MultiIfChecker(std::vector<MultiIfRow> rows) : rows_(std::move(rows)) {
  for (size_t turn = 0; turn < weights_.size(); ++turn) {
    int prompts = 0;
    int instructions = 0;
    for (const MultiIfRow& row : rows_) {
      if (row.turns.size() <= turn) continue;
      ++prompts;
      instructions += static_cast<int>(row.turns[turn].instructions.size());
    }
    if (prompts == 0) continue;
    const int shared = std::gcd(prompts, instructions);
    weights_[turn] = {instructions / shared, prompts / shared};
  }
}

std::vector<std::string> MultiIfChecker::Metrics() const {
  std::vector<std::string> metrics;
  for (size_t turn = weights_.size(); turn-- > 0;) {
    if (weights_[turn].per_prompt == 0) continue;
    for (absl::string_view name :
         {absl::string_view("overall"), kPlaStrict, kIlaStrict, kPlaLoose, kIlaLoose}) {
      metrics.push_back(Metric(turn, name));
    }
  }
  return metrics;
}

std::vector<MeanMetric> MultiIfChecker::Means() const {
  std::vector<MeanMetric> means;
  for (size_t turn = weights_.size(); turn-- > 0;) {
    if (weights_[turn].per_prompt == 0) continue;
    means.push_back({Metric(turn, "overall"), {}});
    for (absl::string_view name : {kPlaStrict, kIlaStrict, kPlaLoose, kIlaLoose}) {
      means.back().of.push_back(Metric(turn, name));
    }
  }
  return means;
}

CheckResult MultiIfChecker::CheckResponse(size_t index, absl::string_view response) const {
  return CheckTurns(index, {std::string(response)});
}

CheckResult MultiIfChecker::CheckTurns(size_t index,
                                       const std::vector<std::string>& responses) const {
  const MultiIfRow& row = rows_.at(index);
  CheckResult result;
  int blank = 0;
  const size_t turns = std::min(row.turns.size(), responses.size());
  for (size_t turn = 0; turn < turns; ++turn) {
    const ifeval::LooseVariants variants(python::DecodeReplacing(responses[turn]));
    CheckResult of_turn;
    for (size_t i = 0; i < row.turns[turn].instructions.size(); ++i) {
      const ifeval::Instruction& instruction = *row.turns[turn].instructions[i];
      of_turn.outcomes.push_back(ifeval::CheckInstruction(instruction, variants));
      of_turn.outcomes.back().id =
          absl::StrCat("turn_", turn + 1, "/", row.turns[turn].instruction_ids[i]);
    }
    blank += variants.texts().empty();
    ifeval::AddObservations(of_turn.outcomes, &CheckOutcome::strict, Metric(turn, kIlaStrict),
                            Metric(turn, kPlaStrict), of_turn);
    ifeval::AddObservations(of_turn.outcomes, &CheckOutcome::loose, Metric(turn, kIlaLoose),
                            Metric(turn, kPlaLoose), of_turn);
    const Weights& weights = weights_[turn];
    const std::vector<Observation>& four = of_turn.observations;  // ILA, PLA, strict then loose
    of_turn.observations.push_back(
        {Metric(turn, "overall"),
         weights.per_prompt * (four[1].successes + four[3].successes) / 2 +
             weights.per_instruction * (four[0].successes + four[2].successes) / 2,
         weights.per_prompt + weights.per_instruction * four[0].trials});
    std::move(of_turn.outcomes.begin(), of_turn.outcomes.end(),
              std::back_inserter(result.outcomes));
    std::move(of_turn.observations.begin(), of_turn.observations.end(),
              std::back_inserter(result.observations));
  }
  result.observations.push_back(
      {std::string(kEmptyResponse), static_cast<double>(blank), static_cast<int>(turns)});
  return result;
}

}  // namespace plumbline
