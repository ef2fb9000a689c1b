#include "core/eval/filters/multi_choice_regex.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

using Letters = std::map<std::string, std::string>;  // text → "(A)"

// The match number `group_select`, stripped and converted; empty: none.
std::string FindMatch(const PyRegex& regex, absl::string_view text, int group_select,
                      const Letters& letters) {
  const auto matches = regex.FindAllStrings(python::ToCodePoints(text));
  const int count = static_cast<int>(matches.size());
  const int index = group_select < 0 ? count + group_select : group_select;
  // lm-eval ends with an IndexError where there are matches but not that one.
  if (index < 0 || index >= count) return "";
  for (const std::u32string& group : matches[static_cast<size_t>(index)]) {
    if (group.empty()) continue;
    const std::string match(python::Strip(python::ToUtf8(group)));
    const auto letter = letters.find(match);
    return letter == letters.end() ? match : letter->second;
  }
  return "";
}

// Python's re.escape.
std::string Escaped(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::string_view("()[]{}?*+-|^$\\.&~# \t\n\r\v\f").find(c) != absl::string_view::npos)
      escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string WithoutIgnored(absl::string_view text, const ExactMatchOptions& ignored) {
  std::string result(text);
  for (const PyRegex& regex : ignored.regexes_to_ignore)
    result = python::ToUtf8(regex.Remove(python::ToCodePoints(result)));
  if (ignored.ignore_case) result = python::Lower(result);
  if (!ignored.ignore_punctuation) return result;
  std::u32string kept = python::ToCodePoints(result);
  kept.erase(std::remove_if(kept.begin(), kept.end(),
                            [](char32_t c) { return u_ispunct(static_cast<UChar32>(c)); }),
             kept.end());
  return python::ToUtf8(kept);
}

// A pattern that always compiles but for its size; a choice that long can't be looked for.
std::string FindOneOf(std::vector<std::string> branches, absl::string_view text, int group_select,
                      const Letters& letters) {
  std::stable_sort(branches.begin(), branches.end(),
                   [](const std::string& a, const std::string& b) {
                     return python::Length(a) > python::Length(b);
                   });
  const auto regex = PyRegex::Compile(absl::StrJoin(branches, "|"));
  return regex.ok() ? FindMatch(*regex, text, group_select, letters) : "";
}

}  // namespace

Filtered ApplyMultiChoice(const FilterStep& step, absl::string_view text,
                          const std::vector<std::string>& choices) {
  const std::string direct = FindMatch(step.regex[0], text, step.group_select, {});
  if (!direct.empty()) return {direct, false};
  Letters by_text, by_letter;
  std::vector<std::string> branches, letters;
  for (const std::string& choice : choices) {
    const std::string bare = WithoutIgnored(python::Strip(choice), step.ignored);
    const std::string letter(1, static_cast<char>('A' + branches.size()));
    branches.push_back(Escaped(bare));
    letters.push_back(letter);
    by_text[bare] = by_letter[letter] = absl::StrCat("(", letter, ")");
  }
  const std::string named = FindOneOf(std::move(branches), WithoutIgnored(text, step.ignored),
                                      step.group_select, by_text);
  if (!named.empty()) return {named, false};
  const auto behind_colon =
      PyRegex::Compile(absl::StrCat(":[\\s]*(", absl::StrJoin(letters, "|"), ")"));
  const std::string letter =
      behind_colon.ok() ? FindMatch(*behind_colon, text, step.group_select, by_letter) : "";
  if (!letter.empty()) return {letter, false};
  return {step.fallback, true};
}

}  // namespace plumbline
