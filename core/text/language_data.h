// Data files of others that are built into the binary. scripts/setup fetches them, pinned by hash;
// none is in the repository. docs/dependencies.md says whose they are.
#ifndef PLUMBLINE_CORE_TEXT_LANGUAGE_DATA_H_
#define PLUMBLINE_CORE_TEXT_LANGUAGE_DATA_H_

#include "absl/strings/string_view.h"

namespace plumbline {

absl::string_view EmojiList();          // JSON {emoji: {"status": 1 to 4, ...}}
absl::string_view SyllapyWords();       // syllapy's data.csv: "word,syllables" a line
absl::string_view TaggerWeights();      // JSON {feature: {tag: weight}}
absl::string_view TaggerKnownWords();   // JSON {word: tag}
absl::string_view TaggerClasses();      // a tag a line
absl::string_view ThaiWordList();       // PyThaiNLP's words_th.txt: a word a line
absl::string_view ThaiSentenceModel();  // its sentenceseg_crfcut.model, in CRFsuite's format

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_LANGUAGE_DATA_H_
