#include "core/eval/math/symbolic.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/eval/math/expression.h"
#include "core/eval/math/latex_answer.h"

namespace plumbline {
namespace {

using math::Complex;
using math::Expression;
using math::Real;

constexpr size_t kMaxBytes = 4096;
constexpr int kMaxDepth = 8;  // of structures in structures
constexpr int kPoints = 12, kNeeded = 4;

// Whether `text` is only letters and spaces, with `least` letters or more in a row somewhere.
bool IsWord(absl::string_view text, int least) {
  int row = 0, longest = 0;
  for (char c : text) {
    if (!absl::ascii_isalpha(static_cast<unsigned char>(c)) && c != ' ') return false;
    row = c == ' ' ? 0 : row + 1;
    longest = std::max(longest, row);
  }
  return longest >= least;
}

// What an answer in words says, "\text{(A)}" and "A" alike; nullopt where it is no word. Letters
// alone are one from `least` on: fewer are a product of variables.
std::optional<std::string> Word(absl::string_view text, int least) {
  text = absl::StripAsciiWhitespace(text);
  for (absl::string_view command : {"\\text{", "\\textbf{", "\\textit{", "\\mathrm{", "\\mbox{"}) {
    absl::string_view inside = text;
    if (!absl::ConsumePrefix(&inside, command) || inside.find('}') != inside.size() - 1) continue;
    inside.remove_suffix(1);
    text = absl::StripAsciiWhitespace(inside);
    least = 1;
    break;
  }
  while (absl::ConsumeSuffix(&text, ".")) {
  }
  if (text.size() == 3 && text[0] == '(' && text[2] == ')') text = text.substr(1, 1);
  if (!IsWord(text, least)) return std::nullopt;
  return std::string(text);
}

// Words between values: "or" and "and" stand between answers, a unit leaves a gap (and goes at the
// end). Words in front stay.
void ReplaceWords(std::string& text) {
  size_t begin = text.find("\\text{", 1);
  while (begin != std::string::npos) {
    const size_t close = text.find('}', begin);
    if (close == std::string::npos) return;
    const absl::string_view word =
        absl::StripAsciiWhitespace(absl::string_view(text).substr(begin + 6, close - begin - 6));
    const bool behind_comma = absl::EndsWith(
        absl::StripTrailingAsciiWhitespace(absl::string_view(text).substr(0, begin)), ",");
    const bool separates = !behind_comma && (word == "or" || word == "and" || word == ", or" ||
                                             word == ", and" || word == ",");
    size_t end = close + 1;
    // cm^2, cm^{2}
    if (text.compare(end, 1, "^") == 0) {
      end = text.compare(end + 1, 1, "{") == 0 ? text.find('}', end) : end + 1;
      end = end == std::string::npos ? text.size() : std::min(end + 1, text.size());
    }
    text = absl::StrCat(text.substr(0, begin), separates ? "," : " ", text.substr(end));
    begin = text.find("\\text{", begin);
  }
}

// "a \pm b" as the two values it stands for.
void ExpandPlusMinus(std::string& text) {
  const size_t sign = text.find("\\pm");
  if (sign == std::string::npos || text.find("\\pm", sign + 1) != std::string::npos) return;
  if (sign + 3 < text.size() && absl::ascii_isalpha(static_cast<unsigned char>(text[sign + 3])))
    return;
  if (absl::StrContains(text, ",") || absl::StrContains(text, "\\mp")) return;
  const std::string before = text.substr(0, sign), behind = text.substr(sign + 3);
  text = absl::StrCat(before, "+", behind, ",", before, "-", behind);
}

// Drops what does not change the value: sizes of brackets, units, currency, per cent, degrees.
std::string Cleaned(absl::string_view text) {
  std::string result = absl::StrReplaceAll(text, {{"\\\\", "\\\\"},  // a row's end stays
                                                  {"\\left", ""},
                                                  {"\\right", ""},
                                                  {"\\displaystyle", ""},
                                                  {"\\$", ""},
                                                  {"$", ""},
                                                  {"\\%", ""},
                                                  {"%", ""},
                                                  {"^{\\circ}", ""},
                                                  {"^\\circ", ""},
                                                  {"°", ""},
                                                  {"{,}", ""},
                                                  {"\\!", ""},
                                                  {"\\mbox{", "\\text{"},
                                                  {"\\mathrm{", "\\text{"},
                                                  {"\\textbf{", "\\text{"},
                                                  {"\\dfrac", "\\frac"},
                                                  {"\\tfrac", "\\frac"},
                                                  {"\\ ", " "},
                                                  {"\\quad", " "}});
  ReplaceWords(result);
  absl::StripAsciiWhitespace(&result);
  while (!result.empty() && result.back() == '.') result.pop_back();
  ExpandPlusMinus(result);
  return result;
}

int Opens(absl::string_view text, size_t at) {
  if (text[at] == '(' || text[at] == '[' || text[at] == '{') return 1;
  if (text[at] == ')' || text[at] == ']' || text[at] == '}') return -1;
  return 0;
}

// A command ends where its letters do: "\\in" does not begin "\\infty".
bool StartsWithToken(absl::string_view text, absl::string_view token) {
  if (!absl::StartsWith(text, token)) return false;
  const bool command = token.size() > 1 && token[0] == '\\' && token[1] != '\\';
  return !command || text.size() == token.size() ||
         !absl::ascii_isalpha(static_cast<unsigned char>(text[token.size()]));
}

// The parts between `separator` outside all brackets and \begin…\end.
std::vector<std::string> Split(absl::string_view text, absl::string_view separator) {
  std::vector<std::string> parts;
  int depth = 0, environments = 0;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const absl::string_view rest = text.substr(i);
    if (absl::StartsWith(rest, "\\begin{")) ++environments;
    if (absl::StartsWith(rest, "\\end{")) --environments;
    depth += Opens(text, i);
    if (depth != 0 || environments != 0 || !StartsWithToken(rest, separator)) continue;
    parts.emplace_back(absl::StripAsciiWhitespace(text.substr(begin, i - begin)));
    begin = i + separator.size();
    i = begin - 1;
  }
  parts.emplace_back(absl::StripAsciiWhitespace(text.substr(begin)));
  return parts;
}

// "(a, b]" as its brackets and what is between, where they belong together: half-open intervals
// too.
struct Enclosed {
  std::string open, close, inside;
};
std::optional<Enclosed> Unwrap(absl::string_view text) {
  for (const auto& [open, close] : {std::pair<const char*, const char*>{"\\{", "\\}"},
                                    {"\\lbrace", "\\rbrace"},
                                    {"(", ")"},
                                    {"[", "]"},
                                    {"(", "]"},
                                    {"[", ")"}}) {
    if (!absl::StartsWith(text, open) || !absl::EndsWith(text, close)) continue;
    Enclosed result{open, close, std::string(text)};
    result.inside = result.inside.substr(result.open.size());
    result.inside.resize(result.inside.size() -
                         std::min(result.close.size(), result.inside.size()));
    // One pair, not "(a)(b)".
    int depth = 0;
    bool one = true;
    for (size_t i = 0; i < result.inside.size(); ++i) {
      depth += Opens(result.inside, i);
      one = one && depth >= 0;
    }
    if (!one || depth != 0) continue;
    if (result.open == "\\lbrace") result.open = "\\{", result.close = "\\}";
    return result;
  }
  return std::nullopt;
}

bool Equal(const std::string& a, const std::string& b, int depth);

bool EqualInOrder(const std::vector<std::string>& a, const std::vector<std::string>& b, int depth) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!Equal(a[i], b[i], depth)) return false;
  }
  return true;
}

