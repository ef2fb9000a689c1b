// Emoji of one code point are a table of ranges (tests/oracle/text/make_emoji.py writes it); the
// sequences come from the Python package's own list, which is built in. RemoveEmoji is that
// package's tokenizer: the longest sequence at each place, but where two emoji are joined and the
// whole is none, it goes back and takes the parts.
#include "core/text/emoji.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/text/language_data.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

struct Range {
  char32_t first, last;
};

constexpr Range kEmoji[] = {
    {0xA9, 0xA9},       {0xAE, 0xAE},       {0x203C, 0x203C},   {0x2049, 0x2049},
    {0x2122, 0x2122},   {0x2139, 0x2139},   {0x2194, 0x2199},   {0x21A9, 0x21AA},
    {0x231A, 0x231B},   {0x2328, 0x2328},   {0x23CF, 0x23CF},   {0x23E9, 0x23F3},
    {0x23F8, 0x23FA},   {0x24C2, 0x24C2},   {0x25AA, 0x25AB},   {0x25B6, 0x25B6},
    {0x25C0, 0x25C0},   {0x25FB, 0x25FE},   {0x2600, 0x2604},   {0x260E, 0x260E},
    {0x2611, 0x2611},   {0x2614, 0x2615},   {0x2618, 0x2618},   {0x261D, 0x261D},
    {0x2620, 0x2620},   {0x2622, 0x2623},   {0x2626, 0x2626},   {0x262A, 0x262A},
    {0x262E, 0x262F},   {0x2638, 0x263A},   {0x2640, 0x2640},   {0x2642, 0x2642},
    {0x2648, 0x2653},   {0x265F, 0x2660},   {0x2663, 0x2663},   {0x2665, 0x2666},
    {0x2668, 0x2668},   {0x267B, 0x267B},   {0x267E, 0x267F},   {0x2692, 0x2697},
    {0x2699, 0x2699},   {0x269B, 0x269C},   {0x26A0, 0x26A1},   {0x26A7, 0x26A7},
    {0x26AA, 0x26AB},   {0x26B0, 0x26B1},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},
    {0x26C8, 0x26C8},   {0x26CE, 0x26CF},   {0x26D1, 0x26D1},   {0x26D3, 0x26D4},
    {0x26E9, 0x26EA},   {0x26F0, 0x26F5},   {0x26F7, 0x26FA},   {0x26FD, 0x26FD},
    {0x2702, 0x2702},   {0x2705, 0x2705},   {0x2708, 0x270D},   {0x270F, 0x270F},
    {0x2712, 0x2712},   {0x2714, 0x2714},   {0x2716, 0x2716},   {0x271D, 0x271D},
    {0x2721, 0x2721},   {0x2728, 0x2728},   {0x2733, 0x2734},   {0x2744, 0x2744},
    {0x2747, 0x2747},   {0x274C, 0x274C},   {0x274E, 0x274E},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2763, 0x2764},   {0x2795, 0x2797},   {0x27A1, 0x27A1},
    {0x27B0, 0x27B0},   {0x27BF, 0x27BF},   {0x2934, 0x2935},   {0x2B05, 0x2B07},
    {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},   {0x3030, 0x3030},
    {0x303D, 0x303D},   {0x3297, 0x3297},   {0x3299, 0x3299},   {0x1F004, 0x1F004},
    {0x1F0CF, 0x1F0CF}, {0x1F170, 0x1F171}, {0x1F17E, 0x1F17F}, {0x1F18E, 0x1F18E},
    {0x1F191, 0x1F19A}, {0x1F201, 0x1F202}, {0x1F21A, 0x1F21A}, {0x1F22F, 0x1F22F},
    {0x1F232, 0x1F23A}, {0x1F250, 0x1F251}, {0x1F300, 0x1F321}, {0x1F324, 0x1F393},
    {0x1F396, 0x1F397}, {0x1F399, 0x1F39B}, {0x1F39E, 0x1F3F0}, {0x1F3F3, 0x1F3F5},
    {0x1F3F7, 0x1F4FD}, {0x1F4FF, 0x1F53D}, {0x1F549, 0x1F54E}, {0x1F550, 0x1F567},
    {0x1F56F, 0x1F570}, {0x1F573, 0x1F57A}, {0x1F587, 0x1F587}, {0x1F58A, 0x1F58D},
    {0x1F590, 0x1F590}, {0x1F595, 0x1F596}, {0x1F5A4, 0x1F5A5}, {0x1F5A8, 0x1F5A8},
    {0x1F5B1, 0x1F5B2}, {0x1F5BC, 0x1F5BC}, {0x1F5C2, 0x1F5C4}, {0x1F5D1, 0x1F5D3},
    {0x1F5DC, 0x1F5DE}, {0x1F5E1, 0x1F5E1}, {0x1F5E3, 0x1F5E3}, {0x1F5E8, 0x1F5E8},
    {0x1F5EF, 0x1F5EF}, {0x1F5F3, 0x1F5F3}, {0x1F5FA, 0x1F64F}, {0x1F680, 0x1F6C5},
    {0x1F6CB, 0x1F6D2}, {0x1F6D5, 0x1F6D9}, {0x1F6DC, 0x1F6E5}, {0x1F6E9, 0x1F6E9},
    {0x1F6EB, 0x1F6EC}, {0x1F6F0, 0x1F6F0}, {0x1F6F3, 0x1F6FC}, {0x1F7E0, 0x1F7EB},
    {0x1F7F0, 0x1F7F0}, {0x1F90C, 0x1F93A}, {0x1F93C, 0x1F945}, {0x1F947, 0x1F9FF},
    {0x1FA70, 0x1FA7C}, {0x1FA80, 0x1FAC6}, {0x1FAC8, 0x1FAC8}, {0x1FACC, 0x1FADD},
    {0x1FADF, 0x1FAEB}, {0x1FAEF, 0x1FAFA}};

