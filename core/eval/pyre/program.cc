#include "core/eval/pyre/program.h"

#include <algorithm>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/python_unicode.h"

namespace plumbline::pyre {
namespace {

bool InCategory(Category category, char32_t c, bool ascii) {
  const bool known = !ascii || c < 128;
  switch (category) {
    case Category::kDigit:
      return known && python::IsDecimal(c);
    case Category::kNotDigit:
      return !(known && python::IsDecimal(c));
    case Category::kSpace:
      // ASCII \s is [ \t\n\r\f\v]; str.isspace knows \x1c-\x1f too.
      return ascii ? c == ' ' || (c >= '\t' && c <= '\r') : python::IsSpace(c);
    case Category::kNotSpace:
      return !InCategory(Category::kSpace, c, ascii);
    case Category::kWord:
      return known && python::IsWordChar(c);
    case Category::kNotWord:
      return !(known && python::IsWordChar(c));
  }
  return false;
}

// (?i) folds as Python does with str patterns; with (?a) only A-Z and a-z fold.
char32_t FoldKey(char32_t c, bool ascii) {
  if (ascii) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return python::IgnoreCaseKey(c);
}

// How many characters a match can have: Lib/re/_parser.py's SubPattern.getwidth.
struct Width {
  static constexpr int64_t kMaxRepeat = 4294967295;
  int64_t low = 0, high = 0;
  Width Clipped() const { return {std::min(low, kMaxRepeat - 1), std::min(high, kMaxRepeat)}; }
};

Width WidthOf(const Node& node) {
  Width width;
  switch (node.kind) {
    case Node::kSet:
    case Node::kAny:
      return {1, 1};
    case Node::kAt:
    case Node::kLook:
      return {0, 0};
    case Node::kConcat:
    case Node::kGroup:
      for (const NodePtr& child : node.children) {
        const Width more = WidthOf(*child);
        width = {width.low + more.low, width.high + more.high};
      }
      return width.Clipped();
    case Node::kAlternate:
      width = {Width::kMaxRepeat - 1, 0};
      for (const NodePtr& child : node.children) {
        const Width other = WidthOf(*child);
        width = {std::min(width.low, other.low), std::max(width.high, other.high)};
      }
      return width;
    case Node::kRepeat:
      width = WidthOf(*node.children[0]);
      width.low *= node.min;
      if (node.max >= 0) {
        width.high *= node.max;
      } else if (width.high > 0) {
        width.high = Width::kMaxRepeat;
      }
      return width.Clipped();
  }
  return width;
}

bool CanBeEmpty(const Node& node) { return WidthOf(node).low == 0; }

class Compiler {
 public:
  explicit Compiler(Program& program) : program_(program) {}

  absl::Status Run(const Node& root) {
    Save(0);
    ABSL_RETURN_IF_ERROR(Emit(root));
    Save(1);
    Add(Instruction::kMatch);
    program_.instructions = Used();
    if (too_long_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the pattern needs more than ", kMaxInstructions,
                       " instructions (counted repeats multiply): make its repeats smaller"));
    }
    return absl::OkStatus();
  }

 private:
  int Add(Instruction::Op op) {
    if (Used() >= kMaxInstructions) {
      too_long_ = true;
      return static_cast<int>(program_.code.size()) - 1;
    }
    program_.code.push_back({});
    program_.code.back().op = op;
    program_.code.back().x = Next();
    return static_cast<int>(program_.code.size()) - 1;
  }
  int Next() const { return static_cast<int>(program_.code.size()); }
  int Used() const { return Next() + in_looks_; }
  Instruction& At(int index) { return program_.code[index]; }
  void Save(int slot) { At(Add(Instruction::kSave)).index = slot; }

  // A split whose preferred way is the next instruction (greedy) or the one patched in later.
  int Split(bool greedy) {
    const int at = Add(Instruction::kSplit);
    (greedy ? At(at).x : At(at).y) = at + 1;
    return at;
  }
  void PatchSplit(int at, bool greedy, int target) { (greedy ? At(at).y : At(at).x) = target; }

  absl::Status Emit(const Node& node);
  absl::Status EmitRepeat(const Node& node);
  absl::Status EmitRound(const Node& body, bool nullable, std::vector<int>& exits);
  absl::Status EmitAlternate(const Node& node);
  void EmitSet(const Node& node);
  absl::Status EmitLook(const Node& node);

  Program& program_;
  std::map<const Node*, int> looks_;  // index in program_.looks: a repeat emits its body often
  int in_looks_ = 0;                  // instructions of the look-arounds so far
  bool too_long_ = false;
};

