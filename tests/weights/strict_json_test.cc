#include "core/weights/strict_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;

TEST(StrictJson, KeepsOrder) {
  ASSERT_OK_AND_ASSIGN(const auto document, ParseStrictJson(R"({"b": 1, "a": {"z": [], "y": 2}})"));
  EXPECT_EQ(document.dump(), R"({"b":1,"a":{"z":[],"y":2}})");
}

TEST(StrictJson, RefusesADuplicateKeyAtAnyDepth) {
  EXPECT_THAT(ParseStrictJson(R"({"r": 1, "r": 2})"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"r\" stands twice")));
  EXPECT_THAT(ParseStrictJson(R"({"x": [{"r": 1, "r": 2}]})"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"r\" stands twice")));
  EXPECT_OK(ParseStrictJson(R"({"x": {"r": 1}, "y": {"r": 2}})"));
}

TEST(StrictJson, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "{} x", "{\"a\": NaN}", "{'a': 1}", "{\"a\": \"\xff\"}"}) {
    EXPECT_THAT(ParseStrictJson(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not JSON")))
        << text;
  }
}

TEST(StrictJson, RefusesAbsurdDepth) {
  EXPECT_THAT(ParseStrictJson(std::string(100'000, '[')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("deep")));
}

}  // namespace
}  // namespace plumbline
