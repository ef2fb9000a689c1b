// A word's attributes are the runs of one, two and three words around it (up to two before and two
// behind), as text and as whether each word is one that often ends a sentence or begins one.
#include "core/text/thai_sentences.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/text/crf_model.h"
#include "core/text/language_data.h"
#include "core/text/python_unicode.h"
#include "core/text/thai_words.h"

namespace plumbline {
namespace {

constexpr int kWindow = 2;
constexpr absl::string_view kPadding = "xxpad";

constexpr absl::string_view kEnders[] = {
    "ครับ", "ค่ะ",    "คะ",   "นะคะ", "นะ",   "จ้ะ",     "จ้า",     "จ๋า",     "ฮะ",    "ๆ",
    "ได้",  "แล้ว",   "ด้วย",  "เลย",  "มาก",  "น้อย",    "กัน",     "เช่นกัน",  "เท่านั้น", "อยู่",
    "ลง",  "ขึ้น",    "มา",   "ไป",   "ไว้",   "เอง",    "อีก",     "ใหม่",    "จริงๆ",  "บ้าง",
    "หมด", "ทีเดียว", "เดียว", "นั้น",   "นี้",    "เหล่านี้",  "เหล่านั้น", "อย่างไร", "ยังไง",  "หรือไม่",
    "มั้ย",  "ไหน",   "ไหม",  "อะไร", "ทำไม", "เมื่อไหร่", "เมื่อไร",
};
constexpr absl::string_view kStarters[] = {
    "ผม",   "ฉัน",     "ดิฉัน",    "ชั้น",        "คุณ",    "มัน",     "เขา",     "เค้า", "เธอ",
    "เรา",  "พวกเรา", "พวกเขา", "กู",         "มึง",    "แก",     "ข้าพเจ้า",  "และ", "หรือ",
    "แต่",   "เมื่อ",    "ถ้า",     "ใน",        "ด้วย",   "เพราะ",  "เนื่องจาก", "ซึ่ง",  "ไม่",
    "ตอนนี้", "ทีนี้",     "ดังนั้น",   "เพราะฉะนั้น", "ฉะนั้น",  "ตั้งแต่",   "ในที่สุด",   "ก็",   "กับ",
    "แก่",   "ต่อ",     "นั้น",     "นี้",         "เหล่านี้", "เหล่านั้น",
};

// The runs of words, in the model's order: their first word's place, counted from the word that is
// labelled, and their length.
struct Run {
  int begin;  // in [-kWindow, kWindow]
  int length;
};
constexpr std::array<Run, 12> kRuns = {{{-2, 1},
                                        {-1, 1},
                                        {0, 1},
                                        {1, 1},
                                        {2, 1},
                                        {-2, 2},
                                        {-1, 2},
                                        {0, 2},
                                        {1, 2},
                                        {-2, 3},
                                        {-1, 3},
                                        {0, 3}}};

bool Contains(absl::Span<const absl::string_view> words, absl::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

struct Word {
  absl::string_view text = kPadding;
  bool ender = false;
  bool starter = false;
};

// The model with the attributes that every text has.
class Tagger {
 public:
  static const Tagger& Instance() {
    static const auto& tagger = *new Tagger;
    return tagger;
  }

  // Whether each word ends a sentence. `words` has kWindow of padding on either side.
  std::vector<bool> Tag(absl::Span<const Word> words) const;

 private:
  // Per run the attribute of each pattern of marks: bit i is set where its i-th word has the mark.
  using Patterns = std::array<std::array<int, 8>, kRuns.size()>;

  Tagger();
  Patterns FindPatterns(absl::string_view mark) const;

  const CrfModel model_ = *CrfModel::Parse(ThaiSentenceModel());
  const int end_ = model_.Label("E");
  const int bias_ = model_.Attribute("bias");
  const Patterns enders_ = FindPatterns("ender");
  const Patterns starters_ = FindPatterns("starter");
  std::array<std::string, kRuns.size()> names_;  // of the runs as text, up to "="
};

std::string Name(absl::string_view kind, const Run& run) {
  return absl::StrCat(kind, "_", run.length, "_", run.begin, "_", run.begin + run.length, "=");
}

Tagger::Tagger() {
  for (size_t i = 0; i < kRuns.size(); ++i) names_[i] = Name("word", kRuns[i]);
}

Tagger::Patterns Tagger::FindPatterns(absl::string_view mark) const {
  Patterns patterns = {};
  for (size_t i = 0; i < kRuns.size(); ++i) {
    for (size_t bits = 0; bits < size_t{1} << kRuns[i].length; ++bits) {
      std::string name = Name(mark, kRuns[i]);
      for (int k = 0; k < kRuns[i].length; ++k) {
        absl::StrAppend(&name, k == 0 ? "" : "|", (bits >> k) & 1 ? mark : "normal");
      }
      patterns[i][bits] = model_.Attribute(name);
    }
  }
  return patterns;
}

std::vector<bool> Tagger::Tag(absl::Span<const Word> words) const {
  const size_t length = words.size() - 2 * kWindow;
  std::vector<double> scores(length * model_.labels());
  std::string name;
  for (size_t t = 0; t < length; ++t) {
    const auto of_word = absl::MakeSpan(scores).subspan(t * model_.labels(), model_.labels());
    model_.AddScores(bias_, of_word);
    for (size_t i = 0; i < kRuns.size(); ++i) {
      name = names_[i];
      size_t ender = 0, starter = 0;
      for (size_t k = 0; k < static_cast<size_t>(kRuns[i].length); ++k) {
        const Word& word = words[t + static_cast<size_t>(kWindow + kRuns[i].begin) + k];
        if (k > 0) name += '|';
        absl::StrAppend(&name, word.text);
        ender |= size_t{word.ender} << k;
        starter |= size_t{word.starter} << k;
      }
      // CRFsuite takes names as C strings.
      const absl::string_view before_nul = absl::string_view(name).substr(0, name.find('\0'));
      model_.AddScores(model_.Attribute(before_nul), of_word);
      model_.AddScores(enders_[i][ender], of_word);
      model_.AddScores(starters_[i][starter], of_word);
    }
  }
  std::vector<bool> ends;
  for (int label : model_.Decode(scores)) ends.push_back(label == end_);
  return ends;
}

// The words as UTF-8 in `utf8`, with padding.
std::vector<Word> MakeWords(std::u32string_view text, const std::vector<size_t>& ends,
                            std::string* utf8) {
  std::vector<size_t> byte_ends;
  size_t at = 0;
  for (size_t end : ends) {
    for (; at < end; ++at) python::AppendUtf8(text[at], utf8);
    byte_ends.push_back(utf8->size());
  }
  std::vector<Word> words(kWindow);
  size_t begin = 0;
  for (size_t end : byte_ends) {
    const absl::string_view word = absl::string_view(*utf8).substr(begin, end - begin);
    words.push_back({word, Contains(kEnders, word), Contains(kStarters, word)});
    begin = end;
  }
  words.resize(words.size() + kWindow);
  return words;
}

}  // namespace

std::vector<size_t> ThaiSentenceEnds(std::u32string_view text) {
  if (text.empty()) return {};
  const std::vector<size_t> word_ends = ThaiWordEnds(text);
  std::string utf8;
  const std::vector<Word> words = MakeWords(text, word_ends, &utf8);
  std::vector<bool> ends = Tagger::Instance().Tag(words);
  ends.back() = true;
  std::vector<size_t> sentences;
  for (size_t i = 0; i < ends.size(); ++i) {
    const absl::string_view word = python::Strip(words[kWindow + i].text);
    if (!word.empty() && absl::StrContains("!.?", word.substr(word.size() - 1))) {
      ends[i] = true;
    } else if (word.empty() && (i == 0 || ends[i - 1])) {
      ends[i] = false;  // no sentence of white space
    }
    if (ends[i]) sentences.push_back(word_ends[i]);
  }
  return sentences;
}

}  // namespace plumbline
