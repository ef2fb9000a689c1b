// English word tokens as NLTK 3.9's word_tokenize gives them: Punkt's sentences, each cut by the
// Treebank-style NLTKWordTokenizer ("don't" is "do", "n't"; a double quote becomes `` or '').
#ifndef PLUMBLINE_CORE_TEXT_WORDS_H_
#define PLUMBLINE_CORE_TEXT_WORDS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace plumbline {

// nltk.word_tokenize(text). `text` is UTF-8; each ill-formed part counts as one U+FFFD.
// Thread-safe, linear time.
std::vector<std::string> WordTokenize(absl::string_view text);

// NLTKWordTokenizer().tokenize(sentence): one sentence, not split further.
std::vector<std::string> TreebankTokenize(absl::string_view sentence);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_WORDS_H_