bool EqualInAnyOrder(const std::vector<std::string>& a, const std::vector<std::string>& b,
                     int depth) {
  if (a.size() != b.size() || a.size() > 64) return false;
  std::vector<bool> used(b.size(), false);
  for (const std::string& part : a) {
    size_t match = 0;
    while (match < b.size() && (used[match] || !Equal(part, b[match], depth))) ++match;
    if (match == b.size()) return false;
    used[match] = true;
  }
  return true;
}

// Two expressions, exactly where both are arithmetic, else at points.
bool EqualExpressions(const std::string& a, const std::string& b) {
  const auto left_value = LatexValue(a), right_value = LatexValue(b);
  if (left_value.has_value() && right_value.has_value())
    return NumbersMatch(*left_value, *right_value, {}, {});
  const auto left = math::ParseExpression(a), right = math::ParseExpression(b);
  if (!left.has_value() || !right.has_value()) return false;
  const auto left_exact = math::EvaluateExactly(*left), right_exact = math::EvaluateExactly(*right);
  if (left_exact.has_value() && right_exact.has_value()) return *left_exact == *right_exact;
  static const Real tolerance("1e-60");
  int agreed = 0;
  for (int point = 0; point < kPoints; ++point) {
    const auto x = math::Evaluate(*left, point), y = math::Evaluate(*right, point);
    if (x.has_value() != y.has_value()) return false;
    if (!x.has_value()) continue;
    const Real scale = 1 + abs(x->re) + abs(x->im) + abs(y->re) + abs(y->im);
    if (abs(x->re - y->re) > tolerance * scale || abs(x->im - y->im) > tolerance * scale)
      return false;
    ++agreed;
  }
  return agreed >= kNeeded;
}