constexpr char32_t kJoiner = 0x200D;

// The sequences as a tree; node 0 is the root.
struct Node {
  std::map<char32_t, size_t> next;
  bool emoji = false;
  bool component = false;  // a skin tone or hair
};

const std::vector<Node>& Sequences() {
  static const auto& nodes = *[] {
    auto* tree = new std::vector<Node>(1);
    const absl::string_view text = EmojiList();
    const nlohmann::json list = nlohmann::json::parse(text.begin(), text.end());
    for (const auto& [sequence, data] : list.items()) {
      size_t node = 0;
      for (char32_t c : python::ToCodePoints(sequence)) {
        const auto [place, fresh] = (*tree)[node].next.emplace(c, tree->size());
        node = place->second;
        if (fresh) tree->emplace_back();
      }
      (*tree)[node].emoji = true;
      (*tree)[node].component = data.at("status").get<int>() == 1;
    }
    return tree;
  }();
  return nodes;
}

struct Token {
  size_t begin = 0, end = 0;
  const Node* emoji = nullptr;  // null: a character
};

class Tokenizer {
 public:
  explicit Tokenizer(std::u32string_view text) : text_(text) {}

  std::vector<Token> Run() {
    for (size_t i = 0; i < text_.size();) {
      if (skipped_.count(i) > 0) {
        ++i;
      } else if (nodes_[0].next.count(text_[i]) > 0) {
        i = TakeSequence(i);
      } else if (text_[i] == kJoiner && JoinsEmoji(i)) {
        skipped_.insert(i);
        i = GoBack(i);
      } else {
        window_ = tokens_.size();  // what is before this character is settled
        i = TakeCharacter(i);
      }
    }
    return std::move(tokens_);
  }

 private:
  // The longest way into the tree; if it ends at no emoji, the first character alone.
  size_t TakeSequence(size_t begin) {
    size_t node = nodes_[0].next.at(text_[begin]);
    size_t end = begin + 1;
    for (; end < text_.size() && skipped_.count(end) == 0; ++end) {
      const auto next = nodes_[node].next.find(text_[end]);
      if (next == nodes_[node].next.end()) break;
      node = next->second;
    }
    if (!nodes_[node].emoji) return TakeCharacter(begin);
    tokens_.push_back({begin, end, &nodes_[node]});
    return end;
  }

  size_t TakeCharacter(size_t at) {
    if (text_[at] != 0xFE0E && text_[at] != 0xFE0F) tokens_.push_back({at, at + 1, nullptr});
    return at + 1;
  }

  // The emoji that a token is; a character may be one whose longer sequence was not completed.
  const Node* EmojiOf(const Token& token) const {
    if (token.emoji != nullptr) return token.emoji;
    const auto found = nodes_[0].next.find(text_[token.begin]);
    return found != nodes_[0].next.end() && nodes_[found->second].emoji ? &nodes_[found->second]
                                                                        : nullptr;
  }

  // The joiner stands behind an emoji token, which is not settled, and a character of emoji.
  bool JoinsEmoji(size_t at) const {
    return tokens_.size() > window_ && EmojiOf(tokens_.back()) != nullptr && at > 0 &&
           nodes_[0].next.count(text_[at - 1]) > 0;
  }

  // To the beginning of the emoji before the joiner, or, where that is a skin tone or hair, of the
  // token before it too.
  size_t GoBack(size_t joiner) {
    const bool component = EmojiOf(tokens_.back())->component;
    const size_t unsettled = tokens_.size() - window_;
    const size_t back = component ? std::min<size_t>(2, unsettled) : 1;
    size_t length = 0;
    for (size_t i = tokens_.size() - back; i < tokens_.size(); ++i) {
      length += tokens_[i].end - tokens_[i].begin;
    }
    size_t begin = joiner - length;
    if (component && text_[begin] == kJoiner) {
      ++begin;
      tokens_.pop_back();
    } else {
      tokens_.resize(tokens_.size() - back);
    }
    return begin;
  }

  const std::u32string_view text_;
  const std::vector<Node>& nodes_ = Sequences();
  std::vector<Token> tokens_;
  size_t window_ = 0;  // tokens before this one are settled
  std::set<size_t> skipped_;
};

}  // namespace

size_t RemoveEmoji(std::u32string_view text, std::u32string* rest) {
  rest->clear();
  size_t count = 0;
  for (const Token& token : Tokenizer(text).Run()) {
    if (token.emoji != nullptr) {
      ++count;
    } else {
      rest->append(text.substr(token.begin, token.end - token.begin));
    }
  }
  return count;
}

bool IsEmoji(char32_t c) {
  const Range* range = std::upper_bound(std::begin(kEmoji), std::end(kEmoji), c,
                                        [](char32_t a, const Range& b) { return a < b.first; });
  return range != std::begin(kEmoji) && c <= std::prev(range)->last;
}

}  // namespace plumbline
