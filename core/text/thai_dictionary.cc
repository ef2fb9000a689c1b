#include "core/text/thai_dictionary.h"

#include <algorithm>

#include "core/text/language_data.h"
#include "core/text/python_unicode.h"

namespace plumbline {

const ThaiDictionary& ThaiDictionary::Default() {
  static const auto& dictionary = *[] {
    std::vector<std::u32string> words;
    for (absl::string_view line : python::SplitLines(ThaiWordList())) {
      words.push_back(python::ToCodePoints(python::Strip(line)));
    }
    return new ThaiDictionary(std::move(words));
  }();
  return dictionary;
}

ThaiDictionary::ThaiDictionary(std::vector<std::u32string> words) : nodes_(1) {
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  if (!words.empty() && words.front().empty()) words.erase(words.begin());
  words_ = words.size();
  AddChildren(words, 0, words.size(), 0, 0);
}

// words[begin, end) share their first `depth` characters, which lead to `node`; none ends there but
// has been marked.
void ThaiDictionary::AddChildren(const std::vector<std::u32string>& words, size_t begin, size_t end,
                                 size_t depth, size_t node) {
  std::vector<size_t> begins;  // of each child's words
  for (size_t i = begin; i < end; ++i) {
    if (i == begin || words[i][depth] != words[i - 1][depth]) begins.push_back(i);
  }
  nodes_[node].first_child = static_cast<uint32_t>(nodes_.size());
  nodes_[node].children = static_cast<uint16_t>(begins.size());
  const size_t first = nodes_.size();
  nodes_.resize(first + begins.size());
  begins.push_back(end);
  for (size_t child = 0; child + 1 < begins.size(); ++child) {
    size_t from = begins[child];
    nodes_[first + child].letter = words[from][depth];
    nodes_[first + child].word = words[from].size() == depth + 1;
    from += nodes_[first + child].word;  // sorted: the one that ends here comes first
    if (from < begins[child + 1]) {
      AddChildren(words, from, begins[child + 1], depth + 1, first + child);
    }
  }
}

size_t ThaiDictionary::Child(size_t node, char32_t letter) const {
  const auto begin = nodes_.begin() + nodes_[node].first_child;
  const auto end = begin + nodes_[node].children;
  const auto found =
      std::lower_bound(begin, end, letter, [](const Node& n, char32_t c) { return n.letter < c; });
  return found != end && found->letter == letter ? static_cast<size_t>(found - nodes_.begin()) : 0;
}

}  // namespace plumbline
