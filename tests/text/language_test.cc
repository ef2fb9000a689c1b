#include "core/text/language.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

TEST(LanguageTest, NamesTheLanguage) {
  EXPECT_THAT(DetectLanguage("The quick brown fox jumps over the lazy dog."), IsOkAndHolds("en"));
  EXPECT_THAT(DetectLanguage("Der schnelle braune Fuchs springt über den faulen Hund."),
              IsOkAndHolds("de"));
}

TEST(LanguageTest, ATextWithoutLettersIsAnError) {
  EXPECT_THAT(DetectLanguage(""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DetectLanguage("123 456 !?"), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace plumbline
