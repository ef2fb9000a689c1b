// language:*, combination:*, startend:*, change_case:*, punctuation:*.
#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/eval/ifeval/checks.h"
#include "core/text/words.h"

namespace plumbline::ifeval {
namespace {

// The reference's LANGUAGE_CODES. langdetect has "zh-cn" and "zh-tw" and no "zh", so "zh" is never
// followed, there as here.
constexpr std::array<absl::string_view, 30> kLanguages = {
    "en", "es", "pt", "ar", "hi", "fr", "ru", "de", "ja", "it", "bn", "uk", "th", "ur", "ta",
    "te", "bg", "ko", "pl", "he", "fa", "vi", "ne", "sw", "kn", "mr", "gu", "pa", "ml", "fi"};

std::string DetectedAs(const ResponseText& response) {
  return response.language().empty() ? "no language"
                                     : absl::StrCat("\"", response.language(), "\"");
}

// langdetect says so; where it gives up (a text without letters) the reference counts it as
// followed.
bool IsInLanguage(const ResponseText& response, absl::string_view language) {
  return response.language().empty() || response.language() == language;
}

class ResponseLanguage : public Instruction {
 public:
  explicit ResponseLanguage(std::string language) : language_(std::move(language)) {}
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    if (IsInLanguage(response, language_)) return true;
    if (why != nullptr) {
      *why = absl::StrCat("the language is ", DetectedAs(response), ", want \"", language_, "\"");
    }
    return false;
  }

 private:
  const std::string language_;
};

class TwoResponses : public Instruction {
 public:
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    const std::vector<absl::string_view> parts = python::Split(response.utf8(), "******");
    std::vector<absl::string_view> filled;
    for (size_t i = 0; i < parts.size(); ++i) {
      const absl::string_view stripped = python::Strip(parts[i]);
      if (!stripped.empty()) {
        filled.push_back(stripped);
      } else if (i != 0 && i + 1 != parts.size()) {
        if (why != nullptr) *why = "an empty response between two ****** separators";
        return false;
      }
    }
    if (filled.size() == 2 && filled[0] != filled[1]) return true;
    if (filled.size() != 2) {
      ExplainCount(static_cast<int64_t>(filled.size()), "exactly", 2, "response", why);
    } else if (why != nullptr) {
      *why = "the two responses are the same";
    }
    return false;
  }
};

class RepeatPrompt : public Instruction {
 public:
  explicit RepeatPrompt(absl::string_view prompt) : prompt_(python::Lower(python::Strip(prompt))) {}
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    if (absl::StartsWith(python::Lower(python::Strip(response.utf8())), prompt_)) return true;
    if (why != nullptr) *why = "the response does not start with the repeated prompt";
    return false;
  }

 private:
  const std::string prompt_;
};

class EndChecker : public Instruction {
 public:
  explicit EndChecker(absl::string_view phrase) : phrase_(python::Lower(python::Strip(phrase))) {}
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    const absl::string_view text = python::Strip(python::Strip(response.utf8()), "\"");
    if (absl::EndsWith(python::Lower(text), phrase_)) return true;
    if (why != nullptr) *why = absl::StrCat("the response does not end with \"", phrase_, "\"");
    return false;
  }

 private:
  const std::string phrase_;
};

class Quotation : public Instruction {
 public:
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    const absl::string_view text = python::Strip(response.utf8());
    if (text.size() > 1 && text.front() == '"' && text.back() == '"') return true;
    if (why != nullptr) *why = "the response is not inside double quotation marks";
    return false;
  }
};

class CapitalWordFrequency : public Instruction {
 public:
  explicit CapitalWordFrequency(Bound bound) : bound_(bound) {}
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    int64_t count = 0;
    for (const std::string& word : WordTokenize(response.utf8())) count += python::IsUpper(word);
    if (bound_.Holds(count)) return true;
    ExplainBound(bound_, count, "word", why);
    if (why != nullptr) absl::StrAppend(why, " in capitals");
    return false;
  }

 private:
  const Bound bound_;
};

class EnglishCase : public Instruction {
 public:
  explicit EnglishCase(bool upper) : upper_(upper) {}
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    const bool in_case =
        upper_ ? python::IsUpper(response.utf8()) : python::IsLower(response.utf8());
    if (in_case && IsInLanguage(response, "en")) return true;
    if (why == nullptr) return false;
    if (!in_case) {
      *why = upper_ ? "the response is not all in capital letters"
                    : "the response is not all in lowercase letters";
    } else {
      *why = absl::StrCat("the language is ", DetectedAs(response), ", want \"en\"");
    }
    return false;
  }

 private:
  const bool upper_;
};

class NoComma : public Instruction {
 public:
  bool Follows(const ResponseText& response, Policy, std::string* why) const override {
    const absl::string_view text = response.utf8();
    const int64_t count = std::count(text.begin(), text.end(), ',');
    if (count == 0) return true;
    ExplainCount(count, "", 0, "comma", why);
    return false;
  }
};

}  // namespace

InstructionOr MakeResponseLanguage(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(std::string language, kwargs.String("language"));
  if (std::find(kLanguages.begin(), kLanguages.end(), language) == kLanguages.end()) {
    return absl::InvalidArgumentError(absl::StrCat("argument \"language\" is \"", language,
                                                   "\", want one of ",
                                                   absl::StrJoin(kLanguages, ", ")));
  }
  return std::make_unique<ResponseLanguage>(std::move(language));
}
InstructionOr MakeTwoResponses(Kwargs&) { return std::make_unique<TwoResponses>(); }
InstructionOr MakeRepeatPrompt(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(std::string prompt, kwargs.String("prompt_to_repeat"));
  return std::make_unique<RepeatPrompt>(prompt);
}
InstructionOr MakeEndChecker(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(std::string phrase, kwargs.String("end_phrase"));
  return std::make_unique<EndChecker>(phrase);
}
InstructionOr MakeQuotation(Kwargs&) { return std::make_unique<Quotation>(); }
InstructionOr MakeCapitalWordFrequency(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(Bound bound, kwargs.ReadBound("capital_frequency", "capital_relation"));
  return std::make_unique<CapitalWordFrequency>(bound);
}
InstructionOr MakeEnglishCapital(Kwargs&) { return std::make_unique<EnglishCase>(true); }
InstructionOr MakeEnglishLowercase(Kwargs&) { return std::make_unique<EnglishCase>(false); }
InstructionOr MakeNoComma(Kwargs&) { return std::make_unique<NoComma>(); }

}  // namespace plumbline::ifeval