// "x = 5": a relation and its sides.
struct Relation {
  std::string sign;
  std::vector<std::string> sides;
};
std::optional<Relation> ReadRelation(const std::string& text) {
  for (const auto& [written, sign] : {std::pair<const char*, const char*>{"\\leq", "<="},
                                      {"\\geq", ">="},
                                      {"\\le", "<="},
                                      {"\\ge", ">="},
                                      {"\\in", "in"},
                                      {"<", "<"},
                                      {">", ">"},
                                      {"=", "="}}) {
    std::vector<std::string> sides = Split(text, written);
    if (sides.size() < 2) continue;
    for (size_t i = 0; i + 1 < sides.size(); ++i) {
      if (absl::EndsWith(sides[i], "!")) return std::nullopt;  // "x != 5", or a factorial?
    }
    return Relation{sign, std::move(sides)};
  }
  return std::nullopt;
}

// A letter, f(x) or (x, y): what an answer may be called.
bool IsName(const std::string& side) {
  const auto letter = [&](size_t i) {
    return absl::ascii_isalpha(static_cast<unsigned char>(side[i]));
  };
  const auto tuple = Unwrap(side);
  if (tuple.has_value() && tuple->open == "(" && tuple->close == ")") {
    const std::vector<std::string> names = Split(tuple->inside, ",");
    return names.size() > 1 && std::all_of(names.begin(), names.end(), [](const auto& name) {
             return name.size() == 1 && absl::ascii_isalpha(static_cast<unsigned char>(name[0]));
           });
  }
  return (side.size() == 1 && letter(0)) ||
         (side.size() == 4 && letter(0) && side[1] == '(' && letter(2) && side[3] == ')');
}

// The other side of "x = …", "x \in …".
std::string WithoutName(const std::string& text) {
  const auto relation = ReadRelation(text);
  if (!relation.has_value() || relation->sides.size() != 2) return text;
  if (relation->sign != "=" && relation->sign != "in") return text;
  return IsName(relation->sides[0]) ? relation->sides[1] : text;
}

bool EqualRelations(const Relation& a, Relation b, int depth) {
  const auto turned = [](const std::string& sign) {
    return sign == "<" ? ">" : sign == ">" ? "<" : sign == "<=" ? ">=" : sign == ">=" ? "<=" : sign;
  };
  if (a.sign == b.sign && EqualInOrder(a.sides, b.sides, depth)) return true;
  std::reverse(b.sides.begin(), b.sides.end());
  return a.sign == turned(b.sign) && a.sign != "in" && EqualInOrder(a.sides, b.sides, depth);
}

// The rows of a matrix, and "p" for round and square brackets alike or the letter of its kind.
std::optional<std::pair<std::string, std::vector<std::vector<std::string>>>> ReadMatrix(
    absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "\\begin{")) return std::nullopt;
  for (const auto& [name, kind] : {std::pair<const char*, const char*>{"pmatrix", "p"},
                                   {"bmatrix", "p"},
                                   {"vmatrix", "v"},
                                   {"matrix", "m"}}) {
    absl::string_view body = text;
    if (!absl::ConsumePrefix(&body, absl::StrCat(name, "}")) ||
        !absl::ConsumeSuffix(&body, absl::StrCat("\\end{", name, "}")))
      continue;
    std::vector<std::vector<std::string>> rows;
    for (const std::string& row : Split(body, "\\\\")) {
      if (!row.empty()) rows.push_back(Split(row, "&"));
    }
    return std::pair(std::string(kind), std::move(rows));
  }
  return std::nullopt;
}

