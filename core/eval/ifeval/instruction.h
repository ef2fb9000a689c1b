// One verifiable instruction of a prompt: an id such as "punctuation:no_comma" with its arguments,
// ready to check. The semantics are those of the reference (Zhou et al. 2023, as lm-eval carries
// it), quirks included; docs/tasks.md lists them.
#ifndef PLUMBLINE_CORE_EVAL_IFEVAL_INSTRUCTION_H_
#define PLUMBLINE_CORE_EVAL_IFEVAL_INSTRUCTION_H_

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/ifeval/response_text.h"

namespace plumbline::ifeval {

// kReference: the reference's behaviour, made deterministic. kFixed: its known defects mended
// (nth paragraph counted over non-blank parts, horizontal rules are no bullets, keyword frequency
// counts whole words).
enum class Policy { kReference, kFixed };

// Immutable, thread-safe.
class Instruction {
 public:
  virtual ~Instruction() = default;
  // Whether `response`, which is not blank, follows the instruction. When it does not and `why` is
  // not null, *why says what was found and what was wanted ("found 2 commas, want 0").
  virtual bool Follows(const ResponseText& response, Policy policy, std::string* why) const = 0;
  // Whether the two policies can differ.
  virtual bool has_fix() const { return false; }
};

using InstructionOr = absl::StatusOr<std::unique_ptr<const Instruction>>;

// A benchmark's instructions: id → what makes one from its arguments.
class Kwargs;
using InstructionTable = std::map<std::string, InstructionOr (*)(Kwargs&)>;

// IFEval's 25.
const InstructionTable& IfevalTable();

// Makes an instruction of `table` from its id and its kwargs object. Arguments that are null
// (Hugging Face pads with them) or empty and not the instruction's own are ignored. InvalidArgument
// names the id and the argument: unknown id, an argument that is missing, of the wrong type, out of
// range, or not the instruction's. Where the reference would draw a missing argument at random, it
// is an error here. A keyword that Python's re does not compile, or that can't be matched in
// bounded time, is an error too.
InstructionOr MakeInstruction(const InstructionTable& table, absl::string_view id,
                              const nlohmann::json& kwargs);
// Of IFEval's.
InstructionOr MakeInstruction(absl::string_view id, const nlohmann::json& kwargs);

// The ids of a table, sorted.
std::vector<std::string> InstructionIds(const InstructionTable& table = IfevalTable());

}  // namespace plumbline::ifeval

#endif  // PLUMBLINE_CORE_EVAL_IFEVAL_INSTRUCTION_H_
