#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status_macros.h"
#include "core/eval/pyre/ast.h"
#include "core/text/python_unicode.h"

namespace plumbline::pyre {
namespace {

constexpr size_t kMaxPattern = 8192;
constexpr int kMaxNesting = 200;
constexpr int64_t kMaxRepeat = 1000;  // Python's is 2^32 - 1; a longer program is refused anyway
constexpr char32_t kNone = 0xFFFFFFFF;

bool IsDigit(char32_t c) { return c >= '0' && c <= '9'; }
bool IsOctal(char32_t c) { return c >= '0' && c <= '7'; }
bool IsAsciiLetter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
int HexValue(char32_t c) {
  if (IsDigit(c)) return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<int>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<int>(c - 'A' + 10);
  return -1;
}

absl::Status Unsupported(absl::string_view what, size_t position) {
  return absl::UnimplementedError(absl::StrCat(
      what, " at position ", position,
      " can't be matched in bounded time and is not supported: rewrite the pattern without it"));
}

// One element of a pattern: a plain character, or a set such as \d, or a position such as \b.
struct Escape {
  enum Kind { kLiteral, kCategory, kAt } kind = kLiteral;
  char32_t literal = 0;
  Category category = Category::kDigit;
  At at = At::kBeginning;
};

// A possessive repeat gives nothing back, which an NFA can't do. It is the greedy one where giving
// back could not help anyway: at the end of the pattern ("c++"), or of one word character before a
// last \b ("\bc++\b", a forbidden word of IFEval).
absl::Status CheckPossessive(const Node& node, bool last) {
  if (node.kind == Node::kRepeat && node.possessive_at > 0 && !last) {
    return Unsupported("the possessive repeat", node.possessive_at - 1);
  }
  for (size_t i = 0; i < node.children.size(); ++i) {
    bool child_last = last && node.kind != Node::kRepeat;
    if (node.kind == Node::kConcat && i + 1 < node.children.size()) {
      const Node& child = *node.children[i];
      const Node& next = *node.children[i + 1];
      child_last = child_last && i + 2 == node.children.size() && next.kind == Node::kAt &&
                   next.at == At::kBoundary && child.kind == Node::kRepeat &&
                   child.children[0]->kind == Node::kSet && !child.children[0]->negate &&
                   child.children[0]->items.size() == 1 &&
                   child.children[0]->items[0].kind == SetItem::kRange &&
                   child.children[0]->items[0].low == child.children[0]->items[0].high &&
                   python::IsWordChar(child.children[0]->items[0].low);
    }
    ABSL_RETURN_IF_ERROR(CheckPossessive(*node.children[i], child_last));
  }
  return absl::OkStatus();
}

class Parser {
 public:
  Parser(std::u32string_view pattern, Flags flags) : source_(pattern), flags_(flags) {}

  absl::StatusOr<Ast> Run() {
    ABSL_ASSIGN_OR_RETURN(NodePtr root, ParseAlternation(0, /*top=*/true));
    if (position_ < source_.size()) return Error("unbalanced parenthesis", position_);
    ABSL_RETURN_IF_ERROR(CheckPossessive(*root, /*last=*/true));
    Ast ast;
    ast.root = std::move(root);
    ast.groups = groups_;
    return ast;
  }

 private:
  absl::Status Error(absl::string_view message, size_t position) const {
    return absl::InvalidArgumentError(absl::StrCat(message, " at position ", position));
  }
  char32_t Peek() const { return position_ < source_.size() ? source_[position_] : kNone; }
  bool Match(char32_t c) {
    if (Peek() != c) return false;
    ++position_;
    return true;
  }

  NodePtr MakeNode(Node::Kind kind) const {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->flags = flags_;
    return node;
  }
  NodePtr Literal(char32_t c) const {
    NodePtr node = MakeNode(Node::kSet);
    node->items.push_back({SetItem::kRange, c, c, Category::kDigit});
    return node;
  }

