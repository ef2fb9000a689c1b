#include "core/eval/pyre/machine.h"

#include <algorithm>

#include "core/eval/pyre/regex.h"

namespace plumbline::pyre {
namespace {

// Any pattern on an ordinary response takes far fewer: quadratic work on 5,000 characters is 2 x
// 10^7.
constexpr int64_t kFreeSteps = int64_t{1} << 26;

}  // namespace

Machine::Machine(const Program& program, std::u32string_view text, int slots)
    : program_(program),
      text_(text),
      slot_count_(slots),
      budget_(kFreeSteps +
              4 * static_cast<int64_t>(program.instructions) * static_cast<int64_t>(text.size())),
      assertions_(program, text, steps_) {
  for (Threads* threads : {&current_, &next_}) {
    threads->seen.assign(program.code.size(), 0);
    threads->slots.assign(program.code.size() * static_cast<size_t>(slots), PyMatch::kNoGroup);
    threads->order.reserve(program.code.size());
  }
  working_.assign(static_cast<size_t>(slots), PyMatch::kNoGroup);
  best_ = working_;
}

void Machine::Clear(Threads& threads) {
  threads.order.clear();
  ++threads.generation;
}

// Follows everything that consumes nothing, depth first, the preferred way first. working_ holds
// the slots; an entry on the stack restores one when the way that changed it has been followed.
void Machine::Add(Threads& threads, int instruction, size_t position) {
  stack_.push_back({instruction, 0});
  while (!stack_.empty()) {
    const Pending pending = stack_.back();
    stack_.pop_back();
    if (pending.instruction < 0) {
      working_[static_cast<size_t>(~pending.instruction)] = pending.value;
      continue;
    }
    const int at = pending.instruction;
    if (threads.seen[at] == threads.generation) continue;
    threads.seen[at] = threads.generation;
    const Instruction& in = program_.code[at];
    switch (in.op) {
      case Instruction::kJump:
        stack_.push_back({in.x, 0});
        break;
      case Instruction::kSplit:
        stack_.push_back({in.y, 0});
        stack_.push_back({in.x, 0});
        break;
      case Instruction::kAt:
      case Instruction::kLook:
        if (assertions_.Hold(in, position)) stack_.push_back({at + 1, 0});
        break;
      case Instruction::kSave:
        if (in.index < slot_count_) {
          stack_.push_back({~in.index, working_[static_cast<size_t>(in.index)]});
          working_[static_cast<size_t>(in.index)] = position;
        }
        stack_.push_back({at + 1, 0});
        break;
      default:
        threads.order.push_back(at);
        std::copy(working_.begin(), working_.end(),
                  threads.slots.begin() + static_cast<long>(at) * slot_count_);
    }
  }
}

// Moves every thread of current_ over text_[position] into next_, until one matches: what comes
// behind that one is less preferred. True if one matched.
bool Machine::Step(size_t position, bool forbid_empty, size_t from) {
  Clear(next_);
  const bool at_end = position == text_.size();
  const char32_t c = at_end ? 0 : text_[position];
  for (int at : current_.order) {
    const Instruction& in = program_.code[at];
    const auto slots = current_.slots.begin() + static_cast<long>(at) * slot_count_;
    if (in.op == Instruction::kMatch) {
      // Only a thread that began at `from` can be at `from` here.
      if (forbid_empty && position == from) continue;
      std::copy(slots, slots + slot_count_, best_.begin());
      return true;
    }
    if (at_end || !Takes(program_, in, c)) continue;
    std::copy(slots, slots + slot_count_, working_.begin());
    Add(next_, in.x, position + 1);
  }
  return false;
}

bool Machine::Find(size_t from, bool not_empty_at_from) {
  bool matched = false;
  Clear(current_);
  for (size_t position = from;; ++position) {
    steps_ += static_cast<int64_t>(current_.order.size()) + 1;
    if (exhausted()) return false;
    if (!matched) {
      if (current_.order.empty() && !program_.can_be_empty) {
        while (position < text_.size() && text_[position] < 128 &&
               !program_.first_ascii[text_[position]]) {
          ++position;
        }
        Clear(current_);  // what Add() tried at an earlier position says nothing about this one
        if (position == text_.size()) return false;
      }
      std::fill(working_.begin(), working_.end(), PyMatch::kNoGroup);
      Add(current_, 0, position);
    }
    if (Step(position, not_empty_at_from, from)) {
      matched = true;
      if (slot_count_ == 0) return true;
    }
    std::swap(current_, next_);
    if (position == text_.size() || (matched && current_.order.empty())) return matched;
  }
}

}  // namespace plumbline::pyre
