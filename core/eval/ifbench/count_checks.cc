// count:*.
#include <array>
#include <set>

#include "absl/strings/str_replace.h"
#include "core/base/status_macros.h"
#include "core/eval/ifbench/check_tools.h"
#include "core/eval/ifbench/checks.h"
#include "core/eval/ifeval/checks.h"
#include "core/text/python_unicode.h"
#include "core/text/words.h"

namespace plumbline::ifbench {
namespace {

using Words = std::set<absl::string_view>;

const Words& Conjunctions() {
  static const auto& words = *new Words{"and", "but", "for", "nor", "or", "so", "yet"};
  return words;
}

// The list that the constraint itself names.
constexpr std::array<absl::string_view, 50> kPersonNames = {
    "Emma",     "Liam",     "Sophia",   "Jackson", "Olivia",      "Noah",      "Ava",
    "Lucas",    "Isabella", "Mason",    "Mia",     "Ethan",       "Charlotte", "Alexander",
    "Amelia",   "Benjamin", "Harper",   "Leo",     "Zoe",         "Daniel",    "Chloe",
    "Samuel",   "Lily",     "Matthew",  "Grace",   "Owen",        "Abigail",   "Gabriel",
    "Ella",     "Jacob",    "Scarlett", "Nathan",  "Victoria",    "Elijah",    "Layla",
    "Nicholas", "Audrey",   "David",    "Hannah",  "Christopher", "Penelope",  "Thomas",
    "Nora",     "Andrew",   "Aria",     "Joseph",  "Claire",      "Ryan",      "Stella",
    "Jonathan"};

const Words& Pronouns() {
  static const auto& words = *new Words{
      // personal
      "i", "me", "we", "us", "you", "he", "him", "she", "her", "it", "they", "them",
      // possessive
      "my", "mine", "our", "ours", "your", "yours", "his", "hers", "its", "their", "theirs",
      // reflexive
      "myself", "ourselves", "yourself", "yourselves", "himself", "herself", "itself", "themselves",
      // demonstrative, interrogative, relative
      "this", "that", "these", "those", "who", "whom", "whose", "which", "what", "whoever",
      "whomever", "whatever", "whichever",
      // indefinite
      "anybody", "anyone", "anything", "everybody", "everyone", "everything", "nobody", "nothing",
      "somebody", "someone", "something", "each", "either", "neither", "both", "all", "some", "any",
      "none"};
  return words;
}

// re.search(r"\bName\b", text) of a name of letters.
bool HasWord(absl::string_view text, absl::string_view word) {
  for (size_t at = text.find(word); at != absl::string_view::npos; at = text.find(word, at + 1)) {
    size_t begin = at;
    size_t end = at + word.size();
    const bool starts = begin == 0 || !python::IsWordChar(python::PreviousCodePoint(text, &begin));
    const bool ends = end == text.size() || !python::IsWordChar(python::NextCodePoint(text, &end));
    if (starts && ends) return true;
  }
  return false;
}

// len(re.findall(r"\d+", text)).
int64_t CountNumbers(absl::string_view text) {
  int64_t count = 0;
  bool inside = false;
  for (size_t at = 0; at < text.size();) {
    const bool digit = python::IsDecimal(python::NextCodePoint(text, &at));
    count += digit && !inside;
    inside = digit;
  }
  return count;
}

// Hiragana, Katakana or a unified ideograph.
bool HasJapanese(absl::string_view word) {
  for (size_t at = 0; at < word.size();) {
    const char32_t c = python::NextCodePoint(word, &at);
    if ((c >= 0x3040 && c <= 0x30FF) || (c >= 0x4E00 && c <= 0x9FFF)) return true;
  }
  return false;
}

}  // namespace

InstructionOr MakeWordCountRange(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const int64_t least, kwargs.Whole("min_words", 0));
  ABSL_ASSIGN_OR_RETURN(const int64_t most, kwargs.Whole("max_words", 0));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    const int64_t count = static_cast<int64_t>(python::CountWords(response.utf8()));
    if (count >= least && count <= most) return true;
    return No(why, "found ", count, " words, want ", least, " to ", most);
  });
}

