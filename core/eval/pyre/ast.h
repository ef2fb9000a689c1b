// The syntax tree of a Python pattern, and its parser: CPython 3.11's Lib/re/_parser.py, decision
// by decision, so that what it rejects is rejected here with the same words.
#ifndef PLUMBLINE_CORE_EVAL_PYRE_AST_H_
#define PLUMBLINE_CORE_EVAL_PYRE_AST_H_

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/pyre/regex.h"

namespace plumbline::pyre {

enum class Category { kDigit, kNotDigit, kSpace, kNotSpace, kWord, kNotWord };

enum class At { kBeginning, kEnd, kBeginningString, kEndString, kBoundary, kNonBoundary };

// The flags in force where a node was written.
struct Flags {
  bool ignore_case = false;
  bool multi_line = false;
  bool dot_all = false;
  bool verbose = false;
  bool ascii = false;
};

struct Node;
using NodePtr = std::unique_ptr<Node>;

struct SetItem {
  enum Kind { kRange, kCategory } kind = kRange;
  char32_t low = 0, high = 0;  // kRange, inclusive; a literal has low == high
  Category category = Category::kDigit;
};

struct Node {
  enum Kind { kSet, kAny, kAt, kConcat, kAlternate, kRepeat, kGroup, kLook } kind = kConcat;
  Flags flags;
  std::vector<SetItem> items;  // kSet
  bool negate = false;         // kSet, kLook
  bool behind = false;         // kLook
  At at = At::kBeginning;      // kAt
  std::vector<NodePtr> children;
  int min = 0, max = 0;      // kRepeat; max < 0 is without bound
  bool greedy = true;        // kRepeat
  size_t possessive_at = 0;  // kRepeat: position behind a possessive mark, to name it; 0: none
  int group = 0;             // kGroup: its number; 0 does not capture
};

struct Ast {
  NodePtr root;
  int groups = 0;  // capturing groups
};

// `pattern` at most 8,192 code points, nested at most 200 deep.
absl::StatusOr<Ast> Parse(std::u32string_view pattern, PyRegexFlags flags);

}  // namespace plumbline::pyre

#endif  // PLUMBLINE_CORE_EVAL_PYRE_AST_H_
