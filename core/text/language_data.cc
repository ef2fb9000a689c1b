// Each file becomes a symbol pair by the assembler's .incbin; the paths come from CMakeLists.txt.
#include "core/text/language_data.h"

#define PLUMBLINE_EMBED(name, path)                                              \
  extern "C" const char name##_begin[];                                          \
  extern "C" const char name##_end[];                                            \
  __asm__(".pushsection .rodata\n" #name "_begin:\n.incbin \"" path "\"\n" #name \
          "_end:\n.byte 0\n.popsection\n")

PLUMBLINE_EMBED(plumbline_emoji_list, PLUMBLINE_EMOJI_LIST);
PLUMBLINE_EMBED(plumbline_syllapy_words, PLUMBLINE_SYLLAPY_WORDS);
PLUMBLINE_EMBED(plumbline_tagger_weights, PLUMBLINE_TAGGER_DIR "/weights.json");
PLUMBLINE_EMBED(plumbline_tagger_known, PLUMBLINE_TAGGER_DIR "/tags.json");
PLUMBLINE_EMBED(plumbline_tagger_classes, PLUMBLINE_TAGGER_DIR "/classes.txt");
PLUMBLINE_EMBED(plumbline_thai_words, PLUMBLINE_THAI_DIR "/words_th.txt");
PLUMBLINE_EMBED(plumbline_thai_sentences, PLUMBLINE_THAI_DIR "/sentenceseg_crfcut.model");

namespace plumbline {
namespace {

absl::string_view Between(const char* begin, const char* end) {
  return absl::string_view(begin, static_cast<size_t>(end - begin));
}

}  // namespace

absl::string_view EmojiList() {
  return Between(plumbline_emoji_list_begin, plumbline_emoji_list_end);
}
absl::string_view SyllapyWords() {
  return Between(plumbline_syllapy_words_begin, plumbline_syllapy_words_end);
}
absl::string_view TaggerWeights() {
  return Between(plumbline_tagger_weights_begin, plumbline_tagger_weights_end);
}
absl::string_view TaggerKnownWords() {
  return Between(plumbline_tagger_known_begin, plumbline_tagger_known_end);
}
absl::string_view TaggerClasses() {
  return Between(plumbline_tagger_classes_begin, plumbline_tagger_classes_end);
}
absl::string_view ThaiWordList() {
  return Between(plumbline_thai_words_begin, plumbline_thai_words_end);
}
absl::string_view ThaiSentenceModel() {
  return Between(plumbline_thai_sentences_begin, plumbline_thai_sentences_end);
}

}  // namespace plumbline
