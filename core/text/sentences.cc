// A port of NLTK 3.9's PunktSentenceTokenizer.span_tokenize. The regular expressions of
// nltk/tokenize/punkt.py are scanners over code points here, each with the expression it stands
// for; names follow NLTK's.
#include "core/text/sentences.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "core/text/hf_result.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

// The byte each code point of `text` begins at, and the text's size.
std::vector<size_t> ByteOffsets(absl::string_view text) {
  std::vector<size_t> offsets;
  offsets.reserve(text.size() + 1);
  for (size_t i = 0; i < text.size();) {
    offsets.push_back(i);
    python::NextCodePoint(text, &i);
  }
  offsets.push_back(text.size());
  return offsets;
}

// Some ASCII characters, looked up in one load.
class AsciiSet {
 public:
  explicit constexpr AsciiSet(const char* chars) : has_() {
    for (; *chars != '\0'; ++chars) has_[static_cast<unsigned char>(*chars)] = true;
  }
  constexpr bool operator()(char32_t c) const { return c < 128 && has_[c]; }

 private:
  std::array<bool, 128> has_;
};

constexpr AsciiSet kSentEnd(".?!");
constexpr AsciiSet kNonWord(")\";}]*:@'({[?!");        // _re_non_word_chars
constexpr AsciiSet kNoWordStart("(\"`{[:;&#*@)}]-,");  // what _re_word_start excludes
constexpr AsciiSet kClosing("\"')]}");                 // re_boundary_realignment
constexpr AsciiSet kStringWhitespace(" \t\n\r\v\f");   // string.whitespace
constexpr AsciiSet kPunctuation(";:,.!?");             // PUNCTUATION
constexpr AsciiSet kAsciiSpace(" \t\n\r\v\f\x1c\x1d\x1e\x1f");

bool IsSpace(char32_t c) { return c < 128 ? kAsciiSpace(c) : python::IsSpace(c); }

// The orthographic contexts of a word type in the training text.
constexpr uint8_t kOrthoMidUpper = 1 << 2;
constexpr uint8_t kOrthoBegLower = 1 << 4;
constexpr uint8_t kOrthoUpper = 1 << 1 | 1 << 2 | 1 << 3;
constexpr uint8_t kOrthoLower = 1 << 4 | 1 << 5 | 1 << 6;

// The English parameters, in the Rust library.
bool IsAbbreviation(absl::string_view type) {
  return plumbline_hf_punkt_is_abbreviation(HfBytes(type), type.size()) != 0;
}
bool IsSentenceStarter(absl::string_view type) {
  return plumbline_hf_punkt_is_sentence_starter(HfBytes(type), type.size()) != 0;
}
bool IsCollocation(absl::string_view left, absl::string_view right) {
  return plumbline_hf_punkt_is_collocation(HfBytes(left), left.size(), HfBytes(right),
                                           right.size()) != 0;
}
uint8_t OrthoContext(absl::string_view type) {
  return plumbline_hf_punkt_ortho_context(HfBytes(type), type.size());
}

std::string Utf8Of(std::u32string_view chars) {
  std::string out;
  out.reserve(chars.size());
  for (const char32_t c : chars) {
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else {
      python::AppendUtf8(c, &out);
    }
  }
  return out;
}

// Length of the multi-character punctuation at chars[0], or 0: \-{2,} | \.{2,} | (?:\.\s){2,}\.
size_t MultiCharPunct(std::u32string_view chars) {
  if (chars.empty() || (chars[0] != '-' && chars[0] != '.')) return 0;
  size_t run = 1;
  while (run < chars.size() && chars[run] == chars[0]) ++run;
  if (run >= 2) return run;
  if (chars[0] == '-') return 0;
  size_t end = 1;  // just after a dot
  while (end + 1 < chars.size() && IsSpace(chars[end]) && chars[end + 1] == '.') end += 2;
  return end >= 5 ? end : 0;
}

