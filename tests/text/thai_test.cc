#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/text/crf_model.h"
#include "core/text/language_data.h"
#include "core/text/python_unicode.h"
#include "core/text/thai_clusters.h"
#include "core/text/thai_dictionary.h"
#include "core/text/thai_sentences.h"
#include "core/text/thai_words.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/text/oracle.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Pieces(const std::string& utf8,
                                std::vector<size_t> (*ends)(std::u32string_view)) {
  const std::u32string text = python::ToCodePoints(utf8);
  std::vector<std::string> pieces;
  size_t begin = 0;
  for (size_t end : ends(text)) {
    pieces.push_back(python::ToUtf8(text.substr(begin, end - begin)));
    begin = end;
  }
  return pieces;
}

std::vector<size_t> ClusterEnds(std::u32string_view text) {
  const std::vector<bool> at = ThaiClusterEnds(text);
  std::vector<size_t> ends;
  for (size_t i = 0; i < at.size(); ++i) {
    if (at[i]) ends.push_back(i);
  }
  return ends;
}

TEST(ThaiTest, WordsAreTheDictionarysAndTheRestIsSkipped) {
  EXPECT_THAT(Pieces("สวัสดีครับ วันนี้อากาศดีมาก", ThaiWordEnds),
              ElementsAre("สวัสดี", "ครับ", " ", "วันนี้", "อากาศ", "ดีมาก"));
  EXPECT_THAT(Pieces("เวลา 12:30 น. x-ray😀\r\n", ThaiWordEnds),
              ElementsAre("เวลา", " ", "12:30", " ", "น.", " ", "x-ray", "😀", "\r\n"));
  EXPECT_THAT(Pieces("ราคา๑,๒๓๔.๕บาท", ThaiWordEnds), ElementsAre("ราคา", "๑,๒๓๔.๕", "บาท"));
  EXPECT_THAT(Pieces("", ThaiWordEnds), IsEmpty());
  EXPECT_GT(ThaiDictionary::Default().size(), 60'000u);
}

TEST(ThaiTest, SentencesEndAtMarksAndWhereTheModelSays) {
  EXPECT_THAT(Pieces("สวัสดีครับ วันนี้อากาศดีมาก ผมไปเที่ยว", ThaiSentenceEnds),
              ElementsAre("สวัสดีครับ วันนี้อากาศดีมาก ", "ผมไปเที่ยว"));
  EXPECT_THAT(Pieces("จริงหรือ? ใช่!  ", ThaiSentenceEnds), ElementsAre("จริงหรือ?", " ใช่!"));
  EXPECT_THAT(Pieces("", ThaiSentenceEnds), IsEmpty());
  EXPECT_THAT(Pieces("  ", ThaiSentenceEnds), IsEmpty());
}

TEST(ThaiTest, TheTreeFindsEveryWordThatBeginsHere) {
  const ThaiDictionary dictionary({U"กา", U"ก", U"การ", U"", U"ขา", U"กา"});
  EXPECT_EQ(dictionary.size(), 4u);
  std::vector<size_t> ends;
  const auto take = [&](size_t end) {
    ends.push_back(end);
    return ends.size() < 5;
  };
  dictionary.ForEachWordAt(U"xการก", 1, take);
  dictionary.ForEachWordAt(U"xการก", 4, take);
  dictionary.ForEachWordAt(U"xการก", 0, take);
  EXPECT_THAT(ends, ElementsAre(2, 3, 4, 5));
}

TEST(CrfModelTest, ABrokenModelIsAnErrorWherever) {
  const std::string model(ThaiSentenceModel());
  EXPECT_THAT(CrfModel::Parse(model), IsOk());
  EXPECT_THAT(CrfModel::Parse("").status().message(), HasSubstr("no CRFsuite model"));
  for (size_t size = 13; size < model.size(); size += model.size() / 50) {
    EXPECT_THAT(CrfModel::Parse(absl::string_view(model).substr(0, size)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no CRFsuite model")));
  }
}

// PLUMBLINE_THAI_TEXTS: how many texts; 2,000 take a few seconds, most of them Python's.
TEST(ThaiTest, EqualToPyThaiNlp) {
  SKIP_WITHOUT_ORACLE();
  const char* wanted = std::getenv("PLUMBLINE_THAI_TEXTS");
  const std::string count = wanted != nullptr ? wanted : "2000";
  std::istringstream rows(*RunOracle("thai_tokens.py", "", count + " 7"));
  int texts = 0, different = 0;
  size_t words = 0, sentences = 0;
  for (std::string line; std::getline(rows, line) && different < 5; ++texts) {
    const auto row = nlohmann::json::parse(line);
    const std::u32string text = python::ToCodePoints(row["text"].get<std::string>());
    const auto expect_equal = [&](const std::vector<size_t>& ours, const char* what) {
      const auto theirs = row[what].get<std::vector<size_t>>();
      different += ours != theirs;
      EXPECT_EQ(ours, theirs) << what << " of " << row["text"];
    };
    const std::vector<size_t> word_ends = ThaiWordEnds(text);
    const std::vector<size_t> sentence_ends = ThaiSentenceEnds(text);
    words += word_ends.size();
    sentences += sentence_ends.size();
    expect_equal(ClusterEnds(text), "clusters");
    expect_equal(word_ends, "words");
    expect_equal(sentence_ends, "sentences");
  }
  EXPECT_EQ(absl::StrCat(texts), count);
  std::cout << texts << " texts, " << words << " words, " << sentences << " sentences\n";
}

}  // namespace
}  // namespace plumbline