bool EqualStructures(const std::string& a, const std::string& b, int depth, bool& decided) {
  decided = true;
  const auto left_matrix = ReadMatrix(a), right_matrix = ReadMatrix(b);
  if (left_matrix.has_value() || right_matrix.has_value()) {
    if (!left_matrix.has_value() || !right_matrix.has_value()) return false;
    const auto& [kind, rows] = *left_matrix;
    if (kind != right_matrix->first || rows.size() != right_matrix->second.size()) return false;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!EqualInOrder(rows[i], right_matrix->second[i], depth)) return false;
    }
    return true;
  }
  const auto left_union = Split(a, "\\cup"), right_union = Split(b, "\\cup");
  if (left_union.size() > 1 || right_union.size() > 1)
    return EqualInAnyOrder(left_union, right_union, depth);
  const auto left_list = Split(a, ","), right_list = Split(b, ",");
  const auto left = Unwrap(a), right = Unwrap(b);
  const bool left_set = left.has_value() && left->open == "\\{";
  const bool right_set = right.has_value() && right->open == "\\{";
  if (!left_set && !right_set && (left_list.size() > 1 || right_list.size() > 1)) {
    // "1,234" is a number and no list.
    const bool left_number = LatexValue(a).has_value(), right_number = LatexValue(b).has_value();
    if (left_number != right_number) return false;
    if (left_number) {
      decided = false;
      return false;
    }
  }
  if (left_list.size() > 1 || right_list.size() > 1 || left_set || right_set) {
    const auto parts = [](const auto& unwrapped, bool set, const auto& list) {
      return set ? Split(unwrapped->inside, ",") : list;
    };
    return EqualInAnyOrder(parts(left, left_set, left_list), parts(right, right_set, right_list),
                           depth);
  }
  if (left.has_value() && right.has_value()) {
    const auto left_parts = Split(left->inside, ","), right_parts = Split(right->inside, ",");
    if (left_parts.size() > 1 || right_parts.size() > 1) {
      return left->open == right->open && left->close == right->close &&
             EqualInOrder(left_parts, right_parts, depth);
    }
  }
  decided = false;
  return false;
}

bool Equal(const std::string& a, const std::string& b, int depth) {
  if (a == b && !a.empty()) return true;
  if (depth > kMaxDepth || a.empty() || b.empty()) return false;
  const std::string left = WithoutName(a), right = WithoutName(b);
  const bool named = left.size() != a.size() || right.size() != b.size();
  const auto left_relation = ReadRelation(a), right_relation = ReadRelation(b);
  const bool lists = Split(a, ",").size() > 1 || Split(b, ",").size() > 1;
  if (!lists && left_relation.has_value() && right_relation.has_value()) {
    if (EqualRelations(*left_relation, *right_relation, depth + 1)) return true;
    if (!named) return false;
    return left_relation->sides[0] == right_relation->sides[0] && left != a && right != b &&
           Equal(left, right, depth + 1);
  }
  if (!lists && named) return Equal(left, right, depth + 1);
  bool decided = false;
  const bool equal = EqualStructures(a, b, depth + 1, decided);
  return decided ? equal : EqualExpressions(a, b);
}

}  // namespace

bool SymbolicallyEqual(absl::string_view a, absl::string_view b) {
  if (a.size() > kMaxBytes || b.size() > kMaxBytes) return false;
  // A word in \text{} equals the same word without; of two bare words neither is a product.
  const auto left = Word(a, 1), right = Word(b, 1);
  const bool text = absl::StartsWith(absl::StripLeadingAsciiWhitespace(a), "\\") ||
                    absl::StartsWith(absl::StripLeadingAsciiWhitespace(b), "\\");
  if (left.has_value() && right.has_value() && (text || (Word(a, 4) && Word(b, 4))))
    return *left == *right;
  return Equal(Cleaned(a), Cleaned(b), 0);
}

}  // namespace plumbline
