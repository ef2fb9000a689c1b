// The words newmm knows, as a tree of characters.
#ifndef PLUMBLINE_CORE_TEXT_THAI_DICTIONARY_H_
#define PLUMBLINE_CORE_TEXT_THAI_DICTIONARY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plumbline {

// Immutable, thread-safe.
class ThaiDictionary {
 public:
  // PyThaiNLP's, built in: 62,106 words in a tree of 3 MB. The first call builds it.
  static const ThaiDictionary& Default();

  explicit ThaiDictionary(std::vector<std::u32string> words);

  // Calls take(end) for every word that is text[begin, end), the shortest first, until it returns
  // false.
  template <typename Take>
  void ForEachWordAt(std::u32string_view text, size_t begin, Take take) const {
    size_t node = 0;
    for (size_t i = begin; i < text.size(); ++i) {
      node = Child(node, text[i]);
      if (node == 0 || (nodes_[node].word && !take(i + 1))) return;
    }
  }

  size_t size() const { return words_; }

 private:
  // A node's children lie side by side, by letter. Node 0 is the root, which is nobody's child.
  struct Node {
    char32_t letter = 0;
    uint32_t first_child = 0;
    uint16_t children = 0;
    bool word = false;
  };

  // 0: there is none.
  size_t Child(size_t node, char32_t letter) const;
  void AddChildren(const std::vector<std::u32string>& words, size_t begin, size_t end, size_t depth,
                   size_t node);

  std::vector<Node> nodes_;
  size_t words_ = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_THAI_DICTIONARY_H_
