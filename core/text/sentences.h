// English sentences as NLTK 3.9's Punkt finds them (sent_tokenize): a trained list of
// abbreviations, collocations, sentence starters and orthographic habits decides at every ".", "?"
// and "!" whether a sentence ends. The parameters are NLTK's English model; the inference is a port
// that gives the same spans.
#ifndef PLUMBLINE_CORE_TEXT_SENTENCES_H_
#define PLUMBLINE_CORE_TEXT_SENTENCES_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"

namespace plumbline {

// Bytes [begin, end) of a text.
struct TextSpan {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const TextSpan&) const = default;
};

// The sentences of `text` (UTF-8; each ill-formed part counts as one U+FFFD), in order, without the
// whitespace between them. None for a text that is empty or all whitespace. Thread-safe, linear
// time.
std::vector<TextSpan> SentenceSpans(absl::string_view text);

// The same as views into `text`.
std::vector<absl::string_view> SplitSentences(absl::string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_SENTENCES_H_
