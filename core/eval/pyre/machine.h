// Runs a Program over a text: all alternatives in lock step, one pass, in the order of preference
// that backtracking would try them (Pike's machine).
#ifndef PLUMBLINE_CORE_EVAL_PYRE_MACHINE_H_
#define PLUMBLINE_CORE_EVAL_PYRE_MACHINE_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/eval/pyre/assertions.h"
#include "core/eval/pyre/program.h"

namespace plumbline::pyre {

// Thread-compatible: scratch memory for searches of one program; make one a call.
class Machine {
 public:
  // Notes the first `slots` of the positions (0: only whether there is a match; 2: its span).
  Machine(const Program& program, std::u32string_view text, int slots);

  // Steps that all searches of this machine may take together. One pass over the text is within
  // it many times over; only a pattern whose every match needs a look at the whole rest of a huge
  // text (re.findall of "(a.*b)|a", quadratic) exceeds it: then Find() finds nothing more.
  int64_t budget() const { return budget_; }
  bool exhausted() const { return steps_ > budget_; }

  // The first match that begins at or behind `from`; with `not_empty_at_from`, a match that is
  // empty at `from` does not count (how re.findall goes on after an empty match). False without
  // one.
  bool Find(size_t from, bool not_empty_at_from);

  const std::vector<size_t>& slots() const { return best_; }

 private:
  // Instructions waiting for the next character, in order of preference, each at most once.
  struct Threads {
    std::vector<int> order;
    std::vector<uint32_t> seen;  // generation in which an instruction was added
    std::vector<size_t> slots;   // slot_count_ each, by instruction
    uint32_t generation = 0;
  };

  void Clear(Threads& threads);
  void Add(Threads& threads, int instruction, size_t position);
  bool Step(size_t position, bool forbid_empty, size_t from);

  struct Pending {
    int instruction;  // < 0: restore slot ~instruction to `value`
    size_t value;
  };

  const Program& program_;
  const std::u32string_view text_;
  const int slot_count_;
  const int64_t budget_;
  int64_t steps_ = 0;
  const Assertions assertions_;
  Threads current_, next_;
  std::vector<size_t> working_, best_;
  std::vector<Pending> stack_;
};

}  // namespace plumbline::pyre

#endif  // PLUMBLINE_CORE_EVAL_PYRE_MACHINE_H_
