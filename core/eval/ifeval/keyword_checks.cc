// keywords:*. A keyword is a regular expression in the reference, matched with re.IGNORECASE.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/eval/ifeval/checks.h"
#include "core/eval/pyre/regex.h"

namespace plumbline::ifeval {
namespace {

absl::StatusOr<PyRegex> CompileKeyword(const std::string& pattern) {
  PyRegexFlags flags;
  flags.ignore_case = true;
  return PyRegex::Compile(pattern, flags);
}

class KeywordExistence : public Instruction {
 public:
  static InstructionOr Make(Kwargs& kwargs) {
    auto check = std::make_unique<KeywordExistence>();
    ABSL_ASSIGN_OR_RETURN(check->keywords_, kwargs.Strings("keywords"));
    std::sort(check->keywords_.begin(), check->keywords_.end());
    for (const std::string& keyword : check->keywords_) {
      ABSL_ASSIGN_OR_RETURN(PyRegex regex, CompileKeyword(keyword));
      check->regexes_.push_back(std::move(regex));
    }
    return check;
  }

  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    for (size_t i = 0; i < regexes_.size(); ++i) {
      if (regexes_[i].Search(response.code_points())) continue;
      if (why != nullptr) *why = absl::StrCat("keyword \"", keywords_[i], "\" is missing");
      return false;
    }
    return true;
  }

 private:
  std::vector<std::string> keywords_;
  std::vector<PyRegex> regexes_;
};

class KeywordFrequency : public Instruction {
 public:
  static InstructionOr Make(Kwargs& kwargs) {
    ABSL_ASSIGN_OR_RETURN(std::string keyword, kwargs.String("keyword"));
    ABSL_ASSIGN_OR_RETURN(Bound bound, kwargs.ReadBound("frequency", "relation"));
    keyword = std::string(python::Strip(keyword));
    ABSL_ASSIGN_OR_RETURN(PyRegex reference, CompileKeyword(keyword));
    // A boundary only at an edge that is a word character: "#tag" has none in front.
    const std::u32string characters = python::ToCodePoints(keyword);
    const bool word_first = !characters.empty() && python::IsWordChar(characters.front());
    const bool word_last = !characters.empty() && python::IsWordChar(characters.back());
    absl::StatusOr<PyRegex> fixed = CompileKeyword(
        absl::StrCat(word_first ? "\\b" : "", "(?:", keyword, ")", word_last ? "\\b" : ""));
    // A keyword that compiles alone and not inside a group sets global flags: nothing to mend.
    if (!fixed.ok()) fixed = reference;
    auto check = std::make_unique<KeywordFrequency>(std::move(reference), *std::move(fixed));
    check->keyword_ = keyword;
    check->bound_ = bound;
    return check;
  }
  KeywordFrequency(PyRegex reference, PyRegex fixed)
      : reference_(std::move(reference)), fixed_(std::move(fixed)) {}

  bool has_fix() const override { return true; }
  bool Follows(const ResponseText& response, Policy policy, std::string* why) const override {
    const PyRegex& regex = policy == Policy::kFixed ? fixed_ : reference_;
    const int64_t count = static_cast<int64_t>(regex.Count(response.code_points()));
    if (bound_.Holds(count)) return true;
    if (why != nullptr) {
      ExplainBound(bound_, count, "occurrence", why);
      absl::StrAppend(why, " of \"", keyword_, "\"");
    }
    return false;
  }

 private:
  PyRegex reference_, fixed_;
  std::string keyword_;
  Bound bound_;
};

class ForbiddenWords : public Instruction {
 public:
  static InstructionOr Make(Kwargs& kwargs) {
    ABSL_ASSIGN_OR_RETURN(std::vector<std::string> words, kwargs.Strings("forbidden_words"));
    auto check = std::make_unique<ForbiddenWords>();
    const std::set<std::string> unique(words.begin(), words.end());
    for (const std::string& word : unique) {
      ABSL_ASSIGN_OR_RETURN(PyRegex regex, CompileKeyword(absl::StrCat("\\b", word, "\\b")));
      check->words_.push_back(word);
      check->regexes_.push_back(std::move(regex));
    }
    return check;
  }

  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    for (size_t i = 0; i < regexes_.size(); ++i) {
      if (!regexes_[i].Search(response.code_points())) continue;
      if (why != nullptr) *why = absl::StrCat("forbidden word \"", words_[i], "\" is used");
      return false;
    }
    return true;
  }

 private:
  std::vector<std::string> words_;
  std::vector<PyRegex> regexes_;
};

class LetterFrequency : public Instruction {
 public:
  static InstructionOr Make(Kwargs& kwargs) {
    ABSL_ASSIGN_OR_RETURN(std::string letter, kwargs.String("letter"));
    auto check = std::make_unique<LetterFrequency>();
    ABSL_ASSIGN_OR_RETURN(check->bound_, kwargs.ReadBound("let_frequency", "let_relation"));
    // The reference draws a random letter unless this is one of a-z; ours counts the character
    // itself.
    const std::u32string lower = python::ToCodePoints(python::Lower(letter));
    if (python::Length(letter) != 1 || lower.size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("argument \"letter\" is \"", letter, "\", want one character"));
    }
    check->letter_ = lower[0];
    return check;
  }

  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    int64_t count = 0;
    for (size_t at = 0; at < response.lower().size();) {
      count += python::NextCodePoint(response.lower(), &at) == letter_;
    }
    if (bound_.Holds(count)) return true;
    if (why != nullptr) {
      ExplainBound(bound_, count, "occurrence", why);
      absl::StrAppend(why, " of the letter \"", python::ToUtf8(std::u32string(1, letter_)), "\"");
    }
    return false;
  }

 private:
  char32_t letter_ = 0;
  Bound bound_;
};

}  // namespace

InstructionOr MakeKeywordExistence(Kwargs& kwargs) { return KeywordExistence::Make(kwargs); }
InstructionOr MakeKeywordFrequency(Kwargs& kwargs) { return KeywordFrequency::Make(kwargs); }
InstructionOr MakeForbiddenWords(Kwargs& kwargs) { return ForbiddenWords::Make(kwargs); }
InstructionOr MakeLetterFrequency(Kwargs& kwargs) { return LetterFrequency::Make(kwargs); }

}  // namespace plumbline::ifeval
