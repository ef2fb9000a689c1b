// words:*.
#include <algorithm>
#include <map>
#include <set>

#include "core/base/status_macros.h"
#include "core/eval/ifbench/check_tools.h"
#include "core/eval/ifbench/checks.h"
#include "core/text/pos_tagger.h"
#include "core/text/python_unicode.h"
#include "core/text/sentences.h"
#include "core/text/syllables.h"
#include "core/text/words.h"

namespace plumbline::ifbench {
namespace {

bool IsConsonant(char32_t c) {
  return c >= 'a' && c <= 'z' && c != 'a' && c != 'e' && c != 'i' && c != 'o' && c != 'u';
}

bool HasConsonantCluster(absl::string_view word) {
  bool before = false;
  for (size_t at = 0; at < word.size();) {
    const bool consonant = IsConsonant(python::NextCodePoint(word, &at));
    if (consonant && before) return true;
    before = consonant;
  }
  return false;
}

bool IsPrimeBelow100(size_t n) {
  if (n < 2 || n > 97) return false;
  for (size_t d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

bool HasLetterOrDigit(absl::string_view token) {
  for (size_t at = 0; at < token.size();) {
    if (python::IsAlnum(python::NextCodePoint(token, &at))) return true;
  }
  return false;
}

}  // namespace

InstructionOr MakeAlphabet(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::string plain = RemovePunctuation(response.utf8());
    const std::vector<absl::string_view> words = python::SplitWhitespace(plain);
    if (words.empty()) return No(why, "there is no word");
    // The first letter, in lower case, is one character of a-z or the check fails.
    std::string letter = python::Lower(python::Slice(words[0], 0, 1));
    if (letter.size() != 1 || letter[0] < 'a' || letter[0] > 'z') {
      return No(why, "the first word, \"", Excerpt(words[0]), "\", starts with no letter of a-z");
    }
    char wanted = letter[0];
    for (size_t i = 1; i < words.size(); ++i) {
      wanted = wanted == 'z' ? 'a' : static_cast<char>(wanted + 1);
      if (FirstCharacter(python::Lower(words[i])) != static_cast<char32_t>(wanted)) {
        return No(why, "word ", i + 1, ", \"", Excerpt(words[i]), "\", should start with ",
                  std::string(1, wanted));
      }
    }
    return true;
  });
}

InstructionOr MakeVowel(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const absl::string_view text = python::Strip(response.utf8());
    if (text.find('\n') != text.npos) return No(why, "more than one paragraph");
    std::set<char> vowels;
    for (char c : python::Lower(text)) {
      if (absl::string_view("aeiou").find(c) != absl::string_view::npos) vowels.insert(c);
    }
    if (vowels.size() <= 3) return true;
    return No(why, "found ", vowels.size(), " different vowels, want at most 3");
  });
}

InstructionOr MakeConsonants(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    for (absl::string_view word : python::SplitWhitespace(response.lower())) {
      if (!HasConsonantCluster(word)) {
        return No(why, "\"", Excerpt(word), "\" has no two consonants together");
      }
    }
    return true;
  });
}

InstructionOr MakePalindrome(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::string plain = python::Lower(RemovePunctuation(response.utf8()));
    int64_t count = 0;
    for (absl::string_view word : python::SplitWhitespace(plain)) {
      const std::u32string characters = python::ToCodePoints(word);
      count += characters.size() >= 5 &&
               std::equal(characters.begin(), characters.end(), characters.rbegin());
    }
    return AtLeast(count, 10, "palindrome", why);
  });
}

InstructionOr MakePrimeLengths(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    std::string storage;
    for (absl::string_view word : PlainWords(response, false, &storage)) {
      const size_t length = python::Length(word);
      if (!IsPrimeBelow100(length)) {
        return No(why, "\"", Excerpt(word), "\" has ", length, " characters");
      }
    }
    return true;
  });
}

InstructionOr MakeStartVerb(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::vector<std::string> tokens = WordTokenize(response.utf8());
    if (tokens.empty()) return No(why, "there is no word");
    const std::string tag = FirstPartOfSpeech(tokens);
    if (tag.find("VB") != tag.npos) return true;
    return No(why, "the first word, \"", Excerpt(tokens[0]), "\", is tagged ", tag, ", want VB…");
  });
}