absl::Status Compiler::Emit(const Node& node) {
  if (too_long_) return absl::OkStatus();
  switch (node.kind) {
    case Node::kSet:
      EmitSet(node);
      return absl::OkStatus();
    case Node::kAny:
      Add(node.flags.dot_all ? Instruction::kAny : Instruction::kAnyButNl);
      return absl::OkStatus();
    case Node::kAt: {
      Instruction& at = At(Add(Instruction::kAt));
      at.at = node.at;
      at.multi_line = node.flags.multi_line;
      at.ascii = node.flags.ascii;
      return absl::OkStatus();
    }
    case Node::kConcat:
      for (const NodePtr& child : node.children) ABSL_RETURN_IF_ERROR(Emit(*child));
      return absl::OkStatus();
    case Node::kGroup:
      if (node.group > 0) Save(2 * node.group);
      ABSL_RETURN_IF_ERROR(Emit(*node.children[0]));
      if (node.group > 0) Save(2 * node.group + 1);
      return absl::OkStatus();
    case Node::kAlternate:
      return EmitAlternate(node);
    case Node::kRepeat:
      return EmitRepeat(node);
    case Node::kLook:
      return EmitLook(node);
  }
  return absl::InternalError("unknown node");
}

absl::Status Compiler::EmitLook(const Node& node) {
  const Width width = WidthOf(*node.children[0]);
  if (node.behind && width.low != width.high) {
    return absl::InvalidArgumentError("look-behind requires fixed-width pattern");
  }
  const auto [known, fresh] = looks_.try_emplace(&node, static_cast<int>(program_.looks.size()));
  if (fresh) {
    Program look;
    ABSL_RETURN_IF_ERROR(Compiler(look).Run(*node.children[0]));
    in_looks_ += look.instructions;
    program_.looks.push_back(std::move(look));
  }
  Instruction& in = At(Add(Instruction::kLook));
  in.index = known->second;
  in.negate = node.negate;
  in.back = node.behind ? static_cast<size_t>(width.low) : 0;
  return absl::OkStatus();
}

void Compiler::EmitSet(const Node& node) {
  if (!node.negate && node.items.size() == 1 && node.items[0].kind == SetItem::kRange &&
      node.items[0].low == node.items[0].high && !node.flags.ignore_case) {
    At(Add(Instruction::kChar)).c = node.items[0].low;
    return;
  }
  const int index = static_cast<int>(program_.sets.size());
  At(Add(Instruction::kSet)).index = index;
  program_.sets.emplace_back(node);
}

absl::Status Compiler::EmitAlternate(const Node& node) {
  std::vector<int> jumps;
  for (size_t i = 0; i < node.children.size(); ++i) {
    const bool last = i + 1 == node.children.size();
    const int split = last ? -1 : Split(/*greedy=*/true);
    ABSL_RETURN_IF_ERROR(Emit(*node.children[i]));
    if (last) break;
    jumps.push_back(Add(Instruction::kJump));
    PatchSplit(split, /*greedy=*/true, Next());
  }
  for (int jump : jumps) At(jump).x = Next();
  return absl::OkStatus();
}

absl::Status Compiler::EmitRepeat(const Node& node) {
  const Node& body = *node.children[0];
  const bool nullable = CanBeEmpty(body);
  // The rounds that must be; without bound and with a body that consumes, the last one is the loop.
  const bool loop_last = node.max < 0 && node.min > 0 && !nullable;
  for (int i = 0; i < node.min - (loop_last ? 1 : 0) && !too_long_; ++i) {
    ABSL_RETURN_IF_ERROR(Emit(body));
  }
  if (loop_last) {
    const int begin = Next();
    ABSL_RETURN_IF_ERROR(Emit(body));
    const int again = Add(Instruction::kSplit);
    (node.greedy ? At(again).x : At(again).y) = begin;
    (node.greedy ? At(again).y : At(again).x) = again + 1;
    return absl::OkStatus();
  }
  if (node.max < 0) {
    const int split = Split(node.greedy);
    std::vector<int> exits = {};
    ABSL_RETURN_IF_ERROR(EmitRound(body, nullable, exits));
    At(Add(Instruction::kJump)).x = split;
    for (int exit : exits) At(exit).x = Next();
    PatchSplit(split, node.greedy, Next());
    return absl::OkStatus();
  }
  std::vector<int> skips, exits;
  for (int i = node.min; i < node.max && !too_long_; ++i) {
    skips.push_back(Split(node.greedy));
    ABSL_RETURN_IF_ERROR(EmitRound(body, nullable, exits));
  }
  for (int exit : exits) At(exit).x = Next();
  for (int skip : skips) PatchSplit(skip, node.greedy, Next());
  return absl::OkStatus();
}

