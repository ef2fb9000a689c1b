#include "core/base/utf8.h"

#include <gtest/gtest.h>

namespace plumbline {
namespace {

TEST(Utf8, TheFirstByteOfNoCharacterIsFound) {
  EXPECT_EQ(FirstInvalidUtf8(""), std::nullopt);
  EXPECT_EQ(FirstInvalidUtf8("caf\u00e9, \u20ac, \U0001F600"), std::nullopt);
  EXPECT_EQ(FirstInvalidUtf8(absl::string_view("a\0b", 3)), std::nullopt);
  EXPECT_EQ(FirstInvalidUtf8("caf\xe9"), 3u) << "Latin-1";
  EXPECT_EQ(FirstInvalidUtf8("\u00e9\xe2\x82"), 2u) << "a character cut short";
  EXPECT_EQ(FirstInvalidUtf8("x\xc0\xaf"), 1u) << "an overlong form";
  EXPECT_EQ(FirstInvalidUtf8("\xed\xa0\x80"), 0u) << "a surrogate";
  EXPECT_EQ(FirstInvalidUtf8("ab\xf4\x90\x80\x80"), 2u) << "beyond U+10FFFF";
}

}  // namespace
}  // namespace plumbline