InstructionOr MakeRepeats(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const int64_t most, kwargs.Whole("small_n", 0));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    std::string storage;
    std::map<absl::string_view, int64_t> counts;
    for (absl::string_view word : PlainWords(response, true, &storage)) {
      if (++counts[word] > most) {
        return No(why, "\"", Excerpt(word), "\" is there more than ", most, " times");
      }
    }
    return true;
  });
}

InstructionOr MakeOddEvenSyllables(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::string plain = python::Lower(RemovePunctuation(response.utf8()));
    int before = -1;
    for (absl::string_view word : python::SplitWhitespace(plain)) {
      const int syllables = CountSyllables(word);
      if (before >= 0 && syllables % 2 == before % 2) {
        return No(why, "\"", Excerpt(word), "\" has ", syllables, " syllables, the word before it ",
                  before);
      }
      before = syllables;
    }
    return true;
  });
}

InstructionOr MakeLastFirst(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::vector<absl::string_view> sentences = SplitSentences(response.utf8());
    for (size_t i = 1; i < sentences.size(); ++i) {
      const auto last =
          python::SplitWhitespace(python::RightStrip(sentences[i - 1], kPunctuationAndSpace));
      const auto first =
          python::SplitWhitespace(python::LeftStrip(sentences[i], kPunctuationAndSpace));
      if (last.empty() || first.empty()) return No(why, "a sentence without a word");
      if (python::Lower(last.back()) != python::Lower(first.front())) {
        return No(why, "sentence ", i + 1, " starts with \"", Excerpt(first.front()),
                  "\", the one before ends with \"", Excerpt(last.back()), "\"");
      }
    }
    return true;
  });
}

InstructionOr MakeParagraphLastFirst(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    for (absl::string_view line : python::Split(response.utf8(), "\n")) {
      const std::string paragraph = python::Lower(python::Strip(line));
      const auto words = python::SplitWhitespace(python::Strip(paragraph, kPunctuationAndSpace));
      if (!words.empty() && words.front() != words.back()) {
        return No(why, "a paragraph starts with \"", Excerpt(words.front()), "\" and ends with \"",
                  Excerpt(words.back()), "\"");
      }
    }
    return true;
  });
}

InstructionOr MakeNoConsecutive(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    std::string storage;
    const std::vector<absl::string_view> words = PlainWords(response, true, &storage);
    for (size_t i = 1; i < words.size(); ++i) {
      if (FirstCharacter(words[i - 1]) == FirstCharacter(words[i])) {
        return No(why, "\"", Excerpt(words[i - 1]), "\" and \"", Excerpt(words[i]),
                  "\" start with the same letter");
      }
    }
    return true;
  });
}

// Tokens without a letter or digit are no words.
InstructionOr MakeKeywordsSpecificPosition(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(std::string keyword, kwargs.String("keyword"));
  ABSL_ASSIGN_OR_RETURN(const int64_t sentence, kwargs.Count("n"));
  ABSL_ASSIGN_OR_RETURN(const int64_t place, kwargs.Count("m"));
  keyword = python::Lower(python::Strip(keyword));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    const std::vector<absl::string_view> sentences = SplitSentences(response.utf8());
    if (!AtLeast(static_cast<int64_t>(sentences.size()), sentence, "sentence", why)) return false;
    int64_t words = 0;
    for (const std::string& token : WordTokenize(sentences[static_cast<size_t>(sentence - 1)])) {
      if (!HasLetterOrDigit(token) || ++words != place) continue;
      if (python::Lower(token) == keyword) return true;
      return No(why, "word ", place, " of sentence ", sentence, " is \"", Excerpt(token),
                "\", want \"", keyword, "\"");
    }
    return No(why, "sentence ", sentence, " has ", words, " words, want at least ", place);
  });
}

// A last token of punctuation is no word, one anywhere else is.
InstructionOr MakeWordsPosition(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(std::string keyword, kwargs.String("keyword"));
  keyword = python::Lower(python::Strip(keyword));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    std::vector<std::string> words = WordTokenize(response.utf8());
    if (words.size() >= 2 && kPunctuation.find(words.back()) != absl::string_view::npos) {
      words.pop_back();
    }
    if (words.size() < 2) return No(why, "fewer than two words");
    const std::string& second = words[1];
    const std::string& second_to_last = words[words.size() - 2];
    if (python::Lower(second) == keyword && python::Lower(second_to_last) == keyword) return true;
    return No(why, "the second word is \"", Excerpt(second), "\" and the second to last \"",
              Excerpt(second_to_last), "\", want \"", keyword, "\"");
  });
}

}  // namespace plumbline::ifbench
