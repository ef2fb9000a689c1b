#include "core/base/names.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace plumbline {
namespace {

TEST(IsName, TakesLettersDigitsAndThreeMarks) {
  EXPECT_TRUE(IsName("-a_B.9", 6));
  EXPECT_FALSE(IsName("-a_B.9", 5));
  for (const char* name : {"", "a b", "a/b", "\xc3\xa9"}) EXPECT_FALSE(IsName(name, 64)) << name;
}

TEST(IsAlias, BeginsWithALetterOrADigit) {
  for (const char* name : {"a", "7", "V7_x.y-z"}) EXPECT_TRUE(IsAlias(name)) << name;
  for (const char* name : {"", "_a", ".a", "-a", "a/b"}) EXPECT_FALSE(IsAlias(name)) << name;
  EXPECT_TRUE(IsAlias(std::string(64, 'a')));
  EXPECT_FALSE(IsAlias(std::string(65, 'a')));
}

TEST(IsLowerName, IsAnAliasWithoutUpperCase) {
  EXPECT_TRUE(IsLowerName("qwen2.5-0_5b"));
  for (const char* name : {"", "Qwen", "qweN", "_a"}) EXPECT_FALSE(IsLowerName(name)) << name;
}

TEST(EditDistance, CountsEdits) {
  EXPECT_EQ(EditDistance("q_proj", "q_proj", 4), 0);
  EXPECT_EQ(EditDistance("q_porj", "q_proj", 4), 2);
  EXPECT_EQ(EditDistance("q_prj", "q_proj", 4), 1);
  EXPECT_EQ(EditDistance("", "abc", 9), 3);
}

TEST(EditDistance, StopsAtTheLimit) {
  EXPECT_EQ(EditDistance("abcdef", "uvwxyz", 4), 4);
  EXPECT_EQ(EditDistance("a", "abcdefgh", 4), 4);
}

TEST(NearestName, IsAFewLettersAwayOrBegun) {
  const std::vector<std::string> names = {"gsm8k", "ifeval", "pla_strict", "pla_loose"};
  EXPECT_EQ(NearestName("ifval", names), "ifeval");
  EXPECT_EQ(NearestName("IFEval", names), "ifeval");
  EXPECT_EQ(NearestName("pla", names), "pla_strict");
  EXPECT_EQ(NearestName("pla_strct", names), "pla_strict");
  EXPECT_EQ(NearestName("pla_loose_fixed", names), "pla_loose");
  EXPECT_EQ(NearestName("mmlu", names), "");
  EXPECT_EQ(NearestName("x", {}), "");
}

TEST(NamesInstead, SaysWhatThereIs) {
  EXPECT_EQ(NamesInstead("ifval", {"gsm8k", "ifeval"}),
            "; did you mean \"ifeval\"? There are: gsm8k, ifeval");
  EXPECT_EQ(NamesInstead("mmlu", {"gsm8k", "ifeval"}), "; there are: gsm8k, ifeval");
  EXPECT_EQ(NamesInstead("mmlu", {}), "; there are none");
  EXPECT_EQ(NamesInstead("x", std::vector<std::string>(21, "a")).substr(0, 16), "; there are: a, ");
}

TEST(Names, TheFirstOfManyAndHowManyMore) {
  EXPECT_EQ(FirstNames({}, 2), "");
  EXPECT_EQ(FirstNames({"a", "b"}, 2), "a, b");
  EXPECT_EQ(FirstNames({"a", "b", "c", "d"}, 2), "a, b and 2 more");
}

}  // namespace
}  // namespace plumbline
