#include <cstdint>
#include <string>

#include "core/eval/pyre/parser_internal.h"
#include "core/text/python_unicode.h"

namespace plumbline::pyre {
namespace {

constexpr size_t kMaxPattern = 8192;
constexpr int kMaxNesting = 200;
constexpr int64_t kMaxRepeat = 1000;  // Python's is 2^32 - 1; a longer program is refused anyway

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

}  // namespace

absl::StatusOr<Ast> Parser::Run() {
  ABSL_ASSIGN_OR_RETURN(NodePtr root, ParseAlternation(0, /*top=*/true));
  if (position_ < source_.size()) return Error("unbalanced parenthesis", position_);
  ABSL_RETURN_IF_ERROR(CheckPossessive(*root, /*last=*/true));
  Ast ast;
  ast.root = std::move(root);
  ast.groups = groups_;
  return ast;
}

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
