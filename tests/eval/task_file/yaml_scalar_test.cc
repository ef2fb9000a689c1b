#include "core/eval/task_file/yaml_scalar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/eval/task_file/config_node.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;

// What PyYAML gives for `yaml`, {"k": value}.
std::string Parsed(absl::string_view yaml) {
  const auto node = ConfigNode::ParseYaml(yaml, "t.yaml");
  if (!node.ok()) return std::string(node.status().message());
  return node->Json()["k"].dump();
}

TEST(YamlScalarTest, QuotedTextsAreFoldedAsPyYamlFoldsThem) {
  EXPECT_EQ(Parsed("k: 'The following are.\n\n\n  '\n"), R"("The following are.\n\n")");
  EXPECT_EQ(Parsed("k: 'a\n\n\n  b  \n  c'\n"), R"("a\n\nb c")");
  EXPECT_EQ(Parsed("k: \"a  \\\n   b\\\n  \\  c \n \n d\"\n"), R"("a  b  c\nd")");
  EXPECT_EQ(Parsed("k: 'it''s \\n'\n"), R"("it's \\n")");
  EXPECT_EQ(Parsed("k: \"a\r\n\r\nb\"\r\n"), R"("a\nb")");
  EXPECT_EQ(Parsed("k: &x # c\n  'a\n\n  b'\n"), R"("a\nb")");
  EXPECT_EQ(Parsed("j: &x 'a\n\n  '\nk: *x\n"), R"("a\n")");
}

TEST(YamlScalarTest, Escapes) {
  EXPECT_EQ(DecodeQuotedScalar(R"("\_\N\L\P\e\x41\u00e9\U0001F600\/\"\\\t\ ")", 0).value(),
            "\xC2\xA0\xC2\x85\xE2\x80\xA8\xE2\x80\xA9\x1B"
            "Aé😀/\"\\\t ");
  EXPECT_EQ(DecodeQuotedScalar("\"a\\0b\"", 0).value(), std::string("a\0b", 3));
  EXPECT_THAT(DecodeQuotedScalar(R"("\ud83d\ude00")", 0).status().message(),
              HasSubstr("the escape \"\\ud83d\" is no character; one beyond U+FFFF"));
  for (absl::string_view bad :
       {R"("\q")", R"("\'")", R"("\x4")", R"("\U00110000")", "\"a", "'a''"}) {
    EXPECT_THAT(DecodeQuotedScalar(bad, 0), StatusIs(absl::StatusCode::kInvalidArgument))
        << std::string(bad);
  }
}

TEST(YamlScalarTest, PlainScalarsHaveTheTypesOfPyYaml) {
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

TEST(YamlScalarTest, WhatItWouldReadOtherwiseIsRefusedByName) {
  for (const auto& [yaml, message] : std::vector<std::pair<std::string, std::string>>{
           {"k: 2024-01-01", "t.yaml:1: k: \"2024-01-01\" is a date in YAML; put it in quotes"},
           {"k: .inf", "is no finite number"},
           {"k: 1:2.5", "a number to the base 60"},
           {"k: 9223372036854775808", "an integer beyond 64 bits"},
           {"k: =", "no plain value"},
           {"k: {<<: {a: 1}}", "k: \"<<\" is no plain value"},
           {"k: {1: a}", "the key 1 is no text in YAML: put it in quotes"},
           {"k: !!int '5'", "the tag tag:yaml.org,2002:int is not supported"},
           {"k: >+\n  a\n", "a folded block that keeps its line breaks (>+)"},
           {"k: >\n  a\n  ", "the file ends with a space"},
           {"k: a\n---\nk: b\n", "a second document (---)"},
           {"k: \"a\xC2\x85\"", "line 1: the character U+0085 cannot stand here"},
           {"j: 1\nk: a\x04", "line 2: the character U+0004"},
           {"k: a\xFF", "line 1: not UTF-8"}}) {
    EXPECT_THAT(Parsed(yaml), HasSubstr(message)) << yaml;
  }
  EXPECT_EQ(Parsed("k: !!null\n"), "null");
  EXPECT_EQ(Parsed("metadata: {version: 2024-01-01, 1: a, a: 1, a: 2}\nk: 1\n"), "1")
      << "what has no meaning here may be anything";
}

}  // namespace
}  // namespace plumbline
