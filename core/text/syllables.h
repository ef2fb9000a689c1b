// How many syllables an English word has, as Python's syllapy 0.8.0 counts: a list of some 6,000
// words (its own, built in) first, else a rule over groups of vowels.
#ifndef PLUMBLINE_CORE_TEXT_SYLLABLES_H_
#define PLUMBLINE_CORE_TEXT_SYLLABLES_H_

#include "absl/strings/string_view.h"

namespace plumbline {

// syllapy.count(word): 0 for a word with a digit or without a letter. `word` is UTF-8. Thread-safe.
int CountSyllables(absl::string_view word);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_SYLLABLES_H_
