#include "core/text/sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "core/text/hf/plumbline_hf.h"
#include "core/text/python_unicode.h"
#include "core/text/words.h"
#include "tests/support/temp_dir.h"
#include "tests/text/oracle.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Json = nlohmann::json;

TEST(SentencesTest, SplitsWhereASentenceEnds) {
  EXPECT_THAT(
      SplitSentences("Dr. Smith paid $5.50 in the U.S. He left. \"Why?\" she asked."),
      ElementsAre("Dr. Smith paid $5.50 in the U.S.", "He left.", "\"Why?\"", "she asked."));
  EXPECT_THAT(SplitSentences("(It rained.) We stayed!!! Really?"),
              ElementsAre("(It rained.)", "We stayed!!!", "Really?"));
  EXPECT_THAT(SplitSentences(" \n\t "), IsEmpty());
  EXPECT_THAT(SplitSentences(""), IsEmpty());
  EXPECT_THAT(SplitSentences("  no end  "), ElementsAre("  no end"));
}

TEST(SentencesTest, SpansAreBytesAlsoOfIllFormedText) {
  const std::string text = "\xFF é. 你好! Yes.";
  EXPECT_THAT(SplitSentences(text), ElementsAre("\xFF é.", "你好!", "Yes."));
}

TEST(WordsTest, SplitsAsTheTreebankDoes) {
  EXPECT_THAT(WordTokenize("I can't, won't \"pay\" $3.88. Gonna go?"),
              ElementsAre("I", "ca", "n't", ",", "wo", "n't", "``", "pay", "''", "$", "3.88", ".",
                          "Gon", "na", "go", "?"));
  EXPECT_THAT(WordTokenize(""), IsEmpty());
}

// The rows that NLTK's script printed.
std::vector<Json> NltkRows(const std::string& output) {
  std::vector<Json> rows;
  for (const absl::string_view line : absl::StrSplit(output, '\n', absl::SkipEmpty())) {
    rows.push_back(Json::parse(std::string(line)));
  }
  return rows;
}

std::vector<std::pair<size_t, size_t>> CodePointSpans(const std::string& text) {
  std::vector<std::pair<size_t, size_t>> spans;
  for (const TextSpan& span : SentenceSpans(text)) {
    spans.emplace_back(python::Length(text.substr(0, span.begin)),
                       python::Length(text.substr(0, span.end)));
  }
  return spans;
}

void ExpectEqualToNltk(const std::vector<std::string>& texts, const std::vector<Json>& rows) {
  ASSERT_EQ(rows.size(), texts.size());
  int different = 0;
  for (size_t i = 0; i < texts.size() && different < 5; ++i) {
    const auto spans = rows[i]["spans"].get<std::vector<std::pair<size_t, size_t>>>();
    const auto words = rows[i]["words"].get<std::vector<std::string>>();
    const auto treebank = rows[i]["treebank"].get<std::vector<std::string>>();
    const bool equal = CodePointSpans(texts[i]) == spans && WordTokenize(texts[i]) == words &&
                       TreebankTokenize(texts[i]) == treebank;
    different += equal ? 0 : 1;
    EXPECT_EQ(CodePointSpans(texts[i]), spans) << Json(texts[i]);
    EXPECT_EQ(WordTokenize(texts[i]), words) << Json(texts[i]);
    EXPECT_EQ(TreebankTokenize(texts[i]), treebank) << Json(texts[i]);
  }
}

TEST(SentencesTest, TheGoldenTextsAreAsInNltk) {
  const Json golden = Json::parse(ReadFileOrDie("tests/text/golden/sentences.json"));
  ExpectEqualToNltk(golden["texts"].get<std::vector<std::string>>(),
                    golden["rows"].get<std::vector<Json>>());
}

TEST(SentencesTest, EveryResponseAndPromptIsAsInNltk) {
  SKIP_WITHOUT_ORACLE();
  const std::vector<std::string> texts = ResponseTexts();
  if (texts.empty()) GTEST_SKIP() << "no shared data: set PLUMBLINE_SHARED_DATA";
  ExpectEqualToNltk(texts, NltkRows(*RunOracle("sentence_spans.py", TextsAsJson(texts))));
}

TEST(SentencesTest, FuzzedTextsAreAsInNltk) {
  SKIP_WITHOUT_ORACLE();
  const char* count = std::getenv("PLUMBLINE_FUZZ_TEXTS");
  const std::vector<std::string> texts = FuzzTexts(count != nullptr ? std::atoi(count) : 4000, 17);
  ExpectEqualToNltk(texts, NltkRows(*RunOracle("sentence_spans.py", TextsAsJson(texts))));
}

std::vector<std::string> FileLines(const std::string& path) {
  return absl::StrSplit(ReadFileOrDie(path), '\n', absl::SkipEmpty());
}

TEST(SentencesTest, TheParametersAreNltks) {
  const auto shared = SharedDataDir();
  if (!shared) GTEST_SKIP() << "no shared data: set PLUMBLINE_SHARED_DATA";
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<const uint8_t*>(text.data());
  };
  const std::string dir = absl::StrCat(*shared, "/punkt_english/");
  const auto abbreviations = FileLines(dir + "abbrev_types.txt");
  EXPECT_EQ(abbreviations.size(), 156);
  for (const std::string& type : abbreviations) {
    EXPECT_EQ(plumbline_hf_punkt_is_abbreviation(bytes(type), type.size()), 1) << type;
  }
  for (const std::string& type : FileLines(dir + "sent_starters.txt")) {
    EXPECT_EQ(plumbline_hf_punkt_is_sentence_starter(bytes(type), type.size()), 1) << type;
  }
  for (const std::string& line : FileLines(dir + "collocations.tab")) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(line, '\t');
    EXPECT_EQ(plumbline_hf_punkt_is_collocation(bytes(pair.first), pair.first.size(),
                                                bytes(pair.second), pair.second.size()),
              1)
        << line;
  }
  const auto contexts = FileLines(dir + "ortho_context.tab");
  EXPECT_EQ(contexts.size(), 20366);
  for (const std::string& line : contexts) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(line, '\t');
    EXPECT_EQ(plumbline_hf_punkt_ortho_context(bytes(pair.first), pair.first.size()),
              std::stoi(pair.second))
        << line;
  }
}

TEST(SentencesTest, ALongTextTakesLinearTime) {
  for (const std::string& piece :
       {std::string("Yes. "), std::string("!"), std::string(". "), std::string("a.b"),
        std::string(".)"), std::string("\""), std::string("' "), std::string("--"),
        std::string("\n"), std::string("x")}) {
    std::string text;
    while (text.size() < 1'000'000) text += piece;
    const absl::Time start = absl::Now();
    SentenceSpans(text);
    WordTokenize(text);
    EXPECT_LT(absl::Now() - start, absl::Seconds(20)) << piece;
  }
}

}  // namespace
}  // namespace plumbline
