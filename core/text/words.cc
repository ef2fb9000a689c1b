// A port of NLTK 3.9's NLTKWordTokenizer (nltk/tokenize/destructive.py): a fixed sequence of
// substitutions that put spaces where words end, then a split. Each step is a scanner with the
// regular expression it stands for;
// "$" is Python's: the end, or before a final newline.
#include "core/text/words.h"

#include <array>
#include <string>

#include "core/text/python_unicode.h"
#include "core/text/sentences.h"

namespace plumbline {
namespace {

using Chars = std::u32string;
using View = std::u32string_view;

bool In(char32_t c, View set) {
  for (const char32_t member : set) {
    if (c == member) return true;
  }
  return false;
}
bool IsSpace(char32_t c) {
  return c < 128 ? c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F)
                 : python::IsSpace(c);
}
bool IsWord(char32_t c) { return python::IsWordChar(c); }

// re.IGNORECASE's key, quickly for ASCII.
char32_t CaseKey(char32_t c) {
  if (c >= 128) return python::IgnoreCaseKey(c);
  return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

// \b between chars[i - 1] and chars[i].
bool WordBoundary(View chars, size_t i) {
  const bool before = i > 0 && IsWord(chars[i - 1]);
  const bool after = i < chars.size() && IsWord(chars[i]);
  return before != after;
}

// Replaces from left to right: `match(chars, i, &out)` returns the size of a match that begins at i
// and appends its replacement, or returns 0 and appends nothing. What does not match is copied in
// stretches.
template <typename Match>
void Substitute(Chars* chars, const Match& match) {
  Chars out, replacement;
  size_t copied = 0;
  for (size_t i = 0; i < chars->size();) {
    const size_t size = match(View(*chars), i, &replacement);
    if (size == 0) {
      ++i;
      continue;
    }
    if (out.empty()) out.reserve(chars->size() + chars->size() / 8 + 16);
    out.append(*chars, copied, i - copied);
    out.append(replacement);
    replacement.clear();
    i += size;
    copied = i;
  }
  if (copied == 0) return;
  out.append(*chars, copied);
  chars->swap(out);
}

// Which characters the sentence has to begin with. The substitutions add only spaces, backticks and
// apostrophes, so what else is absent stays so, and its steps are left out.
class Presence {
 public:
  explicit Presence(View chars) : ascii_() {
    for (const char32_t c : chars) {
      if (c < 128) {
        ascii_[c] = true;
      } else {
        other_ = true;
      }
    }
  }
  bool HasAny(View set) const {
    for (const char32_t c : set) {
      if (c < 128 ? ascii_[c] : other_) return true;
    }
    return false;
  }

 private:
  std::array<bool, 128> ascii_;
  bool other_ = false;
};

// [set] -> " \g<0> "
void Pad(Chars* chars, const Presence& presence, View set) {
  if (!presence.HasAny(set)) return;
  Substitute(chars, [set](View text, size_t i, Chars* out) -> size_t {
    if (!In(text[i], set)) return 0;
    out->append({U' ', text[i], U' '});
    return 1;
  });
}

// A fixed text -> " text ", or another replacement.
void Replace(Chars* chars, View from, View to) {
  if (chars->find(from) == Chars::npos) return;
  Substitute(chars, [from, to](View text, size_t i, Chars* out) -> size_t {
    if (text.substr(i, from.size()) != from) return 0;
    out->append(to);
    return from.size();
  });
}

// A run of one character, `least` or more -> " run "
void PadRuns(Chars* chars, char32_t c, size_t least) {
  if (chars->find(c) == Chars::npos) return;
  Substitute(chars, [c, least](View text, size_t i, Chars* out) -> size_t {
    size_t size = 0;
    while (i + size < text.size() && text[i + size] == c) ++size;
    if (size == 0) return 0;
    const bool pad = size >= least;
    if (pad) out->push_back(U' ');
    out->append(text.substr(i, size));
    if (pad) out->push_back(U' ');
    return size;
  });
}

void StartingQuotes(Chars* chars, const Presence& presence) {
  Pad(chars, presence, U"«“‘„");  // ([«“‘„]|[`]+) -> " \1 ", its one half
  PadRuns(chars, U'`', 1);        // and its other
  if (!chars->empty() && (*chars)[0] == U'"') chars->replace(0, 1, U"``");  // ^\" -> ``
  Replace(chars, U"``", U" `` ");
  // ([ \(\[{<])(\"|\'{2}) -> "\1 `` "
  if (chars->find(U'"') != Chars::npos || chars->find(U"''") != Chars::npos) {
    Substitute(chars, [](View text, size_t i, Chars* out) -> size_t {
      if (!In(text[i], U" ([{<")) return 0;
      const size_t quote = text.substr(i + 1, 1) == U"\""   ? 1
                           : text.substr(i + 1, 2) == U"''" ? 2
                                                            : 0;
      if (quote == 0) return 0;
      out->push_back(text[i]);
      out->append(U" `` ");
      return 1 + quote;
    });
  }
  // (?i)(\')(?!re|ve|ll|m|t|s|d|n)(\w)\b -> "\1 \2"; before a word boundary only the single letters
  // matter.
  if (chars->find(U'\'') == Chars::npos) return;
  Substitute(chars, [](View text, size_t i, Chars* out) -> size_t {
    if (text[i] != U'\'' || i + 1 >= text.size()) return 0;
    const char32_t next = text[i + 1];
    if (!IsWord(next) || !WordBoundary(text, i + 2) || In(CaseKey(next), U"mtsdn")) return 0;
    out->append({U'\'', U' ', next});
    return 2;
  });
}

// ([^\.])(\.)([closing]*)\s*$ -> "\1 \2" + (space_inside ? " " : "") + "\3 "
// Nothing after the dot may be a dot, so only the last one can match.
void FinalPeriod(Chars* chars, View closing, bool space_inside) {
  const size_t dot = chars->rfind(U'.');
  if (dot == Chars::npos || dot == 0 || (*chars)[dot - 1] == U'.') return;
  size_t end = dot + 1;
  while (end < chars->size() && In((*chars)[end], closing)) ++end;
  for (size_t i = end; i < chars->size(); ++i) {
    if (!IsSpace((*chars)[i])) return;
  }
  Chars tail = space_inside ? U" . " : U" .";
  tail.append(*chars, dot + 1, end - dot - 1);
  tail.push_back(U' ');
  chars->replace(dot, Chars::npos, tail);
}

void Punctuation(Chars* chars, const Presence& presence) {
  FinalPeriod(chars, U"])}>\"'»”’ ", /*space_inside=*/true);
  // ([:,])([^\d]) -> " \1 \2"
  if (presence.HasAny(U":,")) {
    Substitute(chars, [](View text, size_t i, Chars* out) -> size_t {
      if (!In(text[i], U":,") || i + 1 >= text.size() || python::IsDecimal(text[i + 1])) return 0;
      out->append({U' ', text[i], U' ', text[i + 1]});
      return 2;
    });
    // ([:,])$ -> " \1 "
    size_t last = chars->size() - 1;
    if ((*chars)[last] == U'\n' && last > 0) --last;
    if (In((*chars)[last], U":,")) chars->replace(last, 1, {U' ', (*chars)[last], U' '});
  }
  PadRuns(chars, U'.', 2);  // \.{2,}
  Pad(chars, presence, U";@#$%&");
  FinalPeriod(chars, U"])}>\"'", /*space_inside=*/false);
  Pad(chars, presence, U"?!");
  // ([^'])' -> "\1 ' ", with a space after the apostrophe
  if (chars->find(U"' ") != Chars::npos) {
    Substitute(chars, [](View text, size_t i, Chars* out) -> size_t {
      if (text[i] == U'\'' || text.substr(i + 1, 2) != U"' ") return 0;
      out->push_back(text[i]);
      out->append(U" ' ");
      return 3;
    });
  }
  Pad(chars, presence, U"*");
}

// ([^' ])(suffix) -> "\1 \2 ", with a space after the suffix; the first suffix that fits.
void SplitSuffixes(Chars* chars, const std::vector<View>& suffixes) {
  if (chars->find(U'\'') == Chars::npos) return;
  Substitute(chars, [&suffixes](View text, size_t i, Chars* out) -> size_t {
    if (text[i] == U'\'' || text[i] == U' ') return 0;
    for (const View suffix : suffixes) {
      if (text.substr(i + 1, suffix.size()) != suffix) continue;
      if (text.substr(i + 1 + suffix.size(), 1) != U" ") continue;
      out->append({text[i], U' '});
      out->append(suffix);
      out->push_back(U' ');
      return suffix.size() + 2;
    }
    return 0;
  });
}

void EndingQuotes(Chars* chars, const Presence& presence) {
  Pad(chars, presence, U"»”’");
  Replace(chars, U"''", U" '' ");
  Replace(chars, U"\"", U" '' ");
  // \s+ -> " "; a lone space stays as it is.
  Substitute(chars, [](View text, size_t i, Chars* out) -> size_t {
    if (!IsSpace(text[i]) || (text[i] == U' ' && (i + 1 == text.size() || !IsSpace(text[i + 1]))))
      return 0;
    size_t size = 0;
    while (i + size < text.size() && IsSpace(text[i + size])) ++size;
    out->push_back(U' ');
    return size;
  });
  static const auto* const clitics =
      new std::vector<View>{U"'s", U"'S", U"'m", U"'M", U"'d", U"'D", U"'"};
  SplitSuffixes(chars, *clitics);
  static const auto* const longer =
      new std::vector<View>{U"'ll", U"'LL", U"'re", U"'RE", U"'ve", U"'VE", U"n't", U"N'T"};
  SplitSuffixes(chars, *longer);
}

// True if text[i, ...) is `word` (lower case), ignoring case as re does.
bool StartsWithIgnoringCase(View text, size_t i, View word) {
  if (text.size() - i < word.size()) return false;
  for (size_t j = 0; j < word.size(); ++j) {
    if (CaseKey(text[i + j]) != word[j]) return false;
  }
  return true;
}

// MacIntyre's contractions: the halves of the word, and whether whitespace must follow it or only
// its end.
struct Contraction {
  View first, second;
  bool before_whitespace;
};

// \b(first)(second)\b
constexpr Contraction kContractions2[] = {
    {U"can", U"not", false}, {U"d", U"'ye", false},  {U"gim", U"me", false},
    {U"gon", U"na", false},  {U"got", U"ta", false}, {U"lem", U"me", false},
    {U"more", U"'n", false}, {U"wan", U"na", true},
};
// A space, then (first)(second)\b
constexpr Contraction kContractions3[] = {{U"'t", U"is", false}, {U"'t", U"was", false}};

// The size of a contraction at text[i]; its halves go apart: " \1 \2 ". 0 where there is none.
size_t SplitContraction(View text, size_t i, const Contraction& contraction, Chars* out) {
  const size_t second = i + contraction.first.size();
  const size_t end = second + contraction.second.size();
  if (end > text.size() || !StartsWithIgnoringCase(text, i, contraction.first) ||
      !StartsWithIgnoringCase(text, second, contraction.second)) {
    return 0;
  }
  const bool ends = contraction.before_whitespace ? end < text.size() && IsSpace(text[end])
                                                  : WordBoundary(text, end);
  if (!ends) return 0;
  out->push_back(U' ');
  out->append(text.substr(i, contraction.first.size()));
  out->push_back(U' ');
  out->append(text.substr(second, contraction.second.size()));
  out->push_back(U' ');
  return end - i;
}

void Contractions(Chars* chars) {
  // NLTK goes through the text once for each; no match makes or unmakes another, so once is enough.
  // No character outside ASCII has one of the first letters for its case key.
  Substitute(chars, [](View text, size_t i, Chars* out) -> size_t {
    if (text[i] >= 128 || !In(CaseKey(text[i]), U"cdglmw") || !WordBoundary(text, i)) return 0;
    for (const Contraction& contraction : kContractions2) {
      if (const size_t size = SplitContraction(text, i, contraction, out); size > 0) return size;
    }
    return 0;
  });
  if (chars->find(U'\'') == Chars::npos) return;
  for (const Contraction& contraction : kContractions3) {
    Substitute(chars, [&](View text, size_t i, Chars* out) -> size_t {
      if (text[i] != U' ') return 0;
      const size_t size = SplitContraction(text, i + 1, contraction, out);
      return size == 0 ? 0 : size + 1;
    });
  }
}

void AppendWords(View chars, std::vector<std::string>* words) {
  for (size_t i = 0; i < chars.size();) {
    if (IsSpace(chars[i])) {
      ++i;
      continue;
    }
    std::string word;
    for (; i < chars.size() && !IsSpace(chars[i]); ++i) python::AppendUtf8(chars[i], &word);
    words->push_back(std::move(word));
  }
}

void AppendTokens(absl::string_view sentence, std::vector<std::string>* words) {
  Chars chars = python::ToCodePoints(sentence);
  const Presence presence(chars);
  StartingQuotes(&chars, presence);
  Punctuation(&chars, presence);
  Pad(&chars, presence, U"[](){}<>");
  Replace(&chars, U"--", U" -- ");
  chars.insert(chars.begin(), U' ');
  chars.push_back(U' ');
  EndingQuotes(&chars, presence);
  Contractions(&chars);
  AppendWords(chars, words);
}

}  // namespace

std::vector<std::string> TreebankTokenize(absl::string_view sentence) {
  std::vector<std::string> words;
  AppendTokens(sentence, &words);
  return words;
}

std::vector<std::string> WordTokenize(absl::string_view text) {
  std::vector<std::string> words;
  for (const absl::string_view sentence : SplitSentences(text)) AppendTokens(sentence, &words);
  return words;
}

}  // namespace plumbline
