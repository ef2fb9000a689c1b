#include "core/base/strict_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

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

TEST(StrictJson, SaysWhere) {
  for (const auto& [text, byte] : std::vector<std::pair<std::string, size_t>>{
           {R"({"a": "b: \"a\":", "c": {"a": 1}, "\u0061": 2})", 34},
           {R"({"a": [1, {"b": 1, "b": 2}]})", 19},
           {R"({"a": tru})", 9},
           {R"([[[[]]]])", 3}}) {
    size_t at = 0;
    EXPECT_THAT(ParseStrictJson(text, {.depth = 3}, &at),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
    EXPECT_EQ(at, byte) << text;
  }
}

TEST(StrictJson, BoundsTheKeysOfAnObject) {
  EXPECT_OK(ParseStrictJson(R"([{"a": 1, "b": 2}, {"c": 3, "d": 4}])", {.keys = 2}));
  EXPECT_THAT(ParseStrictJson(R"({"a": 1, "b": 2, "c": 3})", {.keys = 2}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("more than 2 keys")));
}

TEST(StrictJson, RefusesAbsurdDepth) {
  EXPECT_THAT(ParseStrictJson(std::string(100'000, '[')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("deep")));
}

}  // namespace
}  // namespace plumbline
