#include "core/text/syllables.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "core/text/language_data.h"
#include "core/text/python_csv.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

constexpr absl::string_view kPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

using WordList = absl::flat_hash_map<std::string, int>;

// Lines "word,count"; a later line wins.
const WordList& KnownWords() {
  static const auto& words = *[] {
    auto* list = new WordList;
    const auto rows = PythonCsvRows(SyllapyWords());
    for (const std::vector<std::string>& row : *rows) {
      int count = 0;
      if (row.size() >= 2 && absl::SimpleAtoi(row[1], &count)) (*list)[row[0]] = count;
    }
    return list;
  }();
  return words;
}

bool IsVowel(char32_t c) {
  return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

int CountByRule(const std::u32string& word) {
  int count = IsVowel(word[0]) ? 1 : 0;
  for (size_t i = 1; i < word.size(); ++i) count += IsVowel(word[i]) && !IsVowel(word[i - 1]);
  const size_t n = word.size();
  if (word[n - 1] == 'e') --count;
  if (n > 2 && word[n - 1] == 'e' && word[n - 2] == 'l' && !IsVowel(word[n - 3])) ++count;
  return count == 0 ? 1 : count;
}

}  // namespace

int CountSyllables(absl::string_view text) {
  const std::string lower = python::Lower(python::Strip(text));
  const absl::string_view word = python::Strip(lower, kPunctuation);
  if (word.empty()) return 0;
  const std::u32string characters = python::ToCodePoints(word);
  for (char32_t c : characters) {
    if (python::IsDecimal(c)) return 0;
  }
  const auto known = KnownWords().find(word);
  if (known != KnownWords().end()) return known->second;
  // A compound: re.match("([^-]+)-(.+)"). The word has neither a hyphen in front nor behind.
  const size_t hyphen = word.find('-');
  if (hyphen != absl::string_view::npos) {
    const absl::string_view rest = word.substr(hyphen + 1);
    const absl::string_view line = rest.substr(0, rest.find('\n'));
    if (!line.empty()) {
      const int first = CountSyllables(word.substr(0, hyphen));
      const int second = CountSyllables(line);
      return first == 0 || second == 0 ? 0 : first + second;
    }
  }
  return CountByRule(characters);
}

}  // namespace plumbline
