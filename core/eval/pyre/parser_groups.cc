// Groups: what begins with a parenthesis, with the flags and names in it.
#include <cstdint>
#include <string>

#include "core/eval/pyre/parser_internal.h"

namespace plumbline::pyre {

absl::Status Parser::SkipName(char32_t terminator, std::string& name) {
  const size_t start = position_;
  while (true) {
    char32_t c = Peek();
    if (c == kNone) return Error("missing group name", position_);
    ++position_;
    if (c == terminator) break;
    const bool fine = c == '_' || IsAsciiLetter(c) || c >= 0x80 || (IsDigit(c) && !name.empty());
    if (!fine) return Error("bad character in group name", start);
    absl::StrAppend(&name, static_cast<uint32_t>(c), ",");
  }
  if (name.empty()) return Error("missing group name", start);
  return absl::OkStatus();
}

// Behind "(?": letters up to ")", ":" or "-". Global flags change flags_, scoped ones `inner`.
absl::Status Parser::ParseFlags(char32_t c, size_t start, bool may_be_global, Flags& inner,
                                bool& global) {
  auto set = [this](Flags& flags, char32_t letter, bool on) -> absl::Status {
    switch (letter) {
      case 'i':
        flags.ignore_case = on;
        return absl::OkStatus();
      case 'm':
        flags.multi_line = on;
        return absl::OkStatus();
      case 's':
        flags.dot_all = on;
        return absl::OkStatus();
      case 'x':
        flags.verbose = on;
        return absl::OkStatus();
      case 'a':
        if (!on)
          return Error("bad inline flags: cannot turn off flags 'a', 'u' and 'L'", position_);
        flags.ascii = true;
        return absl::OkStatus();
      case 'u':
        if (!on)
          return Error("bad inline flags: cannot turn off flags 'a', 'u' and 'L'", position_);
        flags.ascii = false;
        return absl::OkStatus();
      case 'L':
        return Error("bad inline flags: cannot use 'L' flag with a str pattern", position_);
      default:
        return Error("unknown flag", position_ - 1);
    }
  };
  std::u32string seen;
  Flags added = flags_;
  if (c != '-') {
    while (true) {
      ABSL_RETURN_IF_ERROR(set(added, c, true));
      seen += c;
      if (seen.find('a') != seen.npos && seen.find('u') != seen.npos) {
        return Error("bad inline flags: flags 'a', 'u' and 'L' are incompatible", position_);
      }
      c = Peek();
      if (c == kNone) return Error("missing -, : or )", position_);
      ++position_;
      if (c == ')' || c == '-' || c == ':') break;
      if (!IsAsciiLetter(c)) return Error("missing -, : or )", position_ - 1);
    }
  }
  if (c == ')') {
    if (!may_be_global) return Error("global flags not at the start of the expression", start);
    flags_ = added;
    global = true;
    return absl::OkStatus();
  }
  if (c == '-') {
    c = Peek();
    if (c == kNone) return Error("missing flag", position_);
    ++position_;
    if (!IsAsciiLetter(c)) return Error("missing flag", position_ - 1);
    while (true) {
      ABSL_RETURN_IF_ERROR(set(added, c, false));
      if (seen.find(c) != seen.npos) {
        return Error("bad inline flags: flag turned on and off", position_ - 1);
      }
      c = Peek();
      if (c == kNone) return Error("missing :", position_);
      ++position_;
      if (c == ':') break;
      if (!IsAsciiLetter(c)) return Error("missing :", position_ - 1);
    }
  }
  inner = added;
  return absl::OkStatus();
}

absl::Status Parser::ParseGroup(int nested, bool first, Node& sequence) {
  const size_t start = position_ - 1;
  Node::Kind kind = Node::kGroup;
  bool capture = true, behind = false, negate = false;
  Flags inner = flags_;
  std::string name;
  if (Match('?')) {
    char32_t c = Peek();
    if (c == kNone) return Error("unexpected end of pattern", position_);
    ++position_;
    if (c == 'P') {
      if (Match('<')) {
        ABSL_RETURN_IF_ERROR(SkipName('>', name));
        if (names_.count(name) > 0) return Error("redefinition of group name", start);
      } else if (Match('=')) {
        return Unsupported("the named back-reference (?P=…)", start);
      } else {
        if (Peek() == kNone) return Error("unexpected end of pattern", position_);
        return Error("unknown extension ?P", start + 1);
      }
    } else if (c == ':') {
      capture = false;
    } else if (c == '#') {
      while (true) {
        if (Peek() == kNone) return Error("missing ), unterminated comment", start);
        if (source_[position_++] == ')') return absl::OkStatus();
      }
    } else if (c == '=' || c == '!' || c == '<') {
      kind = Node::kLook;
      capture = false;
      behind = c == '<';
      if (behind) {
        c = Peek();
        if (c == kNone) return Error("unexpected end of pattern", position_);
        ++position_;
        if (c != '=' && c != '!') return Error("unknown extension ?<", start + 1);
      }
      negate = c == '!';
    } else if (c == '(') {
      return Unsupported("the conditional group (?(…)…)", start);
    } else if (c == '>') {
      return Unsupported("the atomic group (?>…)", start);
    } else if (c == '-' || c == 'i' || c == 'm' || c == 's' || c == 'x' || c == 'a' || c == 'u' ||
               c == 'L') {
      bool global = false;
      ABSL_RETURN_IF_ERROR(ParseFlags(c, start, first && sequence.children.empty(), inner, global));
      if (global) return absl::OkStatus();
      capture = false;
    } else {
      return Error("unknown extension ?", start + 1);
    }
  }
  NodePtr node = MakeNode(kind);
  node->behind = behind;
  node->negate = negate;
  const int groups_before = groups_;
  if (capture) {
    node->group = ++groups_;
    if (groups_ > 99) return Unsupported("more than 99 groups", start);
    if (!name.empty()) names_[name] = node->group;
  }
  const Flags outer = flags_;
  flags_ = inner;
  ABSL_ASSIGN_OR_RETURN(NodePtr body, ParseAlternation(nested + 1, /*top=*/false));
  flags_ = outer;
  if (!Match(')')) return Error("missing ), unterminated subpattern", start);
  if (kind == Node::kLook && groups_ > groups_before) {
    return Unsupported("a capturing group inside the look-around", start);
  }
  node->children.push_back(std::move(body));
  sequence.children.push_back(std::move(node));
  return absl::OkStatus();
}

}  // namespace plumbline::pyre