// True where MultiCharPunct is not 0, in constant time.
bool HasMultiCharPunct(std::u32string_view chars) {
  if (chars.size() < 2) return false;
  if (chars[0] == '-' || chars[0] == '.') {
    if (chars[1] == chars[0]) return true;
    return chars[0] == '.' && chars.size() >= 5 && IsSpace(chars[1]) && chars[2] == '.' &&
           IsSpace(chars[3]) && chars[4] == '.';
  }
  return false;
}

// The lookahead that ends a word before rest[0]; `rest` ends at the line's end.
bool EndsWord(std::u32string_view rest) {
  const auto boundary = [](std::u32string_view r) {
    return r.empty() || IsSpace(r[0]) || kNonWord(r[0]) || HasMultiCharPunct(r);
  };
  if (!rest.empty() && ((rest[0] | 0x20) >= 'a' && (rest[0] | 0x20) <= 'z'))
    return false;  // most characters
  return boundary(rest) || (rest[0] == ',' && boundary(rest.substr(1)));
}

// A token of a context and NLTK's annotations of it.
struct Token {
  std::u32string_view chars;
  bool sentence_break = false;
  bool abbreviation = false;
  bool ellipsis = false;

  bool PeriodFinal() const { return chars.back() == '.'; }
  bool FirstUpper() const { return python::IsUpper(chars[0]); }
  bool FirstLower() const { return python::IsLower(chars[0]); }
  // [^\W\d]\.$
  bool IsInitial() const {
    return chars.size() == 2 && chars[1] == '.' && python::IsWordChar(chars[0]) &&
           !python::IsDecimal(chars[0]);
  }
  // ^-?[\.,]?\d[\d,\.-]*\.?$
  bool IsNumeric() const {
    size_t i = chars[0] == '-' ? 1 : 0;
    if (i < chars.size() && (chars[i] == '.' || chars[i] == ',')) ++i;
    if (i >= chars.size() || !python::IsDecimal(chars[i])) return false;
    for (; i < chars.size(); ++i) {
      const char32_t c = chars[i];
      if (c != ',' && c != '.' && c != '-' && !python::IsDecimal(c)) return false;
    }
    return true;
  }
  std::string Type() const { return IsNumeric() ? "##number##" : python::Lower(Utf8Of(chars)); }
  std::string TypeNoPeriod() const {
    std::string type = Type();
    if (type.size() > 1 && type.back() == '.') type.pop_back();
    return type;
  }
  std::string TypeNoSentPeriod() const { return sentence_break ? TypeNoPeriod() : Type(); }
};

// The words of a context, in order: PunktLanguageVars.word_tokenize on each of its lines.
class WordCursor {
 public:
  explicit WordCursor(std::u32string_view context) : context_(context) { FindLineEnd(); }

  std::optional<Token> Next() {
    while (position_ < context_.size()) {
      if (position_ == line_end_) {
        ++position_;
        FindLineEnd();
      } else if (IsSpace(context_[position_])) {
        ++position_;
      } else {
        const size_t size = WordSize(context_.substr(position_, line_end_ - position_));
        Token token{context_.substr(position_, size)};
        position_ += size;
        AnnotateFirstPass(&token);
        return token;
      }
    }
    return std::nullopt;
  }

 private:
  void FindLineEnd() {
    line_end_ = context_.find(U'\n', position_);
    if (line_end_ == std::u32string_view::npos) line_end_ = context_.size();
  }

  static size_t WordSize(std::u32string_view rest) {
    if (const size_t punct = MultiCharPunct(rest); punct > 0) return punct;
    if (kNoWordStart(rest[0])) return 1;
    size_t size = 1;
    while (!EndsWord(rest.substr(size))) ++size;
    return size;
  }

