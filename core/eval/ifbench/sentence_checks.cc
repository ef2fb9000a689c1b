// sentence:* and custom:sentence_alphabet.
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "core/eval/ifbench/check_tools.h"
#include "core/eval/ifbench/checks.h"
#include "core/eval/ifeval/checks.h"
#include "core/eval/pyre/regex.h"
#include "core/text/python_unicode.h"
#include "core/text/sentences.h"

namespace plumbline::ifbench {
namespace {

// How many words of a sentence stand in runs of words with the same first letter.
int64_t CountAlliteration(absl::string_view sentence) {
  const std::string lower = python::Lower(sentence);
  std::vector<char32_t> letters;
  for (absl::string_view word : python::SplitWhitespace(lower)) {
    const absl::string_view clean = python::LeftStrip(word, kPunctuationAndSpace);
    if (!clean.empty()) letters.push_back(FirstCharacter(clean));
  }
  int64_t count = 0;
  bool running = false;
  for (size_t i = 1; i < letters.size(); ++i) {
    const bool same = letters[i - 1] == letters[i];
    if (same) count += running ? 1 : 2;
    running = same;
  }
  return count;
}

// re.escape: what re would take for syntax.
std::string EscapeForRegex(absl::string_view text) {
  std::string escaped;
  for (char c : text) {
    if (absl::string_view("()[]{}?*+-|^$\\.&~# \t\n\r\v\f").find(c) != absl::string_view::npos) {
      escaped.push_back('\\');
    }
    escaped.push_back(c);
  }
  return escaped;
}

}  // namespace

InstructionOr MakeAlliterationIncrement(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    int64_t before = -1;
    for (absl::string_view sentence : SplitSentences(response.utf8())) {
      const int64_t count = CountAlliteration(sentence);
      if (count <= before) {
        return No(why, "a sentence with ", count, " alliterative words behind one with ", before);
      }
      before = count;
    }
    return true;
  });
}

InstructionOr MakeSentenceKeyword(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const std::string word, kwargs.String("word"));
  ABSL_ASSIGN_OR_RETURN(const int64_t place, kwargs.Count("N"));
  PyRegexFlags flags;
  flags.ignore_case = true;
  ABSL_ASSIGN_OR_RETURN(const PyRegex regex,
                        PyRegex::Compile(absl::StrCat("\\b", EscapeForRegex(word), "\\b"), flags));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    const std::vector<absl::string_view> sentences = SplitSentences(response.utf8());
    if (!AtLeast(static_cast<int64_t>(sentences.size()), place, "sentence", why)) return false;
    if (regex.Search(python::ToCodePoints(sentences[static_cast<size_t>(place - 1)]))) return true;
    return No(why, "\"", word, "\" is not in sentence ", place);
  });
}

InstructionOr MakeSentenceIncrement(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const int64_t step, kwargs.Whole("small_n", 0));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    int64_t before = -1;
    for (absl::string_view sentence : SplitSentences(response.utf8())) {
      const std::string plain = RemovePunctuation(sentence);
      const int64_t words = static_cast<int64_t>(python::SplitWhitespace(plain).size());
      if (before >= 0 && words != before + step) {
        return No(why, "a sentence of ", words, " words behind one of ", before, ", want ",
                  before + step);
      }
      before = words;
    }
    return true;
  });
}

InstructionOr MakeSentenceAlphabet(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::vector<absl::string_view> sentences = SplitSentences(response.utf8());
    if (sentences.size() != 26) {
      ifeval::ExplainCount(static_cast<int64_t>(sentences.size()), "exactly", 26, "sentence", why);
      return false;
    }
    for (size_t i = 0; i < sentences.size(); ++i) {
      const auto words = python::SplitWhitespace(sentences[i]);
      const char32_t wanted = static_cast<char32_t>('a' + i);
      if (words.empty() || FirstCharacter(python::Lower(words[0])) != wanted) {
        return No(why, "sentence ", i + 1, " does not start with ",
                  std::string(1, static_cast<char>(wanted)));
      }
    }
    return true;
  });
}

}  // namespace plumbline::ifbench
