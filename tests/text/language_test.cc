#include "core/text/language.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/text/oracle.h"

namespace plumbline {
namespace {

TEST(LanguageTest, NamesTheLanguage) {
  EXPECT_THAT(DetectLanguage("The quick brown fox jumps over the lazy dog."), IsOkAndHolds("en"));
  EXPECT_THAT(DetectLanguage("Der schnelle braune Fuchs springt über den faulen Hund."),
              IsOkAndHolds("de"));
  EXPECT_THAT(DetectLanguage("敏捷的棕色狐狸跳过了懒狗。"), IsOkAndHolds("zh-cn"));
}

TEST(LanguageTest, ATextWithoutLettersIsAnError) {
  EXPECT_THAT(DetectLanguage(""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DetectLanguage("123 456 !?"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(LanguageTest, IllFormedBytesAreReplacementCharacters) {
  EXPECT_EQ(DetectLanguage("The quick brown fox \xFF\xFE jumps over the lazy dog.").value(),
            DetectLanguage("The quick brown fox \uFFFD\uFFFD jumps over the lazy dog.").value());
}

void ExpectEqualToLangdetect(const std::vector<std::string>& texts) {
  const std::string output = *RunOracle("detect_language.py", TextsAsJson(texts));
  const std::vector<std::string> expected = absl::StrSplit(output, '\n', absl::SkipEmpty());
  ASSERT_EQ(expected.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto language = DetectLanguage(texts[i]);
    EXPECT_EQ(language.ok() ? *language : "error", expected[i]) << texts[i];
  }
}

TEST(LanguageTest, TheGoldenTextsAreAsInLangdetect) {
  for (const auto& row : nlohmann::json::parse(ReadFileOrDie("tests/text/golden/languages.json"))) {
    const auto language = DetectLanguage(row[0].get<std::string>());
    EXPECT_EQ(language.ok() ? *language : "error", row[1].get<std::string>()) << row[0];
  }
}

TEST(LanguageTest, EveryResponseIsAsInLangdetect) {
  SKIP_WITHOUT_ORACLE();
  const std::vector<std::string> texts = ResponseTexts();
  if (texts.empty()) GTEST_SKIP() << "no shared data: set PLUMBLINE_SHARED_DATA";
  ExpectEqualToLangdetect(texts);
}

TEST(LanguageTest, FuzzedTextsAreAsInLangdetect) {
  SKIP_WITHOUT_ORACLE();
  ExpectEqualToLangdetect(FuzzTexts(300, 23));
}

TEST(LanguageTest, ATenMegabyteTextIsBounded) {
  for (const std::string& piece :
       {std::string("hello world "), std::string("a@"), std::string("aaaaaaaaaaa"),
        std::string("http://x "), std::string("é"), std::string("@@@@ ")}) {
    std::string text;
    while (text.size() < 10'000'000) text += piece;
    const absl::Time start = absl::Now();
    (void)DetectLanguage(text);
    EXPECT_LT(absl::Now() - start, absl::Seconds(10)) << piece;
  }
}

}  // namespace
}  // namespace plumbline