  absl::StatusOr<NodePtr> ParseAlternation(int nested, bool top);
  absl::StatusOr<NodePtr> ParseSequence(int nested, bool first);
  absl::Status ParseRepeat(char32_t c, Node& sequence);
  absl::Status ParseGroup(int nested, bool first, Node& sequence);
  absl::Status ParseFlags(char32_t c, size_t start, bool may_be_global, Flags& inner, bool& global);
  absl::Status SkipName(char32_t terminator, std::string& name);
  absl::StatusOr<NodePtr> ParseSet(size_t start);
  absl::StatusOr<Escape> ParseEscape(bool in_set);
  absl::StatusOr<char32_t> ParseHex(size_t start, int digits);

  std::u32string_view source_;
  size_t position_ = 0;
  Flags flags_;
  int groups_ = 0;
  std::map<std::string, int> names_;
};

absl::StatusOr<NodePtr> Parser::ParseAlternation(int nested, bool top) {
  if (nested > kMaxNesting) return Unsupported("nesting deeper than 200", position_);
  std::vector<NodePtr> items;
  do {
    ABSL_ASSIGN_OR_RETURN(NodePtr item, ParseSequence(nested, top && items.empty()));
    items.push_back(std::move(item));
  } while (Match('|'));
  if (items.size() == 1) return std::move(items[0]);
  NodePtr node = MakeNode(Node::kAlternate);
  node->children = std::move(items);
  return node;
}

absl::StatusOr<NodePtr> Parser::ParseSequence(int nested, bool first) {
  NodePtr sequence = MakeNode(Node::kConcat);
  while (true) {
    char32_t c = Peek();
    if (c == kNone || c == '|' || c == ')') break;
    const size_t start = position_++;
    if (flags_.verbose && (c == ' ' || (c >= '\t' && c <= '\r'))) continue;
    if (flags_.verbose && c == '#') {
      while (Peek() != kNone && source_[position_++] != '\n') {
      }
      continue;
    }
    switch (c) {
      case '\\': {
        ABSL_ASSIGN_OR_RETURN(Escape escape, ParseEscape(/*in_set=*/false));
        if (escape.kind == Escape::kAt) {
          NodePtr node = MakeNode(Node::kAt);
          node->at = escape.at;
          sequence->children.push_back(std::move(node));
        } else {
          NodePtr node = Literal(escape.literal);
          if (escape.kind == Escape::kCategory) {
            node->items[0] = {SetItem::kCategory, 0, 0, escape.category};
          }
          sequence->children.push_back(std::move(node));
        }
        break;
      }
      case '[': {
        ABSL_ASSIGN_OR_RETURN(NodePtr node, ParseSet(start));
        sequence->children.push_back(std::move(node));
        break;
      }
      case '?':
      case '*':
      case '+':
      case '{':
        ABSL_RETURN_IF_ERROR(ParseRepeat(c, *sequence));
        break;
      case '.':
        sequence->children.push_back(MakeNode(Node::kAny));
        break;
      case '(':
        ABSL_RETURN_IF_ERROR(ParseGroup(nested, first, *sequence));
        break;
      case '^':
      case '$': {
        NodePtr node = MakeNode(Node::kAt);
        node->at = c == '^' ? At::kBeginning : At::kEnd;
        sequence->children.push_back(std::move(node));
        break;
      }
      default:
        sequence->children.push_back(Literal(c));
    }
  }
  return sequence;
}

absl::Status Parser::ParseRepeat(char32_t c, Node& sequence) {
  const size_t here = position_;  // just behind the operator
  int64_t min = c == '+' ? 1 : 0;
  int64_t max = c == '?' ? 1 : -1;
  if (c == '{') {
    if (Peek() == '}') {
      sequence.children.push_back(Literal(c));
      return absl::OkStatus();
    }
    std::string low, high;
    while (IsDigit(Peek())) low += static_cast<char>(source_[position_++]);
    if (Match(',')) {
      while (IsDigit(Peek())) high += static_cast<char>(source_[position_++]);
    } else {
      high = low;
    }
    if (!Match('}')) {
      sequence.children.push_back(Literal(c));
      position_ = here;
      return absl::OkStatus();
    }
    if (low.size() > 9 || high.size() > 9) {
      return Unsupported("a repeat of more than 1,000 times", here - 1);
    }
    min = low.empty() ? 0 : std::stoll(low);
    max = high.empty() ? -1 : std::stoll(high);
    if (max >= 0 && max < min) {
      return Error("min repeat greater than max repeat", here - 1);
    }
    if (min > kMaxRepeat || max > kMaxRepeat) {
      return Unsupported("a repeat of more than 1,000 times", here - 1);
    }
  }
  if (sequence.children.empty() || sequence.children.back()->kind == Node::kAt) {
    return Error("nothing to repeat", here - 1);
  }
  if (sequence.children.back()->kind == Node::kRepeat) return Error("multiple repeat", here - 1);
  NodePtr node = MakeNode(Node::kRepeat);
  node->min = static_cast<int>(min);
  node->max = static_cast<int>(max);
  if (Match('?')) {
    node->greedy = false;
  } else if (Match('+')) {
    node->possessive_at = position_;
  }
  node->children.push_back(std::move(sequence.children.back()));
  sequence.children.back() = std::move(node);
  return absl::OkStatus();
}

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
  bool capture = true;
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
    } else if (c == '=' || c == '!') {
      return Unsupported("look-ahead (?=…) or (?!…)", start);
    } else if (c == '<') {
      if (Peek() == kNone) return Error("unexpected end of pattern", position_);
      if (Peek() != '=' && Peek() != '!') return Error("unknown extension ?<", start + 1);
      return Unsupported("look-behind (?<=…) or (?<!…)", start);
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
  NodePtr node = MakeNode(Node::kGroup);
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
  node->children.push_back(std::move(body));
  sequence.children.push_back(std::move(node));
  return absl::OkStatus();
}

absl::StatusOr<char32_t> Parser::ParseHex(size_t start, int digits) {
  uint32_t value = 0;
  for (int i = 0; i < digits; ++i) {
    const int digit = HexValue(Peek());
    if (Peek() == kNone || digit < 0) return Error("incomplete escape", start);
    value = value * 16 + static_cast<uint32_t>(digit);
    ++position_;
  }
  if (value > 0x10FFFF) return Error("bad escape", start);
  return static_cast<char32_t>(value);
}

// Behind the backslash. Python keeps a backslash and the next character together as one token.
absl::StatusOr<Escape> Parser::ParseEscape(bool in_set) {
  const size_t start = position_ - 1;
  char32_t c = Peek();
  if (c == kNone) return Error("bad escape (end of pattern)", start);
  ++position_;
  auto literal = [](char32_t value) { return Escape{Escape::kLiteral, value}; };
  auto category = [](Category value) { return Escape{Escape::kCategory, 0, value}; };
  auto at = [](At value) { return Escape{Escape::kAt, 0, Category::kDigit, value}; };
  switch (c) {
    case 'd':
      return category(Category::kDigit);
    case 'D':
      return category(Category::kNotDigit);
    case 's':
      return category(Category::kSpace);
    case 'S':
      return category(Category::kNotSpace);
    case 'w':
      return category(Category::kWord);
    case 'W':
      return category(Category::kNotWord);
    case 'a':
      return literal('\a');
    case 'f':
      return literal('\f');
    case 'n':
      return literal('\n');
    case 'r':
      return literal('\r');
    case 't':
      return literal('\t');
    case 'v':
      return literal('\v');
    case 'b':
      return in_set ? literal('\b') : at(At::kBoundary);
    case 'A':
      if (!in_set) return at(At::kBeginningString);
      break;
    case 'B':
      if (!in_set) return at(At::kNonBoundary);
      break;
    case 'Z':
      if (!in_set) return at(At::kEndString);
      break;
    case 'x':
    case 'u':
    case 'U': {
      ABSL_ASSIGN_OR_RETURN(char32_t value, ParseHex(start, c == 'x' ? 2 : c == 'u' ? 4 : 8));
      return literal(value);
    }
    case 'N':
      return Unsupported("the named character \\N{…}", start);
    default:
      break;
  }
  if (IsDigit(c)) {
    uint32_t value = 0;
    const bool octal = in_set ? IsOctal(c) : c == '0';
    if (octal) {
      value = c - '0';
      for (int i = 0; i < 2 && Peek() != kNone && IsOctal(Peek()); ++i) {
        value = value * 8 + (source_[position_++] - '0');
      }
      if (value > 0377) return Error("octal escape value outside of range 0-0o377", start);
      return literal(value);
    }
    if (in_set) return Error("bad escape", start);
    if (IsOctal(c) && position_ + 1 < source_.size() && IsOctal(source_[position_]) &&
        IsOctal(source_[position_ + 1])) {
      value = (c - '0') * 64 + (source_[position_] - '0') * 8 + (source_[position_ + 1] - '0');
      position_ += 2;
      if (value > 0377) return Error("octal escape value outside of range 0-0o377", start);
      return literal(value);
    }
    int group = static_cast<int>(c - '0');
    if (IsDigit(Peek())) group = group * 10 + static_cast<int>(source_[position_++] - '0');
    if (group > groups_) return Error(absl::StrCat("invalid group reference ", group), start + 1);
    return Unsupported("the back-reference", start);
  }
  if (IsAsciiLetter(c)) return Error(absl::StrCat("bad escape \\", std::string(1, c)), start);
  return literal(c);
}

absl::StatusOr<NodePtr> Parser::ParseSet(size_t start) {
  NodePtr node = MakeNode(Node::kSet);
  node->negate = Match('^');
  auto element = [this](char32_t c) -> absl::StatusOr<Escape> {
    if (c == '\\') return ParseEscape(/*in_set=*/true);
    return Escape{Escape::kLiteral, c};
  };
  auto add = [&node](const Escape& e) {
    if (e.kind == Escape::kCategory) {
      node->items.push_back({SetItem::kCategory, 0, 0, e.category});
    } else {
      node->items.push_back({SetItem::kRange, e.literal, e.literal, Category::kDigit});
    }
  };
  while (true) {
    char32_t c = Peek();
    if (c == kNone) return Error("unterminated character set", start);
    const size_t at = position_++;
    if (c == ']' && !node->items.empty()) break;
    ABSL_ASSIGN_OR_RETURN(Escape low, element(c));
    if (!Match('-')) {
      add(low);
      continue;
    }
    c = Peek();
    if (c == kNone) return Error("unterminated character set", start);
    ++position_;
    if (c == ']') {
      add(low);
      add(Escape{Escape::kLiteral, '-'});
      break;
    }
    ABSL_ASSIGN_OR_RETURN(Escape high, element(c));
    if (low.kind != Escape::kLiteral || high.kind != Escape::kLiteral ||
        high.literal < low.literal) {
      return Error("bad character range", at);
    }
    node->items.push_back({SetItem::kRange, low.literal, high.literal, Category::kDigit});
  }
  return node;
}

}  // namespace

absl::StatusOr<Ast> Parse(std::u32string_view pattern, PyRegexFlags flags) {
  if (pattern.size() > kMaxPattern) {
    return absl::InvalidArgumentError(absl::StrCat("the pattern has ", pattern.size(),
                                                   " characters; the limit is ", kMaxPattern));
  }
  Flags initial;
  initial.ignore_case = flags.ignore_case;
  initial.multi_line = flags.multi_line;
  initial.dot_all = flags.dot_all;
  return Parser(pattern, initial).Run();
}

}  // namespace plumbline::pyre
