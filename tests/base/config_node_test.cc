#include "core/base/config_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;

// What PyYAML gives for `yaml`, {"k": value}.
std::string Parsed(absl::string_view yaml) {
  const auto node = ConfigNode::ParseYaml(yaml, "t.yaml", "metadata");
  if (!node.ok()) return std::string(node.status().message());
  return node->Json()["k"].dump();
}

TEST(ConfigNodeTest, QuotedTextsAreFoldedAsPyYamlFoldsThem) {
  EXPECT_EQ(Parsed("k: 'The following are.\n\n\n  '\n"), R"("The following are.\n\n")");
  EXPECT_EQ(Parsed("k: 'a\n\n\n  b  \n  c'\n"), R"("a\n\nb c")");
  EXPECT_EQ(Parsed("k: \"a  \\\n   b\\\n  \\  c \n \n d\"\n"), R"("a  b  c\nd")");
  EXPECT_EQ(Parsed("k: 'it''s \\n'\n"), R"("it's \\n")");
  EXPECT_EQ(Parsed("k: \"a\r\n\r\nb\"\r\n"), R"("a\nb")");
  EXPECT_EQ(Parsed("k: &x # c\n  'a\n\n  b'\n"), R"("a\nb")");
  EXPECT_EQ(Parsed("j: &x 'a\n\n  '\nk: *x\n"), R"("a\n")");
}

TEST(ConfigNodeTest, Escapes) {
  const auto value = [](absl::string_view yaml) {
    return ConfigNode::ParseYaml(absl::StrCat("k: ", yaml), "t.yaml").value().Find("k")->String();
  };
  EXPECT_THAT(value(R"("\_\N\L\P\e\x41\u00e9\U0001F600\/\"\\\t\ ")"),
              IsOkAndHolds("\xC2\xA0\xC2\x85\xE2\x80\xA8\xE2\x80\xA9\x1B"
                           "Aé😀/\"\\\t "));
  EXPECT_THAT(value("\"a\\0b\""), IsOkAndHolds(std::string("a\0b", 3)));
  for (absl::string_view bad :
       {R"("\q")", R"("\'")", R"("\x4")", R"("\U00110000")", R"("\ud83d\ude00")", "\"a", "'a''"}) {
    EXPECT_THAT(ConfigNode::ParseYaml(absl::StrCat("k: ", bad), "t.yaml").status().message(),
                HasSubstr("t.yaml:1: not YAML: "))
        << std::string(bad);
  }
}

// yaml-cpp took these, or read them otherwise; with the first it went on for ever.
TEST(ConfigNodeTest, WhatIsNoYamlIsRefused) {
  for (absl::string_view bad :
       {",a: b\n", "k: 1\n  a: 2\n", "k: |\n\tx\n", "k: [a\n]b\n", "k: 'a' b\n", "k: {a: [1}\n",
        "- a\nk: b\n", "k: *x\n", "k: &x 1\nj: &x 2\n", "k: a: b\n", "%YAML 2.0\n---\nk: 1\n",
        "k: @a\n", "k: |0\n  a\n"}) {
    EXPECT_THAT(ConfigNode::ParseYaml(bad, "t.yaml").status().message(), HasSubstr("not YAML: "))
        << std::string(bad);
  }
  EXPECT_EQ(Parsed("k: >+\n  a\n\n"), R"("a\n\n")");
  EXPECT_EQ(Parsed("k: >\n  a\n  b\n  "), R"("a b\n")");
  EXPECT_EQ(Parsed("k: \"a\xC2\x85\xC2\x85 b\"\n"), R"("a\nb")");
  EXPECT_EQ(Parsed("k: ! \"5\"\n"), "5");
}

TEST(ConfigNodeTest, PlainScalarsHaveTheTypesOfPyYaml) {
  for (const auto& [yaml, json] : std::vector<std::pair<std::string, std::string>>{
           {"no", "false"},
           {"On", "true"},
           {"~", "null"},
           {"y", "\"y\""},
           {"010", "8"},
           {"-010", "-8"},
           {"08", "\"08\""},
           {"0o17", "\"0o17\""},
           {"1_000", "1000"},
           {"0x1F", "31"},
           {"0b11", "3"},
           {"190:20:30", "685230"},
           {"09:30", "\"09:30\""},
           {"1e3", "\"1e3\""},
           {"1.5e+1", "15.0"},
           {"1.5e1", "\"1.5e1\""},
           {"-.5", "\"-.5\""},
           {".5", "0.5"},
           {"1.", "1.0"},
           {"1_0.5", "10.5"},
           {"-9223372036854775808", "-9223372036854775808"}}) {
    EXPECT_EQ(Parsed("k: " + yaml + "\n"), json) << yaml;
  }
}

TEST(ConfigNodeTest, WhatItWouldReadOtherwiseIsRefusedByName) {
  for (const auto& [yaml, message] : std::vector<std::pair<std::string, std::string>>{
           {"k: 2024-01-01", "t.yaml:1: k: \"2024-01-01\" is a date in YAML; put it in quotes"},
           {"k: .inf", "is no finite number"},
           {"k: 1:2.5", "a number to the base 60"},
           {"k: 9223372036854775808", "an integer beyond 64 bits"},
           {"k: =", "no plain value"},
           {"k: {<<: {a: 1}}", "k: \"<<\" is no plain value"},
           {"k: {1: a}", "the key 1 is no text in YAML: put it in quotes"},
           {"k: !!int '5'", "the tag tag:yaml.org,2002:int is not supported"},
           {"k: a\n---\nk: b\n", "a second document (---)"},
           {"j: 1\nk: a\x04", "t.yaml:2: the character U+0004 cannot stand here"},
           {"j: 1\nk: a\xFF", "t.yaml:2: not UTF-8"}}) {
    EXPECT_THAT(Parsed(yaml), HasSubstr(message)) << yaml;
  }
  EXPECT_EQ(Parsed("k: !!null\n"), "null");
  EXPECT_EQ(Parsed("metadata: {version: 2024-01-01, 1: a, a: 1, a: 2}\nk: 1\n"), "1")
      << "what has no meaning here may be anything";
}

}  // namespace
}  // namespace plumbline
