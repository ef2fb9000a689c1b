#include "core/text/python_json.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"
#include "tests/text/oracle.h"

namespace plumbline {
namespace {

bool Accepts(const std::string& text) { return PythonJsonLoads(text) == PythonJson::kAccepted; }

TEST(PythonJsonTest, TakesWhatPythonTakes) {
  for (const char* text : {"{}", "[]", "null", "1", "-0.0e+5", "\"\"", " [ 1 , 2 ] ", "NaN",
                           "Infinity", "-Infinity", "[NaN]", R"({"a": 1, "a": 2})", R"("\ud800")",
                           R"("\u00e9\/\b")", "\"\x7f\"", "1e999", "\t\r\n0 "}) {
    EXPECT_TRUE(Accepts(text)) << text;
  }
}

TEST(PythonJsonTest, RefusesWhatPythonRefuses) {
  for (const char* text : {"",           " ",       "{",           "[1,]",      "[,1]",
                           "{\"a\":1,}", "{a:1}",   "{'a':1}",     "01",        "1.",
                           ".5",         "+1",      "1e",          "--1",       "-",
                           "-NaN",       "nan",     "True",        "nulll",     "\"\n\"",
                           "\"a",        "\"\\x\"", "\"\\u12g4\"", "1 2",       "\xEF\xBB\xBF{}",
                           "\u00a0{}",   "// c\n1", "[1}",         "{\"a\" 1}", "{\"a\":}",
                           "\"\\"}) {
    EXPECT_EQ(PythonJsonLoads(text), PythonJson::kValueError) << text;
  }
  EXPECT_FALSE(Accepts(std::string("\0", 1)));
  EXPECT_FALSE(Accepts(std::string("1\0", 2)));
  EXPECT_FALSE(Accepts(std::string("\"\\\0\"", 4)));
}

TEST(PythonJsonTest, AnIntegerOfMoreThan4300DigitsIsAValueError) {
  EXPECT_TRUE(Accepts(std::string(4300, '9')));
  EXPECT_FALSE(Accepts(std::string(4301, '9')));
  EXPECT_TRUE(Accepts("-" + std::string(4300, '9')));
  EXPECT_TRUE(Accepts(std::string(5000, '9') + ".0"));
}

TEST(PythonJsonTest, DeepNestingIsARecursionErrorAndCostsNoStack) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(Accepts(nested(kPythonJsonMaxDepth)));
  EXPECT_EQ(PythonJsonLoads(nested(kPythonJsonMaxDepth + 1)), PythonJson::kRecursionError);
  EXPECT_EQ(PythonJsonLoads(std::string(10'000'000, '[')), PythonJson::kRecursionError);
}

// Random sequences of tokens: valid often enough to be interesting.
std::string RandomJson(std::mt19937* random, int depth) {
  static const std::vector<std::string> scalars = {"1",
                                                   "-1",
                                                   "0",
                                                   "01",
                                                   "1.5",
                                                   "1.",
                                                   "-0",
                                                   "1e5",
                                                   "1E+",
                                                   "2e-3",
                                                   "true",
                                                   "True",
                                                   "false",
                                                   "null",
                                                   "None",
                                                   "NaN",
                                                   "nan",
                                                   "Infinity",
                                                   "-Infinity",
                                                   "+1",
                                                   "\"\"",
                                                   "\"a\"",
                                                   "'a'",
                                                   "\"\\n\"",
                                                   "\"\\q\"",
                                                   "\"\\u00e9\"",
                                                   "\"\\ud83d\\ude00\"",
                                                   "\"\\ud83d\"",
                                                   "\"\\u12\"",
                                                   "\"\t\"",
                                                   "\"\x7f\"",
                                                   "\"é\"",
                                                   "\"\\\"\"",
                                                   "\"",
                                                   "",
                                                   "1 1"};
  static const std::vector<std::string> spaces = {"",   "",     "",       " ",   "\n",
                                                  "\t", "\r\n", "\u00a0", "\x0b"};
  const auto space = [&] {
    return spaces[(*random)() % ((*random)() % 8 == 0 ? spaces.size() : 7)];
  };
  const uint32_t kind = (*random)() % (depth > 3 ? 2 : 5);
  if (kind < 2)
    return space() + scalars[(*random)() % ((*random)() % 4 == 0 ? scalars.size() : 3)] + space();
  const bool object = kind == 2;
  std::string out = space() + (object ? "{" : "[");
  const uint32_t items = (*random)() % 4;
  for (uint32_t i = 0; i < items; ++i) {
    if (i > 0) out += (*random)() % 30 == 0 ? ";" : ",";
    if (object) out += space() + ((*random)() % 30 == 0 ? "a" : "\"k\"") + space() + ":";
    out += RandomJson(random, depth + 1);
  }
  if ((*random)() % 30 == 0) out += ",";
  out += (*random)() % 40 == 0 ? (object ? "]" : "}") : (object ? "}" : "]");
  return out + space();
}

TEST(PythonJsonTest, RandomDocumentsAreAsInPython) {
  SKIP_WITHOUT_ORACLE();
  std::mt19937 random(11);
  std::vector<std::string> texts = {std::string("1\0", 2), std::string(4301, '1'),
                                    "[" + std::string(4301, '1') + "]"};
  for (int i = 0; i < 20000; ++i) texts.push_back(RandomJson(&random, 0));
  for (const std::string& text : FuzzTexts(500, 3)) texts.push_back("[\"" + text + "\"]");
  const std::string verdicts = *RunOracle("json_loads.py", TextsAsJson(texts));
  ASSERT_EQ(verdicts.size(), texts.size());
  int accepted = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    accepted += verdicts[i] == '1';
    ASSERT_EQ(Accepts(texts[i]), verdicts[i] == '1') << texts[i];
  }
  EXPECT_GT(accepted, 3000);
}

}  // namespace
}  // namespace plumbline
