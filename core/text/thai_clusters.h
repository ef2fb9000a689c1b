// Thai character clusters: what may not be cut inside, a consonant with its vowels and tone marks.
// A port of PyThaiNLP 5.4.0's pythainlp.tokenize.tcc_p (Apache-2.0; the rules of Theeramunkong et
// al. 2000 with PyThaiNLP's improvements): newmm cuts words only where a cluster ends.
#ifndef PLUMBLINE_CORE_TEXT_THAI_CLUSTERS_H_
#define PLUMBLINE_CORE_TEXT_THAI_CLUSTERS_H_

#include <string_view>
#include <vector>

namespace plumbline {

// tcc_pos_array(text): [text.size() + 1], whether a cluster ends before text[i]. A character that
// begins no cluster is one by itself. Thread-safe, linear time.
std::vector<bool> ThaiClusterEnds(std::u32string_view text);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_THAI_CLUSTERS_H_
