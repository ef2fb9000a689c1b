// Escapes, and the sets in brackets that are made of them.
#include <cstdint>
#include <string>

#include "core/eval/pyre/parser_internal.h"

namespace plumbline::pyre {
namespace {

bool IsOctal(char32_t c) { return c >= '0' && c <= '7'; }
int HexValue(char32_t c) {
  if (IsDigit(c)) return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<int>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<int>(c - 'A' + 10);
  return -1;
}

}  // namespace

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

}  // namespace plumbline::pyre
