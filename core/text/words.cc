// A port of NLTK 3.9's NLTKWordTokenizer (nltk/tokenize/destructive.py): a fixed sequence of
// substitutions that put spaces where words end, then a split. Each step is a scanner with the
// regular expression it stands for;
// "$" is Python's: the end, or before a final newline.
#include "core/text/words.h"

#include <cstdint>
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

// [set] -> " \g<0> "
void Pad(Chars* chars, View set) {
  if (chars->find_first_of(set) == Chars::npos) return;
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

void StartingQuotes(Chars* chars) {
  Pad(chars, U"«“‘„");      // ([«“‘„]|[`]+) -> " \1 ", its one half
  PadRuns(chars, U'`', 1);  // and its other
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

void Punctuation(Chars* chars) {
  FinalPeriod(chars, U"])}>\"'»”’ ", /*space_inside=*/true);
  // ([:,])([^\d]) -> " \1 \2"
  if (chars->find_first_of(U":,") != Chars::npos) {
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
  Pad(chars, U";@#$%&");
  FinalPeriod(chars, U"])}>\"'", /*space_inside=*/false);
  Pad(chars, U"?!");
  // ([^'])' -> "\1 ' ", with a space after the apostrophe
  if (chars->find(U"' ") != Chars::npos) {
    Substitute(chars, [](View text, size_t i, Chars* out) -> size_t {
      if (text[i] == U'\'' || text.substr(i + 1, 2) != U"' ") return 0;
      out->push_back(text[i]);
      out->append(U" ' ");
      return 3;
    });
  }
  Pad(chars, U"*");
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

void EndingQuotes(Chars* chars) {
  Pad(chars, U"»”’");
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

// MacIntyre's contractions: what is before the word, its halves, what is after it.
struct Contraction {
  View first, second;
  enum Before : uint8_t { kBoundary, kSpace } before;
  enum After : uint8_t { kWordEnd, kWhitespace } after;
};

constexpr Contraction kContractions[] = {
    {U"can", U"not", Contraction::kBoundary, Contraction::kWordEnd},
    {U"d", U"'ye", Contraction::kBoundary, Contraction::kWordEnd},
    {U"gim", U"me", Contraction::kBoundary, Contraction::kWordEnd},
    {U"gon", U"na", Contraction::kBoundary, Contraction::kWordEnd},
    {U"got", U"ta", Contraction::kBoundary, Contraction::kWordEnd},
    {U"lem", U"me", Contraction::kBoundary, Contraction::kWordEnd},
    {U"more", U"'n", Contraction::kBoundary, Contraction::kWordEnd},
    {U"wan", U"na", Contraction::kBoundary, Contraction::kWhitespace},
    {U"'t", U"is", Contraction::kSpace, Contraction::kWordEnd},
    {U"'t", U"was", Contraction::kSpace, Contraction::kWordEnd},
};

// The halves go apart: " \1 \2 ".
void SplitContraction(Chars* chars, const Contraction& contraction) {
  Substitute(chars, [&](View text, size_t i, Chars* out) -> size_t {
    const size_t space = contraction.before == Contraction::kSpace ? 1 : 0;
    if (space == 1 && text[i] != U' ') return 0;
    const size_t second = i + space + contraction.first.size();
    const size_t end = second + contraction.second.size();
    if (end > text.size() || !StartsWithIgnoringCase(text, i + space, contraction.first) ||
        !StartsWithIgnoringCase(text, second, contraction.second)) {
      return 0;
    }
    if (space == 0 && !WordBoundary(text, i)) return 0;
    const bool ends = contraction.after == Contraction::kWordEnd
                          ? WordBoundary(text, end)
                          : end < text.size() && IsSpace(text[end]);
    if (!ends) return 0;
    out->push_back(U' ');
    out->append(text.substr(i + space, contraction.first.size()));
    out->push_back(U' ');
    out->append(text.substr(second, contraction.second.size()));
    out->push_back(U' ');
    return end - i;
  });
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
  StartingQuotes(&chars);
  Punctuation(&chars);
  Pad(&chars, U"[](){}<>");
  Replace(&chars, U"--", U" -- ");
  chars.insert(chars.begin(), U' ');
  chars.push_back(U' ');
  EndingQuotes(&chars);
  for (const Contraction& contraction : kContractions) SplitContraction(&chars, contraction);
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
