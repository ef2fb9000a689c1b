// custom:*, each made for one prompt of the test set; sentence_alphabet is with the sentences,
// csv_* in csv_checks.cc.
#include <unicode/uchar.h>

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/eval/ifbench/check_tools.h"
#include "core/eval/ifbench/checks.h"
#include "core/eval/ifeval/checks.h"
#include "core/eval/pyre/regex.h"
#include "core/text/python_unicode.h"
#include "core/text/sentences.h"

namespace plumbline::ifbench {
namespace {

constexpr std::array<absl::string_view, 27> kCapitals = {
    "Reykjavik",  "Helsinki", "Oslo",     "Tallinn",    "Stockholm", "Riga",      "Moscow",
    "Copenhagen", "Vilnius",  "Minsk",    "Dublin",     "Berlin",    "Amsterdam", "Warsaw",
    "London",     "Brussels", "Prague",   "Luxembourg", "Paris",     "Vienna",    "Bratislava",
    "Budapest",   "Vaduz",    "Chisinau", "Bern",       "Ljubljana", "Zagreb"};

const PyRegex& Compiled(absl::string_view pattern) {
  return *new PyRegex(*PyRegex::Compile(pattern));  // once a process: callers keep it in a static
}

// The number that decimal digits of any script write, as Python's int() reads them.
int DigitsToInt(std::u32string_view digits) {
  int value = 0;
  for (char32_t c : digits) value = value * 10 + u_charDigitValue(static_cast<UChar32>(c));
  return value;
}

// Why "1805-12-02" is no day of Napoleon's life; empty when it is. Months and days of 0 pass.
std::string DateFault(absl::string_view text) {
  static const PyRegex& shape = Compiled(R"(\A\d{4}-\d{2}-\d{2}\Z)");
  const std::u32string date = python::ToCodePoints(text);
  if (!shape.Search(date)) return absl::StrCat("\"", Excerpt(text), "\" is not YYYY-MM-DD");
  const std::u32string_view view(date);
  const int year = DigitsToInt(view.substr(0, 4));
  const int month = DigitsToInt(view.substr(5, 2));
  const int day = DigitsToInt(view.substr(8, 2));
  if (year < 1769 || year > 1821) return absl::StrCat(year, " is not in 1769-1821");
  if (month > 12) return absl::StrCat("there is no month ", month);
  static constexpr int kDays[] = {99, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (day > kDays[month]) return absl::StrCat("month ", month, " has no day ", day);
  return "";
}

// The text of a question, and -1 as its length where it has not five options.
int64_t QuestionLength(absl::string_view question) {
  static const PyRegex& option = Compiled(R"(\A[A-Ea-e][\.|\)]\s*\w+)");
  std::string text;
  int options = 0;
  for (absl::string_view line : python::Split(question, "\n")) {
    const absl::string_view stripped = python::Strip(line);
    if (option.Search(python::ToCodePoints(stripped))) {
      ++options;
    } else if (options == 0) {
      absl::StrAppend(&text, " ", stripped);
    }
  }
  return options == 5 ? static_cast<int64_t>(python::Length(python::Strip(text))) : -1;
}

}  // namespace

InstructionOr MakeMultiples(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    static const PyRegex& number = Compiled(R"(\d+)");
    // "14,21" are two numbers already; the reference's space behind a comma changes nothing.
    std::vector<std::string> found;
    for (const PyMatch& match : number.FindAll(response.code_points())) {
      found.push_back(python::ToUtf8(
          response.code_points().substr(match.begin(), match.end() - match.begin())));
    }
    if (found == std::vector<std::string>{"14", "21", "28", "35", "42", "49"}) return true;
    return No(why, "the numbers are not 14, 21, 28, 35, 42, 49");
  });
}

InstructionOr MakeMcqCountLength(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    static const PyRegex& label = Compiled(R"(\n*(?:Question \d+[\.|\):;]?\s*))");
    if (!absl::StartsWith(response.utf8(), "Question")) {
      return No(why, "the response does not start with \"Question\"");
    }
    std::vector<std::string> questions;
    for (std::u32string_view part : label.Split(response.code_points())) {
      const std::string text = python::ToUtf8(std::u32string(part));
      const absl::string_view question = python::Strip(text);
      if (!question.empty()) questions.emplace_back(question);
    }
    if (questions.size() != 4) {
      ifeval::ExplainCount(static_cast<int64_t>(questions.size()), "exactly", 4, "question", why);
      return false;
    }
    int64_t before = -1;
    for (size_t i = 0; i < questions.size(); ++i) {
      const int64_t length = QuestionLength(questions[i]);
      if (length < 0) return No(why, "question ", i + 1, " has not five options");
      if (length <= before)
        return No(why, "question ", i + 1, " is not longer than the one before");
      before = length;
    }
    return true;
  });
}

InstructionOr MakeReverseNewline(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    std::vector<std::string> lines;
    bool begun = false;
    for (absl::string_view line : python::Split(response.utf8(), "\n")) {
      const absl::string_view text = python::Strip(line, kPunctuationAndSpace);
      begun = begun || absl::StrContains(text, "Zimbabwe");
      if (begun && !text.empty()) lines.push_back(AsciiFold(text));
    }
    if (!begun) return No(why, "no line with Zimbabwe");
    if (lines.size() < 52) return No(why, "found ", lines.size(), " lines, want at least 52");
    for (size_t i = 1; i < lines.size(); ++i) {
      if (lines[i - 1] < lines[i]) {
        return No(why, "\"", Excerpt(lines[i]), "\" is behind \"", Excerpt(lines[i - 1]), "\"");
      }
    }
    return true;
  });
}

InstructionOr MakeWordReverse(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::string plain = RemovePunctuation(python::Strip(response.lower()));
    std::vector<absl::string_view> words = python::SplitWhitespace(plain);
    std::reverse(words.begin(), words.end());
    const std::string text = absl::StrJoin(words, " ");
    if (!absl::StrContains(text, "bald eagle")) {
      return No(why, "\"bald eagle\" is not there in reverse");
    }
    const std::vector<absl::string_view> sentences = SplitSentences(text);
    if (sentences.size() == 1 && sentences[0] == text) return true;
    return No(why, "more than one sentence");
  });
}

InstructionOr MakeCharacterReverse(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    if (absl::StrContains(response.lower(), "elgae dlab")) return true;
    return No(why, "\"elgae dlab\" is missing");
  });
}

InstructionOr MakeEuropeanCapitalsSort(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const std::string text = AsciiFold(response.utf8());
    std::vector<absl::string_view> cities;
    for (absl::string_view part : python::Split(text, ",")) {
      const absl::string_view city = python::Strip(part);
      if (!city.empty()) cities.push_back(city);
    }
    if (cities.size() != kCapitals.size()) {
      ifeval::ExplainCount(static_cast<int64_t>(cities.size()), "exactly",
                           static_cast<int64_t>(kCapitals.size()), "part", why);
      return false;
    }
    for (size_t i = 0; i < cities.size(); ++i) {
      if (cities[i] != kCapitals[i]) {
        return No(why, "city ", i + 1, " is \"", Excerpt(cities[i]), "\", want ", kCapitals[i]);
      }
    }
    return true;
  });
}

InstructionOr MakeDateFormatList(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    for (absl::string_view part : python::Split(python::Strip(response.utf8()), ",")) {
      const std::string fault = DateFault(python::Strip(part));
      if (!fault.empty()) return No(why, fault);
    }
    return true;
  });
}

}  // namespace plumbline::ifbench
