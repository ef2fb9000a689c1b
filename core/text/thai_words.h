// Thai words, which are written without spaces: PyThaiNLP 5.4.0's word_tokenize, engine newmm
// (Apache-2.0), ported. Of the ways to cut the text into words of its dictionary, each ending where
// a character cluster ends, the one with the fewest words is taken; what is in no dictionary is
// skipped to where a word begins again. Text in other scripts is cut at spaces and digits, and
// spaces are words too.
#ifndef PLUMBLINE_CORE_TEXT_THAI_WORDS_H_
#define PLUMBLINE_CORE_TEXT_THAI_WORDS_H_

#include <cstddef>
#include <string_view>
#include <vector>

namespace plumbline {

// Where each word ends, in order; together the words are the whole text, so their number is
// len(word_tokenize(text)). Thread-safe; linear time and memory on any text, where PyThaiNLP takes
// quadratic time. The first call reads the dictionary.
std::vector<size_t> ThaiWordEnds(std::u32string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_THAI_WORDS_H_
