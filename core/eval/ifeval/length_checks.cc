// length_constraints:*.
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/ifeval/checks.h"
#include "core/eval/pyre/regex.h"
#include "core/text/sentences.h"

namespace plumbline::ifeval {
namespace {

class NumberSentences : public Instruction {
 public:
  explicit NumberSentences(Bound bound) : bound_(bound) {}
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    const int64_t count = static_cast<int64_t>(SentenceSpans(response.utf8()).size());
    if (bound_.Holds(count)) return true;
    ExplainBound(bound_, count, "sentence", why);
    return false;
  }

 private:
  const Bound bound_;
};

class NumberWords : public Instruction {
 public:
  explicit NumberWords(Bound bound) : bound_(bound) {}
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    const int64_t count = static_cast<int64_t>(python::CountWords(response.utf8()));
    if (bound_.Holds(count)) return true;
    ExplainBound(bound_, count, "word", why);
    return false;
  }

 private:
  const Bound bound_;
};

// Paragraphs between "***" dividers.
class NumberParagraphs : public Instruction {
 public:
  explicit NumberParagraphs(int64_t wanted) : wanted_(wanted) {}

  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    static const PyRegex& divider = *new PyRegex(*PyRegex::Compile(R"(\s?\*\*\*\s?)"));
    const std::vector<std::u32string_view> parts = divider.Split(response.code_points());
    int64_t count = static_cast<int64_t>(parts.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      const std::string part = python::ToUtf8(std::u32string(parts[i]));
      if (!python::Strip(part).empty()) continue;
      if (i != 0 && i + 1 != parts.size()) {
        if (why != nullptr) *why = "an empty paragraph between two *** dividers";
        return false;
      }
      --count;
    }
    if (count == wanted_) return true;
    ExplainCount(count, "exactly", wanted_, "paragraph", why);
    return false;
  }

 private:
  const int64_t wanted_;
};

// Paragraphs between empty lines; the nth begins with a word. The reference counts the non-blank
// ones but takes the nth of all.
class NthParagraphFirstWord : public Instruction {
 public:
  static InstructionOr Make(Kwargs& kwargs) {
    auto check = std::make_unique<NthParagraphFirstWord>();
    ABSL_ASSIGN_OR_RETURN(check->paragraphs_, kwargs.Count("num_paragraphs"));
    ABSL_ASSIGN_OR_RETURN(check->nth_, kwargs.Count("nth_paragraph"));
    ABSL_ASSIGN_OR_RETURN(std::string word, kwargs.String("first_word"));
    if (check->nth_ > check->paragraphs_) {
      return absl::InvalidArgumentError(absl::StrCat("argument \"nth_paragraph\" is ", check->nth_,
                                                     ", want at most ", "num_paragraphs, which is ",
                                                     check->paragraphs_));
    }
    check->word_ = python::Lower(word);
    return check;
  }

  bool has_fix() const override { return true; }
  bool Follows(const ResponseText& response, Policy policy, std::string* why) const override {
    const std::vector<absl::string_view> all = python::Split(response.utf8(), "\n\n");
    std::vector<absl::string_view> filled;
    for (absl::string_view part : all) {
      if (!python::Strip(part).empty()) filled.push_back(part);
    }
    const int64_t count = static_cast<int64_t>(filled.size());
    if (nth_ > count) {
      ExplainCount(count, "exactly", paragraphs_, "paragraph", why);
      return false;
    }
    const auto& from = policy == Policy::kFixed ? filled : all;
    const std::string first = FirstWord(from[static_cast<size_t>(nth_ - 1)]);
    if (count == paragraphs_ && first == word_) return true;
    if (count != paragraphs_) {
      ExplainCount(count, "exactly", paragraphs_, "paragraph", why);
    } else if (why != nullptr) {
      *why = absl::StrCat("paragraph ", nth_, " starts with \"", first, "\", want \"", word_, "\"");
    }
    return false;
  }

 private:
  static std::string FirstWord(absl::string_view paragraph) {
    const std::vector<absl::string_view> words = python::SplitWhitespace(paragraph);
    if (words.empty()) return "";
    absl::string_view word = python::LeftStrip(words[0], "'");
    word = python::LeftStrip(word, "\"");
    std::string lower;
    for (size_t at = 0; at < word.size();) {
      const size_t begin = at;
      const char32_t c = python::NextCodePoint(word, &at);
      if (c == '.' || c == ',' || c == '?' || c == '!' || c == '\'' || c == '"') break;
      lower += python::Lower(word.substr(begin, at - begin));  // letter by letter, as there
    }
    return lower;
  }

  int64_t paragraphs_ = 0, nth_ = 0;
  std::string word_;
};

}  // namespace

InstructionOr MakeNumberSentences(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(Bound bound, kwargs.ReadBound("num_sentences", "relation"));
  return std::make_unique<NumberSentences>(bound);
}
InstructionOr MakeNumberWords(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(Bound bound, kwargs.ReadBound("num_words", "relation"));
  return std::make_unique<NumberWords>(bound);
}
InstructionOr MakeNumberParagraphs(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(int64_t wanted, kwargs.Count("num_paragraphs"));
  return std::make_unique<NumberParagraphs>(wanted);
}
InstructionOr MakeNthParagraphFirstWord(Kwargs& kwargs) {
  return NthParagraphFirstWord::Make(kwargs);
}

}  // namespace plumbline::ifeval
