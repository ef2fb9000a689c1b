#include "core/eval/multi_if/multilingual_checks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/ifeval/checks.h"
#include "core/text/emoji.h"
#include "core/text/python_unicode.h"
#include "core/text/sentences.h"
#include "core/text/thai_sentences.h"
#include "core/text/thai_words.h"

namespace plumbline::multi_if {
namespace {

using ifeval::Bound;
using ifeval::Policy;
using ifeval::ResponseText;

bool IsChineseOrJapanese(absl::string_view language) {
  return language == "zh-cn" || language == "zh-tw" || language == "ja";
}

// Where a Chinese or Japanese sentence ends.
bool EndsSentence(char32_t c) {
  return std::u32string_view(U"!?。.！？．\n").find(c) != std::u32string_view::npos;
}

// Marks that belong to no word.
bool IsMark(char32_t c) {
  return std::u32string_view(
             U"\\.!?．/_,{}<>:;$%^&*(+\"'—！，。？、`~@#￥…（）：；《》“”)[]»〔〕-「」")
             .find(c) != std::u32string_view::npos;
}

// A character that is a word of its own.
bool IsWordByItself(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||  // ideographs
         (c >= 0x3040 && c <= 0x30FF) ||                                  // kana
         (c >= 0xAC00 && c <= 0xD7AF);                                    // Hangul
}

// A count of the response, which differs by language, within a bound.
class Count : public ifeval::Instruction {
 public:
  Count(Bound bound, absl::string_view noun, int64_t (*count)(const ResponseText&))
      : bound_(bound), noun_(noun), count_(count) {}

  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    const int64_t count = count_(response);
    if (bound_.Holds(count)) return true;
    ifeval::ExplainBound(bound_, count, noun_, why);
    return false;
  }

 private:
  const Bound bound_;
  const absl::string_view noun_;
  int64_t (*const count_)(const ResponseText&);
};

int64_t CountSentences(const ResponseText& response) {
  if (response.language() == "th") return CountThaiSentences(response.utf8());
  if (response.language() == "hi") return CountHindiSentences(response.code_points());
  if (IsChineseOrJapanese(response.language())) {
    return CountChineseJapaneseSentences(std::string(response.utf8()));
  }
  return static_cast<int64_t>(SentenceSpans(response.utf8()).size());
}

int64_t CountWords(const ResponseText& response) {
  if (response.language() == "th") {
    return static_cast<int64_t>(ThaiWordEnds(response.code_points()).size());
  }
  if (IsChineseOrJapanese(response.language())) {
    return CountChineseJapaneseWords(response.code_points());
  }
  return static_cast<int64_t>(python::CountWords(response.utf8()));
}

class Quotation : public ifeval::Instruction {
 public:
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    const std::u32string text = python::ToCodePoints(python::Strip(response.utf8()));
    if (text.size() > 1) {
      const std::u32string ends = {text.front(), text.back()};
      if (ends == U"\"\"" || ends == U"“”" || ends == U"「」") return true;
    }
    if (why != nullptr) *why = "the response is not inside double quotation marks";
    return false;
  }
};

}  // namespace

// Lines, each cut behind every mark: so many runs of other characters.
int64_t CountChineseJapaneseSentences(const std::string& utf8) {
  int64_t count = 0;
  for (absl::string_view line : python::SplitLines(utf8)) {
    bool inside = false;
    for (char32_t c : python::ToCodePoints(python::Strip(line))) {
      const bool end = EndsSentence(c);
      count += !end && !inside;
      inside = !end;
    }
  }
  return count;
}

// Those of each line: a line break ends a sentence too.
int64_t CountThaiSentences(absl::string_view utf8) {
  size_t count = 0;
  for (absl::string_view line : python::SplitLines(utf8)) {
    count += ThaiSentenceEnds(python::ToCodePoints(line)).size();
  }
  return static_cast<int64_t>(count);
}

// A sentence behind every mark, and one more if there is text behind the last.
int64_t CountHindiSentences(const std::u32string& text) {
  int64_t count = 0;
  bool rest = false;
  for (char32_t c : text) {
    if (c == U'।' || c == '!' || c == '?') {
      ++count;
      rest = false;
    } else {
      rest = rest || !python::IsSpace(c);
    }
  }
  return count + rest;
}

// Without marks: emoji, Chinese, Japanese and Korean characters count one each, and between them
// whatever stands between spaces.
int64_t CountChineseJapaneseWords(const std::u32string& text) {
  std::u32string words;
  std::copy_if(text.begin(), text.end(), std::back_inserter(words),
               [](char32_t c) { return !IsMark(c); });
  std::u32string rest;
  int64_t count = static_cast<int64_t>(RemoveEmoji(words, &rest));
  bool inside = false;
  for (char32_t c : rest) {
    const bool alone = IsWordByItself(c);
    const bool word = !alone && !python::IsSpace(c);
    count += alone || (word && !inside);
    inside = word;
  }
  return count;
}

ifeval::InstructionOr MakeNumberSentences(ifeval::Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const Bound bound, kwargs.ReadBound("num_sentences", "relation"));
  return std::make_unique<Count>(bound, "sentence", CountSentences);
}
ifeval::InstructionOr MakeNumberWords(ifeval::Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const Bound bound, kwargs.ReadBound("num_words", "relation"));
  return std::make_unique<Count>(bound, "word", CountWords);
}
ifeval::InstructionOr MakeQuotation(ifeval::Kwargs&) { return std::make_unique<Quotation>(); }

}  // namespace plumbline::multi_if
