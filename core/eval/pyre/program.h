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
    kMatch,
  } op = kMatch;
  char32_t c = 0;
  int index = 0;
  int x = 0, y = 0;
  At at = At::kBeginning;
  bool multi_line = false;  // kAt
  bool ascii = false;       // kAt: word boundaries of (?a)
};

struct Program {
  std::string pattern;  // UTF-8, for messages
  std::vector<Instruction> code;
  std::vector<CharSet> sets;
  int groups = 0;

  // Where a match can begin: a necessary condition on the first character, or none.
  bool can_be_empty = true;
  std::bitset<128> first_ascii;  // non-ASCII characters always may
};

inline constexpr int kMaxInstructions = 20000;

absl::StatusOr<Program> CompileProgram(const Ast& ast, std::string pattern);

}  // namespace plumbline::pyre

#endif  // PLUMBLINE_CORE_EVAL_PYRE_PROGRAM_H_
