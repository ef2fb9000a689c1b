// format:*, but for those of lists (list_checks.cc).
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "core/base/status_macros.h"
#include "core/eval/ifbench/check_tools.h"
#include "core/eval/ifbench/checks.h"
#include "core/eval/pyre/regex.h"
#include "core/text/emoji.h"
#include "core/text/python_unicode.h"
#include "core/text/sentences.h"
#include "core/text/words.h"

namespace plumbline::ifbench {
namespace {

constexpr absl::string_view kOpening = "([{";
constexpr absl::string_view kClosing = ")]}";

// One of a sentence's last two characters, or the first of the next sentence, less punctuation.
bool EndsWithEmoji(absl::string_view plain) {
  size_t at = plain.size();
  if (IsEmoji(python::PreviousCodePoint(plain, &at))) return true;
  return at > 0 && IsEmoji(python::PreviousCodePoint(plain, &at));
}

// A token in title case, or one that is neither that nor wholly in a wrong case ("iPhone", "USA").
bool PassesTitleCase(absl::string_view token) {
  const char32_t first = FirstCharacter(token);
  if (!python::IsAlpha(first)) return true;
  const absl::string_view rest = python::Slice(token, 1, python::Length(token));
  if (rest.empty()) return !python::IsLower(first);
  return !python::IsLower(first) || (!python::IsLower(rest) && !python::IsUpper(rest));
}

}  // namespace

InstructionOr MakeParentheses(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    std::string open;
    size_t deepest = 0;
    size_t deepest_ever = 0;
    for (char c : response.utf8()) {
      if (kOpening.find(c) != absl::string_view::npos) {
        open.push_back(c);
        deepest = std::max(deepest, open.size());
        deepest_ever = std::max(deepest_ever, deepest);
        continue;
      }
      const size_t closes = kClosing.find(c);
      if (closes == absl::string_view::npos) continue;
      if (!open.empty() && open.back() == kOpening[closes]) {
        open.pop_back();
        if (deepest >= 5) return true;
      } else {  // a mismatch begins anew
        open.clear();
        deepest = 0;
      }
    }
    return No(why, "brackets are nested ", deepest_ever, " deep or not closed, want 5");
  });
}

InstructionOr MakeQuotes(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    std::string open;
    size_t deepest = 0;
    for (char c : response.utf8()) {
      if (!open.empty() && c == open.back()) {
        open.pop_back();
        if (deepest - open.size() >= 3) return true;
      } else if (c == '"' || c == '\'') {
        open.push_back(c);
        deepest = std::max(deepest, open.size());
      }
    }
    return No(why, "quotes are nested ", deepest, " deep or not closed, want 3");
  });
}

InstructionOr MakeOptions(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const std::string text, kwargs.String("options"));
  static const PyRegex& letters = *new PyRegex(*PyRegex::Compile(R"(\A\W*[aA]\W*[bB]\W*[cC]\W*)"));
  const bool exact = letters.Search(python::ToCodePoints(text));
  const absl::string_view separator =
      absl::StrContains(text, "/") ? "/" : (absl::StrContains(text, "or") ? "or" : ",");
  std::vector<std::string> options;
  for (absl::string_view part : python::Split(text, separator)) {
    const absl::string_view option = python::Strip(part);
    options.push_back(exact ? std::string(option)
                            : python::Lower(python::Strip(option, kPunctuationAndSpace)));
  }
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    const std::string answer =
        exact ? std::string(response.utf8())
              : python::Lower(python::Strip(response.utf8(), kPunctuationAndSpace));
    for (const std::string& option : options) {
      if (option == answer) return true;
    }
    return No(why, "the response is none of ", text);
  });
}

InstructionOr MakeNewline(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::string plain = RemovePunctuation(response.utf8());
    const absl::string_view text = python::Strip(plain);
    size_t lines = 0;
    for (absl::string_view line : python::Split(text, "\n")) lines += !line.empty();
    const size_t words = python::SplitWhitespace(text).size();
    if (lines == words) return true;
    return No(why, "found ", words, " words on ", lines, " lines");
  });
}

InstructionOr MakeEmoji(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    std::vector<std::string> sentences;
    for (absl::string_view sentence : SplitSentences(response.utf8())) {
      sentences.emplace_back(python::Strip(RemovePunctuation(sentence)));
    }
    for (size_t i = 0; i < sentences.size(); ++i) {
      const bool last = i + 1 == sentences.size();
      if (!sentences[i].empty() &&
          (EndsWithEmoji(sentences[i]) ||
           (!last && !sentences[i + 1].empty() && IsEmoji(FirstCharacter(sentences[i + 1]))))) {
        continue;
      }
      return No(why, "no emoji at the end of sentence ", i + 1);
    }
    return true;
  });
}

InstructionOr MakeTitleCase(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    for (const std::string& token : WordTokenize(response.utf8())) {
      if (!PassesTitleCase(token)) return No(why, "\"", Excerpt(token), "\" is not in title case");
    }
    return true;
  });
}

InstructionOr MakeOutputTemplate(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    for (absl::string_view part : {"My Answer:", "My Conclusion:", "Future Outlook:"}) {
      if (!absl::StrContains(response.utf8(), part)) return No(why, "\"", part, "\" is missing");
    }
    return true;
  });
}

InstructionOr MakeNoWhitespace(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    for (char32_t c : response.code_points()) {
      if (python::IsSpace(c)) return No(why, "there is whitespace");
    }
    return true;
  });
}

InstructionOr MakeQuoteUnquote(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::string straight = absl::StrReplaceAll(
        absl::StrReplaceAll(response.utf8(), {{"“", "\""}, {"”", "\""}}), {{"'\"'", ""}});
    std::string text;
    for (absl::string_view part : python::SplitWhitespace(straight)) absl::StrAppend(&text, part);
    if (absl::StrContains(text, "\"\"")) return No(why, "two quotes without text between them");
    const absl::string_view stripped =
        python::Strip(text, "0123456789!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
    if (!absl::EndsWith(stripped, "\"")) return true;
    return No(why, "the response ends with a quote");
  });
}

}  // namespace plumbline::ifbench