InstructionOr MakeUniqueWordCount(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const int64_t wanted, kwargs.Whole("N", 0));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    Words words;
    for (absl::string_view word : python::SplitWhitespace(response.lower())) {
      words.insert(python::Strip(word, kPunctuationAndSpace));
    }
    return AtLeast(static_cast<int64_t>(words.size()), wanted, "unique word", why);
  });
}

// The same conjunction in another spelling ("And", "and,") counts as another one.
InstructionOr MakeConjunctions(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const int64_t wanted, kwargs.Whole("small_n", 0));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    Words found;
    for (absl::string_view word : python::SplitWhitespace(response.utf8())) {
      const std::string plain = python::Lower(python::Strip(word, kPunctuationAndSpace));
      if (Conjunctions().count(plain) > 0) found.insert(word);
    }
    return AtLeast(static_cast<int64_t>(found.size()), wanted, "different conjunction", why);
  });
}

InstructionOr MakePersonNames(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const int64_t wanted, kwargs.Whole("N", 0));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    int64_t count = 0;
    for (absl::string_view name : kPersonNames) count += HasWord(response.utf8(), name);
    return AtLeast(count, wanted, "person name", why);
  });
}

InstructionOr MakeNumbers(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const int64_t wanted, kwargs.Whole("N", 0));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    const int64_t count = CountNumbers(RemovePunctuation(response.utf8()));
    if (count == wanted) return true;
    ifeval::ExplainCount(count, "exactly", wanted, "number", why);
    return false;
  });
}

InstructionOr MakePunctuation(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    std::string text(response.utf8());
    const size_t question_first = text.find("?!");
    const size_t exclamation_first = text.find("!?");
    if (question_first == text.npos && exclamation_first == text.npos &&
        text.find("‽") == text.npos) {
      return No(why, "no interrobang");
    }
    // One interrobang is set aside: its marks count once only.
    if (question_first != text.npos) {
      text.erase(question_first, 2);
    } else if (exclamation_first != text.npos) {
      text.erase(exclamation_first, 2);
    }
    for (char mark : {'.', ',', '!', '?', ';', ':'}) {
      if (text.find(mark) == text.npos) {
        return No(why, "no ", std::string(1, mark), " besides the interrobang");
      }
    }
    return true;
  });
}

InstructionOr MakePronouns(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const int64_t wanted, kwargs.Whole("N", 0));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    int64_t count = 0;
    const std::string text = python::Lower(absl::StrReplaceAll(response.utf8(), {{"/", " "}}));
    for (const std::string& word : WordTokenize(text)) count += Pronouns().count(word) > 0;
    return AtLeast(count, wanted, "pronoun", why);
  });
}

InstructionOr MakeWordsJapanese(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const int64_t period, kwargs.Whole("N", 1));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    const std::vector<absl::string_view> words = python::SplitWhitespace(response.utf8());
    for (size_t i = static_cast<size_t>(period); i <= words.size();
         i += static_cast<size_t>(period)) {
      const absl::string_view word = python::Strip(words[i - 1], kPunctuationAndSpace);
      if (word.empty() || python::IsDigit(word) || HasJapanese(word)) continue;
      return No(why, "word ", i, ", \"", Excerpt(word), "\", is not Japanese");
    }
    return true;
  });
}

InstructionOr MakeKeywordsMultiple(Kwargs& kwargs) {
  static constexpr int64_t kWanted[] = {1, 2, 3, 5, 7};
  std::array<std::string, 5> keywords;
  for (size_t i = 0; i < keywords.size(); ++i) {
    ABSL_ASSIGN_OR_RETURN(const std::string word, kwargs.String(absl::StrCat("keyword", i + 1)));
    keywords[i] = python::Lower(python::Strip(word));
  }
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    for (size_t i = 0; i < keywords.size(); ++i) {
      const int64_t count = CountPart(response.lower(), keywords[i]);
      if (count != kWanted[i]) {
        return No(why, "found \"", keywords[i], "\" ", count, " times, want ", kWanted[i]);
      }
    }
    return true;
  });
}

}  // namespace plumbline::ifbench
