// A compiled pattern: instructions of a Pike machine.
#ifndef PLUMBLINE_CORE_EVAL_PYRE_PROGRAM_H_
#define PLUMBLINE_CORE_EVAL_PYRE_PROGRAM_H_

#include <bitset>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/pyre/ast.h"

namespace plumbline::pyre {

// A set of characters as the machine tests it.
class CharSet {
 public:
  CharSet() = default;
  explicit CharSet(const Node& node);  // kSet

  bool Matches(char32_t c) const { return c < 128 ? ascii_[c] : MatchesSlowly(c); }

 private:
  bool MatchesSlowly(char32_t c) const;

  std::vector<std::pair<char32_t, char32_t>> ranges_;  // sorted; of IgnoreCaseKeys when fold_
  std::vector<Category> categories_;
  bool fold_ = false;
  bool negate_ = false;
  bool ascii_categories_ = false;  // (?a): \d, \s, \w know ASCII only
  std::bitset<128> ascii_;
};

struct Instruction {
  enum Op {
    kChar,      // consume c, go to x; so do the next three
    kSet,       // consume one of sets[index]
    kAny,       // consume anything
    kAnyButNl,  // consume anything but \n
    kSplit,     // go to x, with less priority to y
    kJump,      // go to x
    kSave,      // note the position in slot index
    kAt,        // go on if the position is such
    kLook,      // go on if looks[index] matches from `back` characters earlier, or not (negate)
    kMatch,
  } op = kMatch;
  char32_t c = 0;
  int index = 0;
  int x = 0, y = 0;
  At at = At::kBeginning;
  bool multi_line = false;  // kAt
  bool ascii = false;       // kAt: word boundaries of (?a)
  bool negate = false;      // kLook
  size_t back = 0;          // kLook: 0 looks ahead
};

inline bool IsAssertion(const Instruction& in) {
  return in.op == Instruction::kAt || in.op == Instruction::kLook;
}
inline bool Consumes(const Instruction& in) { return in.op <= Instruction::kAnyButNl; }

struct Program {
  std::string pattern;  // UTF-8, for messages
  std::vector<Instruction> code;
  std::vector<CharSet> sets;
  std::vector<Program> looks;  // look-arounds' patterns, which capture nothing
  int instructions = 0;        // with those of the look-arounds
  int groups = 0;

  // Where a match can begin: a necessary condition on the first character, or none.
  bool can_be_empty = true;
  std::bitset<128> first_ascii;  // non-ASCII characters always may
};

// Whether `in`, which consumes, takes `c`.
bool Takes(const Program& program, const Instruction& in, char32_t c);

inline constexpr int kMaxInstructions = 20000;  // of a program with its look-arounds

absl::StatusOr<Program> CompileProgram(const Ast& ast, std::string pattern);

}  // namespace plumbline::pyre

#endif  // PLUMBLINE_CORE_EVAL_PYRE_PROGRAM_H_
