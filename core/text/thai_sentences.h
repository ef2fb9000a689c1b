// Thai sentences, which no mark ends: PyThaiNLP 5.4.0's sent_tokenize, engine crfcut (Apache-2.0),
// ported. Its conditional random field, trained on subtitles of talks, labels each word of
// ThaiWordEnds as inside or at the end of a sentence.
#ifndef PLUMBLINE_CORE_TEXT_THAI_SENTENCES_H_
#define PLUMBLINE_CORE_TEXT_THAI_SENTENCES_H_

#include <cstddef>
#include <string_view>
#include <vector>

namespace plumbline {

// Where each sentence ends, in order: len(sent_tokenize(text)) of them. White space behind the last
// one belongs to none. Thread-safe, linear time and memory. The first call reads the model.
std::vector<size_t> ThaiSentenceEnds(std::u32string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_THAI_SENTENCES_H_
