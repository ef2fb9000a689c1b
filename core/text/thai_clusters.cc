// Each rule is a regular expression in PyThaiNLP's shorthand: c is a consonant, t an optional tone
// mark, k an optional silenced ending (one or two consonants with a mark over them), and the rest
// literal: characters, [classes] and ?. The first rule that matches counts, as in Python's
// alternation; each is greedy with backtracking, and k, always the last part, takes what it can
// behind it. Only "ย" before a vowel sign in front, a consonant or the end of the text looks ahead,
// written "(" here.
#include "core/text/thai_clusters.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace plumbline {
namespace {

constexpr std::u32string_view kRules[] = {
    U"เc็ck",       U"เcctาะk", U"เccีtยะk", U"เccีtย(k",  U"เcc็ck",    U"เcิc์ck",
    U"เcิtck",      U"เcีtยะ?k", U"เcืtอะ?k", U"เc[ิีุู]tย(k", U"เctา?ะ?k", U"cัtวะk",
    U"c[ัื]tc[ุิะ]?k", U"c[ิุู]์",     U"c[ะ-ู]tk", U"cรรc์",     U"c็",        U"ct[ะาำ]?k",
    U"ck",         U"แc็c",     U"แcc์",     U"แctะ",     U"แcc็c",     U"แccc์",
    U"โctะ",       U"[เ-ไ]ct", U"ก็",       U"อึ",        U"หึ",
};

// A set of characters of Thai's block.
class ThaiSet {
 public:
  void Add(char32_t first, char32_t last) {
    for (char32_t c = first; c <= last; ++c) bits_[(c - kFirst) / 64] |= Bit(c);
  }
  bool Has(char32_t c) const {
    return c >= kFirst && c < kFirst + 128 && (bits_[(c - kFirst) / 64] & Bit(c)) != 0;
  }

 private:
  static constexpr char32_t kFirst = 0xE00;
  static uint64_t Bit(char32_t c) { return uint64_t{1} << ((c - kFirst) % 64); }

  std::array<uint64_t, 2> bits_ = {};
};

struct Part {
  ThaiSet set;
  bool optional = false;
  bool look_ahead = false;
};

ThaiSet Range(char32_t first, char32_t last) {
  ThaiSet set;
  set.Add(first, last);
  return set;
}

const ThaiSet kConsonant = Range(U'ก', U'ฮ');
const ThaiSet kTone = Range(0xE48, 0xE4B);

// [classes] from rule[*at] == '[' to ']'.
ThaiSet ReadClass(std::u32string_view rule, size_t* at) {
  ThaiSet set;
  for (++*at; rule[*at] != ']'; ++*at) {
    const bool range = rule[*at + 1] == '-';
    set.Add(rule[*at], rule[range ? *at + 2 : *at]);
    if (range) *at += 2;
  }
  return set;
}

struct Rule {
  std::vector<Part> parts;
  bool silenced_ending = false;  // k
};

Rule ReadRule(std::u32string_view text) {
  Rule rule;
  for (size_t i = 0; i < text.size(); ++i) {
    Part part;
    switch (text[i]) {
      case 'k':
        rule.silenced_ending = true;
        continue;
      case '(':
        part.look_ahead = true;
        break;
      case 'c':
        part.set = kConsonant;
        break;
      case 't':
        part.set = kTone;
        part.optional = true;
        break;
      case '[':
        part.set = ReadClass(text, &i);
        break;
      default:
        part.set = Range(text[i], text[i]);
    }
    if (i + 1 < text.size() && text[i + 1] == '?') {
      part.optional = true;
      ++i;
    }
    rule.parts.push_back(part);
  }
  return rule;
}

const std::vector<Rule>& Rules() {
  static const auto& rules = *[] {
    auto* made = new std::vector<Rule>;
    for (std::u32string_view rule : kRules) made->push_back(ReadRule(rule));
    return made;
  }();
  return rules;
}

// The end of the text, or of its last line.
bool AtEnd(std::u32string_view text, size_t at) {
  return at == text.size() || (at + 1 == text.size() && text[at] == '\n');
}

// Where parts[i...] end when they match at text[at], else npos.
size_t Match(const std::vector<Part>& parts, size_t i, std::u32string_view text, size_t at) {
  if (i == parts.size()) return at;
  const Part& part = parts[i];
  if (part.look_ahead) {
    const bool seen =
        AtEnd(text, at) || (at < text.size() &&
                            (kConsonant.Has(text[at]) || (text[at] >= 0xE40 && text[at] <= 0xE44)));
    return seen ? Match(parts, i + 1, text, at) : text.npos;
  }
  if (at < text.size() && part.set.Has(text[at])) {
    const size_t end = Match(parts, i + 1, text, at + 1);
    if (end != text.npos || !part.optional) return end;
  }
  return part.optional ? Match(parts, i + 1, text, at) : text.npos;
}

size_t Match(const Rule& rule, std::u32string_view text, size_t at) {
  static const auto& kEnding = *new std::vector<Part>(ReadRule(U"cc?[ิุู]?์").parts);
  const size_t end = Match(rule.parts, 0, text, at);
  if (end == text.npos || !rule.silenced_ending) return end;
  const size_t longer = Match(kEnding, 0, text, end);
  return longer == text.npos ? end : longer;
}

}  // namespace

std::vector<bool> ThaiClusterEnds(std::u32string_view text) {
  const std::vector<Rule>& rules = Rules();
  std::vector<bool> ends(text.size() + 1);
  for (size_t at = 0; at < text.size();) {
    size_t end = text.npos;
    for (size_t i = 0; i < rules.size() && end == text.npos; ++i) end = Match(rules[i], text, at);
    at = end == text.npos ? at + 1 : end;
    ends[at] = true;
  }
  return ends;
}

}  // namespace plumbline
