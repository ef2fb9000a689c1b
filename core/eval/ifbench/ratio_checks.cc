// ratio:*.
#include <unordered_set>

#include "absl/strings/match.h"
#include "core/base/status_macros.h"
#include "core/eval/ifbench/check_tools.h"
#include "core/eval/ifbench/checks.h"
#include "core/eval/ifeval/checks.h"
#include "core/text/python_unicode.h"
#include "core/text/sentences.h"

namespace plumbline::ifbench {
namespace {

// NLTK's English stop words, less those with an apostrophe, which no \w+ can be.
const std::unordered_set<std::string>& StopWords() {
  static const auto& words = *new std::unordered_set<std::string>{
      "a",         "about",   "above",   "after",      "again", "against", "ain",       "all",
      "am",        "an",      "and",     "any",        "are",   "aren",    "as",        "at",
      "be",        "because", "been",    "before",     "being", "below",   "between",   "both",
      "but",       "by",      "can",     "couldn",     "d",     "did",     "didn",      "do",
      "does",      "doesn",   "doing",   "don",        "down",  "during",  "each",      "few",
      "for",       "from",    "further", "had",        "hadn",  "has",     "hasn",      "have",
      "haven",     "having",  "he",      "her",        "here",  "hers",    "herself",   "him",
      "himself",   "his",     "how",     "i",          "if",    "in",      "into",      "is",
      "isn",       "it",      "its",     "itself",     "just",  "ll",      "m",         "ma",
      "me",        "mightn",  "more",    "most",       "mustn", "my",      "myself",    "needn",
      "no",        "nor",     "not",     "now",        "o",     "of",      "off",       "on",
      "once",      "only",    "or",      "other",      "our",   "ours",    "ourselves", "out",
      "over",      "own",     "re",      "s",          "same",  "shan",    "she",       "should",
      "shouldn",   "so",      "some",    "such",       "t",     "than",    "that",      "the",
      "their",     "theirs",  "them",    "themselves", "then",  "there",   "these",     "they",
      "this",      "those",   "through", "to",         "too",   "under",   "until",     "up",
      "ve",        "very",    "was",     "wasn",       "we",    "were",    "weren",     "what",
      "when",      "where",   "which",   "while",      "who",   "whom",    "why",       "will",
      "with",      "won",     "wouldn",  "y",          "you",   "your",    "yours",     "yourself",
      "yourselves"};
  return words;
}

struct SentenceEnds {
  int64_t statements = 0, questions = 0, exclamations = 0;
};

SentenceEnds CountEnds(absl::string_view text) {
  SentenceEnds ends;
  for (absl::string_view sentence : SplitSentences(text)) {
    ends.statements += absl::EndsWith(sentence, ".");
    ends.questions += absl::EndsWith(sentence, "?");
    ends.exclamations += absl::EndsWith(sentence, "!");
  }
  return ends;
}

// The trigrams of characters, each 3 × 21 bits.
std::unordered_set<uint64_t> Trigrams(const std::u32string& text) {
  std::unordered_set<uint64_t> trigrams;
  for (size_t i = 2; i < text.size(); ++i) {
    trigrams.insert(uint64_t{text[i - 2]} << 42 | uint64_t{text[i - 1]} << 21 | text[i]);
  }
  return trigrams;
}

}  // namespace

InstructionOr MakeStopWords(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const double most, kwargs.NonNegative("percentage"));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    const absl::string_view text = response.utf8();
    double words = 0;
    double stop_words = 0;
    size_t begin = 0;
    for (size_t at = 0; at <= text.size();) {
      size_t next = at;
      if (at < text.size() && python::IsWordChar(python::NextCodePoint(text, &next))) {
        at = next;
        continue;
      }
      if (at > begin) {
        ++words;
        stop_words += StopWords().count(python::Lower(text.substr(begin, at - begin))) > 0;
      }
      begin = at = at == text.size() ? at + 1 : next;
    }
    if (words == 0) return No(why, "there is no word");
    const double percentage = stop_words / words * 100;
    if (percentage <= most) return true;
    return No(why, percentage, " % of the words are stop words, want at most ", most);
  });
}

InstructionOr MakeSentenceType(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const SentenceEnds ends = CountEnds(response.utf8());
    if (ends.statements == 2 * ends.questions) return true;
    return No(why, "found ", ends.statements, " sentences with . and ", ends.questions,
              " with ?, want 2 to 1");
  });
}

InstructionOr MakeSentenceBalance(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const SentenceEnds ends = CountEnds(response.utf8());
    if (ends.statements == ends.questions && ends.questions == ends.exclamations) return true;
    return No(why, "found ", ends.statements, " sentences with ., ", ends.questions, " with ?, ",
              ends.exclamations, " with !, want the same number of each");
  });
}

InstructionOr MakeOverlap(Kwargs& kwargs) {
  ABSL_ASSIGN_OR_RETURN(const std::string reference, kwargs.String("reference_text"));
  ABSL_ASSIGN_OR_RETURN(const double wanted, kwargs.NonNegative("percentage"));
  const auto given = Trigrams(python::ToCodePoints(reference));
  return MakeCheck([=](const ResponseText& response, std::string* why) {
    const auto trigrams = Trigrams(response.code_points());
    if (trigrams.empty()) return No(why, "fewer than three characters");
    int64_t shared = 0;
    for (uint64_t trigram : trigrams) shared += given.count(trigram) > 0;
    const double overlap = static_cast<double>(shared) / static_cast<double>(trigrams.size()) * 100;
    if (wanted - 2 <= overlap && overlap <= wanted + 2) return true;
    return No(why, "the overlap is ", overlap, " %, want ", wanted, " within 2");
  });
}

// Of "using all different words" the reference checks nothing.
InstructionOr MakeSentenceWords(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::vector<absl::string_view> sentences = SplitSentences(response.utf8());
    if (sentences.size() != 3) {
      ifeval::ExplainCount(static_cast<int64_t>(sentences.size()), "exactly", 3, "sentence", why);
      return false;
    }
    const size_t first = python::Length(python::Strip(sentences[0]));
    for (absl::string_view sentence : sentences) {
      const size_t length = python::Length(python::Strip(sentence));
      if (length != first) {
        return No(why, "sentences of ", first, " and of ", length, " characters");
      }
    }
    return true;
  });
}

}  // namespace plumbline::ifbench
