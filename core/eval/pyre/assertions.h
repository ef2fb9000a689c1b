// What a program's zero-width assertions say at each position of one text: anchors, word
// boundaries, and look-arounds.
//
// A look-around asks whether its pattern matches from a position on, whatever the span. One pass
// over the text from right to left answers that for every position, so look-arounds cost what the
// pattern itself costs: O(text × pattern). A look-behind has a fixed width, so it asks the same
// question that many characters earlier.
#ifndef PLUMBLINE_CORE_EVAL_PYRE_ASSERTIONS_H_
#define PLUMBLINE_CORE_EVAL_PYRE_ASSERTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/eval/pyre/program.h"

namespace plumbline::pyre {

// Immutable. Refers to the text.
class Assertions {
 public:
  // Adds what the look-arounds take to `steps`.
  Assertions(const Program& program, std::u32string_view text, int64_t& steps);

  // `in` is a kAt or a kLook of the program.
  bool Hold(const Instruction& in, size_t position) const {
    return in.op == Instruction::kAt ? AnchorHolds(in, position) : LookHolds(in, position);
  }

 private:
  bool AnchorHolds(const Instruction& in, size_t position) const;
  bool LookHolds(const Instruction& in, size_t position) const;
  bool IsWord(size_t index, bool ascii) const;

  std::u32string_view text_;
  std::vector<std::vector<bool>> looks_;  // [look][position]: its pattern matches from there
};

}  // namespace plumbline::pyre

#endif  // PLUMBLINE_CORE_EVAL_PYRE_ASSERTIONS_H_
