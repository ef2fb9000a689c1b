#include "core/eval/math/symbolic.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/eval/math/latex_answer.h"

namespace plumbline {
namespace {

struct Pair {
  const char* a;
  const char* b;
};

TEST(SymbolicTest, TheSameMathematicsIsEqual) {
  for (const Pair& pair : std::initializer_list<Pair>{
           {"\\frac{1}{\\sqrt{2}}", "\\frac{\\sqrt{2}}{2}"},
           {"(x+1)^2", "x^2+2x+1"},
           {"\\frac{x^2-1}{x-1}", "x+1"},
           {"2\\sqrt{3}", "\\sqrt{12}"},
           {"\\sqrt{3+2\\sqrt{2}}", "1+\\sqrt2"},
           {"1\\frac{1}{2}", "\\frac32"},
           {"1/2x", "\\frac{1}{2x}"},
           {"\\sqrt[3]{54}", "3\\sqrt[3]{2}"},
           {"\\sqrt[3]{-8}", "-2"},
           {"\\pi r^2", "r\\cdot\\pi\\cdot r"},
           {"e^{i\\pi}", "-1"},
           {"\\sin^2 x + \\cos^2 x", "1"},
           {"\\log_2 8", "3"},
           {"\\ln(x^2+1) + \\ln 2", "\\ln(2x^2+2)"},
           {"x = 5", "5"},
           {"f(x) = 2x", "x+x"},
           {"2x = y", "y = 2x"},
           {"x < 3", "3 > x"},
           {"x \\in (1,\\infty)", "(1,\\infty)"},
           {"1, -2", "-2,1"},
           {"\\{1,2\\}", "\\left\\{2, 1\\right\\}"},
           {"(\\frac12, 3)", "(0.5,3)"},
           {"(-\\infty,1]\\cup[2,3)", "[2,3) \\cup (-\\infty, 1]"},
           {"\\begin{pmatrix} 1 & \\frac12 \\\\ 0 & 2 \\end{pmatrix}",
            "\\begin{bmatrix}1&0.5\\\\0&2\\end{bmatrix}"},
           {"5\\text{ cm}^2", "5"},
           {"50\\%", "50"},
           {"\\$12.50", "12.5"},
           {"|x|^2", "x^2"},
           {"\\text{Friday}", "\\text{Friday}"},
           {"\\text{Friday}", "Friday"},
           {"\\text{(A)}", "A"},
           {"\\textbf{A}", "\\text{A}"},
           {"\\text{no solution}", "no solution"},
           {"3\\text{ and }4", "4, 3"},
           {"3, 4, \\text{ and } 5", "5,4,3"},
           {"x=3\\text{ or }x=-3", "x=\\pm 3"},
           {"2\\pm\\sqrt{3}", "2-\\sqrt3, 2+\\sqrt3"},
           {"1,234", "1234"},
           {"(x,y)=(1,2)", "(1,2)"},
           {"0.\\overline{3}", "\\frac13"},
           {"2.1\\overline{6}", "\\frac{13}{6}"},
           {"5!", "120"},
           {"-3!^2", "-36"},
           {"\\frac{10!}{7!}", "720"},
           {"2(3!)!x", "1440x"},
           {"0!+\\sqrt2", "\\sqrt{2}+1"},
           {"25!", "15511210043330985984000000"},
           {"\\binom{10}{3}", "120"},
           {"\\dbinom52\\pi", "10\\pi"},
           {"{7 \\choose 2}", "21"},
           {"\\binom{4}{7}", "0"},
           {"\\binom{-2}{3}", "-4"},
           {"\\binom{x}{2}", "\\frac{x(x-1)}{2}"},
           {"\\binom{1/2}{2}", "-\\frac18"},
           {"\\lfloor 2.7 \\rfloor", "2"},
           {"\\left\\lfloor -\\frac52 \\right\\rfloor", "-3"},
           {"\\lceil -2.5 \\rceil", "-2"},
           {"3\\lceil\\pi\\rceil", "12"},
           {"\\lfloor\\sqrt{50}\\rfloor x", "7x"},
           {"⌊7/2⌋", "3"},
           {"\\lfloor \\log_2 8 \\rfloor", "3"},
           {"\\lfloor x \\rfloor", "-\\lceil -x \\rceil"},
           {"2^{300}+1", "1+4^{150}"},
       }) {
    EXPECT_TRUE(SymbolicallyEqual(pair.a, pair.b)) << pair.a << "   " << pair.b;
    EXPECT_TRUE(SymbolicallyEqual(pair.b, pair.a)) << pair.a << "   " << pair.b;
  }
}

TEST(SymbolicTest, OtherMathematicsIsNot) {
  for (const Pair& pair : std::initializer_list<Pair>{
           {"\\sqrt{x^2}", "x"},
           {"x", "y"},
           {"x+1", "x+2"},
           {"\\sqrt{2}", "1.41421356237309504880168872420969807856967187537694"},
           {"\\pi", "3.14159265358979323846264338327950288419716939937510"},
           {"(1,2)", "(2,1)"},
           {"(1,2)", "[1,2]"},
           {"(1,2)", "(1,2]"},
           {"1,2", "1,2,2"},
           {"\\{1,2\\}", "\\{1,3\\}"},
           {"x < 3", "x > 3"},
           {"x = 5", "y = 5"},
           {"10^{60}", "10^{60}+1"},
           {"\\text{Friday}", "\\text{Monday}"},
           {"1010_2", "1010"},
           {"2 3", "6"},
           {"", ""},
           {"\\frac{1}{0}", "\\frac{2}{0}"},
           {"\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}"},
           {"5\\text{ or }7", "57"},
           {"12\\text{ ft }6\\text{ in}", "126"},
           {"1,234", "234,1"},
           {"east", "seat"},
           {"\\text{east}", "seat"},
           {"\\text{Yes}", "\\text{No}"},
           {"\\pm 3", "3"},
           {"(x,y)=(1,2)", "(2,1)"},
           {"0.\\overline{3}", "0.3"},
           {"3!", "3"},
           {"5!", "5"},
           {"100!", "100!+1"},
           {"2^{300}", "2^{300}+1"},
           {"\\binom{300}{150}+1", "\\binom{300}{150}"},
           {"\\lfloor 3-10^{-150} \\rfloor", "3"},
           {"(3+10^{-150})!", "6"},
           {"\\lfloor 2.7 \\rfloor", "3"},
           {"\\lfloor x \\rfloor", "x"},
           {"\\binom{5}{2}", "\\frac52"},
           {"\\binom{5}{2.5}", "\\binom{5}{2.5}+0"},
           {"x!", "y!"},
           {"x!+1", "1+x!"},  // not read: letters are no whole numbers here
           {"3!!", "3!!+0"},
           {"2^3!", "64"},
           {"2^3!", "40320"},
           {"2 3!", "12"},
           {"(-1)!", "(-1)!+0"},
           {"3000!", "3000!+0"},
           {"2 != 5", "2 = 5"},
           {"x != 5", "5"},
           {"x!=5", "5"},
           {"x<=5", "5"},
           {"x>=5", "x<=5"},
           {"\\lfloor x", "x"},
       }) {
    EXPECT_FALSE(SymbolicallyEqual(pair.a, pair.b)) << pair.a << "   " << pair.b;
    EXPECT_FALSE(SymbolicallyEqual(pair.b, pair.a)) << pair.a << "   " << pair.b;
  }
}

std::string Repeated(absl::string_view piece, size_t bytes) {
  std::string text;
  while (text.size() < bytes) absl::StrAppend(&text, piece);
  return text;
}

TEST(SymbolicTest, HostileAnswersEnd) {
  const auto start = std::chrono::steady_clock::now();
  for (const char* piece : {"(",         "{",
                            "\\frac{",   "x^",
                            "x^{",       "\\sqrt",
                            "|",         "-",
                            "1,",        "\\{",
                            "9^",        "\\begin{pmatrix}",
                            "\\cup",     "=",
                            "\\sin",     "e^",
                            "(1,",       "\xFF",
                            "1999!+",    "1999!\\cdot",
                            "(",         "\\binom{1999}{999}+",
                            "\\lfloor",  "\\lfloor x^",
                            "3!",        "\\binom",
                            "2^{99999}+"}) {
    for (const size_t bytes : {100, 4000, 100000}) {
      const std::string text = Repeated(piece, bytes);
      SymbolicallyEqual(text, text + "1");
      SymbolicallyEqual("x", text);
    }
  }
  EXPECT_FALSE(SymbolicallyEqual("9^{9^{9^9}}", "9^{9^{9^8}}"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

// Pairs with lm-eval's verdict on them (tests/oracle/eval/make_math_golden.py, which says what is
// compared and why we may differ). What we call equal and lm-eval does not are structures and
// conventions it does not read; what it calls equal, we do.
TEST(SymbolicTest, AgreesWithLmEval) {
  std::ifstream file("tests/golden/math/equivalence.json");
  ASSERT_TRUE(file) << "tests run in the source folder";
  const nlohmann::json golden = nlohmann::json::parse(file);
  int agreed = 0, only_ours = 0, only_theirs = 0;
  for (const auto& pair : golden["pairs"]) {
    const bool ours = SymbolicallyEqual(pair[0].get<std::string>(), pair[1].get<std::string>());
    const bool theirs = pair[2].get<bool>();
    const std::string kind = pair[3].get<std::string>();
    const bool truth = pair[4].get<bool>();
    EXPECT_EQ(ours, truth) << kind << ": " << pair[0] << "   " << pair[1];
    EXPECT_EQ(HendrycksEquivalent(pair[0].get<std::string>(), pair[1].get<std::string>()),
              pair[5].get<bool>())
        << kind << ": " << pair[0] << "   " << pair[1];
    agreed += ours == theirs;
    only_ours += ours && !theirs;
    only_theirs += theirs && !ours;
  }
  RecordProperty("agreed", agreed);
  RecordProperty("only_ours", only_ours);
  RecordProperty("only_theirs", only_theirs);
  EXPECT_EQ(agreed, golden["agreed"].get<int>()) << "update docs/tasks.md with the figure";
}

}  // namespace
}  // namespace plumbline
