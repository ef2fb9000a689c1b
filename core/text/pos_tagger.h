// The part of speech of a text's first word, as NLTK 3.9's pos_tag says: the greedy averaged
// perceptron of Honnibal (2013) with NLTK's English weights (averaged_perceptron_tagger_eng). Only
// the first word's: it depends on the two words behind it and on no tag, so no sequence is decoded.
#ifndef PLUMBLINE_CORE_TEXT_POS_TAGGER_H_
#define PLUMBLINE_CORE_TEXT_POS_TAGGER_H_

#include <string>
#include <vector>

namespace plumbline {

// nltk.pos_tag(tokens)[0][1], a Penn Treebank tag: "VB", "NNP", "." ... `tokens` are those of
// WordTokenize, not empty. Thread-safe. The first call in a process reads the weights (about
// 0.2 s).
std::string FirstPartOfSpeech(const std::vector<std::string>& tokens);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_POS_TAGGER_H_
