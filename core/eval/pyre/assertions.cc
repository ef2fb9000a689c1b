#include "core/eval/pyre/assertions.h"

#include <utility>

#include "core/text/python_unicode.h"

namespace plumbline::pyre {
namespace {

// For each instruction those that lead to it: by a character, or by nothing (free).
struct Sources {
  explicit Sources(const Program& program)
      : consuming(program.code.size()), free(program.code.size()) {
    for (int at = 0; at < static_cast<int>(program.code.size()); ++at) {
      const Instruction& in = program.code[static_cast<size_t>(at)];
      if (in.op == Instruction::kMatch) continue;
      auto& kind = Consumes(in) ? consuming : free;
      kind[static_cast<size_t>(in.x)].push_back(at);
      if (in.op == Instruction::kSplit) kind[static_cast<size_t>(in.y)].push_back(at);
    }
  }
  std::vector<std::vector<int>> consuming, free;
};

// Whether `program` matches from each position on. The instructions from which the match can be
// reached at a position follow from those of the position behind it.
std::vector<bool> MatchesFrom(const Program& program, std::u32string_view text, int64_t& steps) {
  const Assertions assertions(program, text, steps);
  const Sources sources(program);
  std::vector<bool> matches(text.size() + 1);
  std::vector<size_t> seen(program.code.size(), text.size() + 1);
  std::vector<int> here, behind;
  for (size_t position = text.size() + 1; position-- > 0;) {
    const auto reach = [&](int at) {
      if (std::exchange(seen[static_cast<size_t>(at)], position) != position) here.push_back(at);
    };
    here.clear();
    reach(static_cast<int>(program.code.size()) - 1);  // the kMatch
    for (const int target : behind) {
      for (const int at : sources.consuming[static_cast<size_t>(target)]) {
        if (Takes(program, program.code[static_cast<size_t>(at)], text[position])) reach(at);
      }
    }
    for (size_t i = 0; i < here.size(); ++i) {
      for (const int at : sources.free[static_cast<size_t>(here[i])]) {
        const Instruction& in = program.code[static_cast<size_t>(at)];
        if (!IsAssertion(in) || assertions.Hold(in, position)) reach(at);
      }
    }
    matches[position] = seen[0] == position;
    steps += static_cast<int64_t>(here.size()) + 1;
    std::swap(here, behind);
  }
  return matches;
}

}  // namespace

Assertions::Assertions(const Program& program, std::u32string_view text, int64_t& steps)
    : text_(text) {
  for (const Program& look : program.looks) looks_.push_back(MatchesFrom(look, text, steps));
}

bool Assertions::IsWord(size_t index, bool ascii) const {
  if (index >= text_.size()) return false;
  const char32_t c = text_[index];
  return (!ascii || c < 128) && python::IsWordChar(c);
}

bool Assertions::AnchorHolds(const Instruction& in, size_t position) const {
  const size_t end = text_.size();
  switch (in.at) {
    case At::kBeginning:
      return position == 0 || (in.multi_line && text_[position - 1] == '\n');
    case At::kEnd:
      if (position == end) return true;
      return text_[position] == '\n' && (in.multi_line || position + 1 == end);
    case At::kBeginningString:
      return position == 0;
    case At::kEndString:
      return position == end;
    case At::kBoundary:
    case At::kNonBoundary: {
      if (end == 0) return false;  // CPython 3.11: neither holds in an empty text
      const bool before = position > 0 && IsWord(position - 1, in.ascii);
      const bool boundary = before != IsWord(position, in.ascii);
      return boundary == (in.at == At::kBoundary);
    }
  }
  return false;
}

bool Assertions::LookHolds(const Instruction& in, size_t position) const {
  const bool found =
      position >= in.back && looks_[static_cast<size_t>(in.index)][position - in.back];
  return found != in.negate;
}

}  // namespace plumbline::pyre