// One round that need not be. CPython leaves a repeat after a round that matched nothing. So a body
// that can be empty is emitted twice: the first copy has consumed nothing yet and its end leaves
// the repeat (through a jump noted in `exits`); every instruction of it that consumes goes on in
// the second copy, whose end is the end of the round.
absl::Status Compiler::EmitRound(const Node& body, bool nullable, std::vector<int>& exits) {
  if (!nullable) return Emit(body);
  const int fresh = Next();
  ABSL_RETURN_IF_ERROR(Emit(body));
  exits.push_back(Add(Instruction::kJump));
  const int consumed = Next();
  ABSL_RETURN_IF_ERROR(Emit(body));
  if (too_long_) return absl::OkStatus();
  for (int i = fresh; i < exits.back(); ++i) {
    switch (At(i).op) {
      case Instruction::kChar:
      case Instruction::kSet:
      case Instruction::kAny:
      case Instruction::kAnyButNl:
        At(i).x += consumed - fresh;
        break;
      default:
        break;
    }
  }
  return absl::OkStatus();
}

// Which ASCII characters a match can begin with: those that some consuming instruction reachable
// from the start takes.
void FindFirstCharacters(Program& program) {
  std::vector<bool> seen(program.code.size());
  std::vector<int> stack = {0};
  program.can_be_empty = false;
  auto add_if = [&program](auto matches) {
    for (char32_t c = 0; c < 128; ++c) {
      if (matches(c)) program.first_ascii.set(c);
    }
  };
  while (!stack.empty()) {
    const int at = stack.back();
    stack.pop_back();
    if (seen[at]) continue;
    seen[at] = true;
    const Instruction& in = program.code[at];
    switch (in.op) {
      case Instruction::kChar:
        add_if([&](char32_t c) { return c == in.c; });
        break;
      case Instruction::kSet:
        add_if([&](char32_t c) { return program.sets[in.index].Matches(c); });
        break;
      case Instruction::kAny:
        add_if([](char32_t) { return true; });
        break;
      case Instruction::kAnyButNl:
        add_if([](char32_t c) { return c != '\n'; });
        break;
      case Instruction::kSplit:
        stack.push_back(in.y);
        stack.push_back(in.x);
        break;
      case Instruction::kJump:
        stack.push_back(in.x);
        break;
      case Instruction::kSave:
      case Instruction::kAt:
      case Instruction::kLook:
        stack.push_back(at + 1);
        break;
      case Instruction::kMatch:
        program.can_be_empty = true;
        break;
    }
  }
}

}  // namespace

CharSet::CharSet(const Node& node)
    : fold_(node.flags.ignore_case), negate_(node.negate), ascii_categories_(node.flags.ascii) {
  for (const SetItem& item : node.items) {
    if (item.kind == SetItem::kCategory) {
      categories_.push_back(item.category);
    } else if (!fold_) {
      ranges_.emplace_back(item.low, item.high);
    } else {
      std::vector<char32_t> keys;
      keys.reserve(item.high - item.low + 1);
      for (char32_t c = item.low; c <= item.high; ++c)
        keys.push_back(FoldKey(c, ascii_categories_));
      std::sort(keys.begin(), keys.end());
      for (char32_t key : keys) {
        if (!ranges_.empty() && ranges_.back().second + 1 >= key && ranges_.back().first <= key) {
          ranges_.back().second = std::max(ranges_.back().second, key);
        } else {
          ranges_.emplace_back(key, key);
        }
      }
    }
  }
  std::sort(ranges_.begin(), ranges_.end());
  for (char32_t c = 0; c < 128; ++c) ascii_[c] = MatchesSlowly(c);
}

bool CharSet::MatchesSlowly(char32_t c) const {
  const char32_t key = fold_ ? FoldKey(c, ascii_categories_) : c;
  // Ranges may overlap, so all that begin at or before the key count; patterns have few.
  for (const auto& [low, high] : ranges_) {
    if (low > key) break;
    if (key <= high) return !negate_;
  }
  for (Category category : categories_) {
    if (InCategory(category, c, ascii_categories_)) return !negate_;
  }
  return negate_;
}

bool Takes(const Program& program, const Instruction& in, char32_t c) {
  switch (in.op) {
    case Instruction::kChar:
      return c == in.c;
    case Instruction::kSet:
      return program.sets[static_cast<size_t>(in.index)].Matches(c);
    case Instruction::kAny:
      return true;
    case Instruction::kAnyButNl:
      return c != '\n';
    default:
      return false;
  }
}

absl::StatusOr<Program> CompileProgram(const Ast& ast, std::string pattern) {
  Program program;
  program.pattern = std::move(pattern);
  program.groups = ast.groups;
  ABSL_RETURN_IF_ERROR(Compiler(program).Run(*ast.root));
  FindFirstCharacters(program);
  return program;
}

}  // namespace plumbline::pyre