  // Decisions by the word's type alone.
  static void AnnotateFirstPass(Token* token) {
    const std::u32string_view chars = token->chars;
    if (chars.size() == 1 && kSentEnd(chars[0])) {
      token->sentence_break = true;
      return;
    }
    if (chars.back() != '.') return;
    if (chars.find_first_not_of(U'.') == std::u32string_view::npos) {
      token->ellipsis = true;
      return;
    }
    if (chars[chars.size() - 2] == '.') return;
    const std::string type = python::Lower(Utf8Of(chars.substr(0, chars.size() - 1)));
    const size_t dash = type.rfind('-');
    token->abbreviation = IsAbbreviation(type) ||
                          (dash != std::string::npos && IsAbbreviation(type.substr(dash + 1)));
    token->sentence_break = !token->abbreviation;
  }

  const std::u32string_view context_;
  size_t position_ = 0;
  size_t line_end_ = 0;
};

enum class Ortho { kNo, kYes, kUnknown };

// Does the token begin a sentence, judging by its case here and in the training text?
Ortho OrthoHeuristic(const Token& token) {
  if (token.chars.size() == 1 && kPunctuation(token.chars[0])) return Ortho::kNo;
  const uint8_t context = OrthoContext(token.TypeNoSentPeriod());
  if (token.FirstUpper() && (context & kOrthoLower) != 0 && (context & kOrthoMidUpper) == 0)
    return Ortho::kYes;
  if (token.FirstLower() && ((context & kOrthoUpper) != 0 || (context & kOrthoBegLower) == 0))
    return Ortho::kNo;
  return Ortho::kUnknown;
}

// Decisions by a token and the next one.
void AnnotateSecondPass(Token* token, const Token& next) {
  if (!token->PeriodFinal()) return;
  const std::string type = token->TypeNoPeriod();
  const std::string next_type = next.TypeNoSentPeriod();
  const bool initial = token->IsInitial();
  const auto set_abbreviation = [token] {
    token->sentence_break = false;
    token->abbreviation = true;
  };
  if (IsCollocation(type, next_type)) {
    set_abbreviation();
    return;
  }
  if ((token->abbreviation || token->ellipsis) && !initial) {
    if (OrthoHeuristic(next) == Ortho::kYes ||
        (next.FirstUpper() && IsSentenceStarter(next_type))) {
      token->sentence_break = true;
      return;
    }
  }
  if (initial || type == "##number##") {
    const Ortho starter = OrthoHeuristic(next);
    if (starter == Ortho::kNo) {
      set_abbreviation();
    } else if (starter == Ortho::kUnknown && initial && next.FirstUpper() &&
               (OrthoContext(next_type) & kOrthoLower) == 0) {
      set_abbreviation();
    }
  }
}

// text_contains_sentbreak: some token but the last ends a sentence.
bool ContainsSentenceBreak(std::u32string_view context) {
  WordCursor cursor(context);
  std::optional<Token> token = cursor.Next();
  while (token) {
    std::optional<Token> next = cursor.Next();
    if (!next) return false;
    AnnotateSecondPass(&*token, *next);
    if (token->sentence_break) return true;
    token = std::move(next);
  }
  return false;
}

// A place where a sentence may end, and what the decision looks at.
struct Candidate {
  size_t end = 0;            // after the ".", "?" or "!"
  size_t next_start = 0;     // where the next sentence would begin
  size_t context_start = 0;  // the word before it ...
  size_t context_end = 0;    // ... to the end of after_tok
};

// period_context_re at chars[i], a sentence-ending character: [.?!](?=(NonWord|\s+(\S+)))
std::optional<Candidate> PeriodContext(std::u32string_view chars, size_t i) {
  size_t next = i + 1;
  if (next >= chars.size()) return std::nullopt;
  if (kNonWord(chars[next])) return Candidate{i + 1, i + 1, 0, i + 2};
  while (next < chars.size() && IsSpace(chars[next])) ++next;
  if (next == i + 1 || next == chars.size()) return std::nullopt;
  size_t end = next;
  while (end < chars.size() && !IsSpace(chars[end])) ++end;
  return Candidate{i + 1, next, 0, end};
}

