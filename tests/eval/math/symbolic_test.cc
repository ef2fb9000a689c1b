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
  for (const char* piece : {"(", "{", "\\frac{", "x^", "x^{", "\\sqrt", "|", "-", "1,", "\\{", "9^",
                            "\\begin{pmatrix}", "\\cup", "=", "\\sin", "e^", "(1,", "\xFF"}) {
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
