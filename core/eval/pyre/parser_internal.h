// How parser.cc, parser_groups.cc and parser_sets.cc share the parsing of a pattern.
#ifndef PLUMBLINE_CORE_EVAL_PYRE_PARSER_INTERNAL_H_
#define PLUMBLINE_CORE_EVAL_PYRE_PARSER_INTERNAL_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/pyre/ast.h"

namespace plumbline::pyre {

inline constexpr char32_t kNone = 0xFFFFFFFF;  // behind the pattern's end

inline bool IsDigit(char32_t c) { return c >= '0' && c <= '9'; }
inline bool IsAsciiLetter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Valid Python, but no NFA can do it.
inline absl::Status Unsupported(absl::string_view what, size_t position) {
  return absl::UnimplementedError(absl::StrCat(
      what, " at position ", position,
      " can't be matched in bounded time and is not supported: rewrite the pattern without it"));
}

// What stands behind a backslash: a plain character, or a set such as \d, or a position such as \b.
struct Escape {
  enum Kind { kLiteral, kCategory, kAt } kind = kLiteral;
  char32_t literal = 0;
  Category category = Category::kDigit;
  At at = At::kBeginning;
};

// Reads one pattern, once; thread-compatible.
class Parser {
 public:
  Parser(std::u32string_view pattern, Flags flags) : source_(pattern), flags_(flags) {}

  absl::StatusOr<Ast> Run();

 private:
  // InvalidArgument: what Python says of the pattern.
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

  // parser.cc: what a pattern consists of.
  absl::StatusOr<NodePtr> ParseAlternation(int nested, bool top);
  absl::StatusOr<NodePtr> ParseSequence(int nested, bool first);
  absl::Status ParseRepeat(char32_t c, Node& sequence);
  // parser_groups.cc: what begins with a parenthesis.
  absl::Status ParseGroup(int nested, bool first, Node& sequence);
  absl::Status ParseFlags(char32_t c, size_t start, bool may_be_global, Flags& inner, bool& global);
  absl::Status SkipName(char32_t terminator, std::string& name);
  // parser_sets.cc: escapes, and the sets in brackets that are made of them.
  absl::StatusOr<NodePtr> ParseSet(size_t start);
  absl::StatusOr<Escape> ParseEscape(bool in_set);
  absl::StatusOr<char32_t> ParseHex(size_t start, int digits);

  std::u32string_view source_;
  size_t position_ = 0;
  Flags flags_;
  int groups_ = 0;
  std::map<std::string, int> names_;
};

}  // namespace plumbline::pyre

#endif  // PLUMBLINE_CORE_EVAL_PYRE_PARSER_INTERNAL_H_