// _match_potential_end_contexts: of candidates whose words overlap, the last.
std::vector<Candidate> PotentialEnds(std::u32string_view chars) {
  std::vector<Candidate> ends;
  std::optional<Candidate> previous;
  size_t previous_start = 0, previous_stop = 0;  // the word before the previous candidate
  for (size_t i = 0; i < chars.size(); ++i) {
    if (!kSentEnd(chars[i])) continue;
    std::optional<Candidate> candidate = PeriodContext(chars, i);
    if (!candidate) continue;
    size_t space = i;
    while (space > previous_stop && !kStringWhitespace(chars[space - 1])) --space;
    // NLTK takes a whitespace at index 0 for none.
    const size_t start = space > previous_stop + 1 ? space : previous_start;
    if (previous && previous_stop <= start) ends.push_back(*previous);
    candidate->context_start = start;
    previous = candidate;
    previous_start = start;
    previous_stop = i;
  }
  if (previous) ends.push_back(*previous);
  return ends;
}

// _slices_from_text: sentences before closing punctuation is put where it belongs.
std::vector<TextSpan> Slices(std::u32string_view chars) {
  std::vector<TextSpan> slices;
  size_t last_break = 0;
  for (const Candidate& end : PotentialEnds(chars)) {
    if (!ContainsSentenceBreak(
            chars.substr(end.context_start, end.context_end - end.context_start)))
      continue;
    slices.push_back({last_break, end.end});
    last_break = end.next_start;
  }
  size_t text_end = chars.size();
  while (text_end > 0 && IsSpace(chars[text_end - 1])) --text_end;
  slices.push_back({last_break, text_end});
  return slices;
}

// re_boundary_realignment at the beginning of a sentence: how many closing characters it has and
// how long the match is with the whitespace after them: ["')\]}]+?(?:\s+|(?=--)|$) in multi-line
// mode.
std::optional<std::pair<size_t, size_t>> BoundaryRealignment(std::u32string_view sentence) {
  size_t closing = 0;
  while (closing < sentence.size() && kClosing(sentence[closing])) ++closing;
  if (closing == 0) return std::nullopt;
  size_t end = closing;
  while (end < sentence.size() && IsSpace(sentence[end])) ++end;
  const bool dashes = sentence.substr(closing, 2) == U"--";
  if (end == closing && closing != sentence.size() && !dashes) return std::nullopt;
  return std::make_pair(closing, end);
}

// _realign_boundaries: closing quotes and brackets after a sentence's end are part of it.
std::vector<TextSpan> Realign(std::u32string_view chars, const std::vector<TextSpan>& slices) {
  std::vector<TextSpan> sentences;
  size_t realign = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    const TextSpan first{slices[i].begin + realign, slices[i].end};
    const bool empty = first.begin >= first.end;
    if (i + 1 == slices.size()) {
      if (!empty) sentences.push_back(first);
      break;
    }
    const TextSpan& second = slices[i + 1];
    const size_t size = second.end > second.begin ? second.end - second.begin : 0;
    const auto match = BoundaryRealignment(chars.substr(second.begin, size));
    if (match) {
      sentences.push_back({first.begin, second.begin + match->first});
      realign = match->second;
    } else {
      realign = 0;
      if (!empty) sentences.push_back(first);
    }
  }
  return sentences;
}

}  // namespace

std::vector<TextSpan> SentenceSpans(absl::string_view text) {
  const std::u32string chars = python::ToCodePoints(text);
  std::vector<TextSpan> spans = Realign(chars, Slices(chars));
  if (chars.size() == text.size()) return spans;  // one byte each
  const std::vector<size_t> offsets = ByteOffsets(text);
  for (TextSpan& span : spans) span = {offsets[span.begin], offsets[span.end]};
  return spans;
}

std::vector<absl::string_view> SplitSentences(absl::string_view text) {
  std::vector<absl::string_view> sentences;
  for (const TextSpan& span : SentenceSpans(text)) {
    sentences.push_back(text.substr(span.begin, span.end - span.begin));
  }
  return sentences;
}

}  // namespace plumbline
