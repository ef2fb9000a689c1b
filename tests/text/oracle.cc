#include "tests/text/oracle.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "absl/strings/str_cat.h"
#include "core/text/python_unicode.h"
#include "tests/support/temp_dir.h"

namespace plumbline {

std::optional<std::string> RunOracle(const std::string& script, absl::string_view input,
                                     const std::string& arguments) {
  const std::optional<std::string> python = OraclePython();
  if (!python) return std::nullopt;
  TempDir dir;
  const std::string in = dir.Write("in", input);
  const std::string out = dir.Join("out");
  const std::string command =
      absl::StrCat("PYTHONDONTWRITEBYTECODE=1 PYTHONIOENCODING=utf-8 '", *python,
                   "' tests/oracle/text/", script, " ", arguments, " < '", in, "' > '", out, "'");
  const int status = std::system(command.c_str());
  EXPECT_EQ(status, 0) << command;
  return status == 0 ? ReadFileOrDie(out) : std::string();
}

std::vector<std::string> ResponseTexts() {
  std::vector<std::string> texts;
  const std::optional<std::string> shared = SharedDataDir();
  if (!shared) return texts;
  for (const auto& [file, keys] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"gpt4_responses.jsonl", {"response", "prompt"}}}) {
    std::ifstream stream(absl::StrCat(*shared, "/ifeval/", file));
    for (std::string line; std::getline(stream, line);) {
      const auto row = nlohmann::json::parse(line);
      for (const std::string& key : keys) {
        if (row.contains(key)) texts.push_back(row[key].get<std::string>());
      }
    }
  }
  return texts;
}

namespace {

// Words, abbreviations, punctuation and characters that sentence splitters, word tokenizers and
// detectors stumble over.
const std::vector<std::string>& Pieces() {
  // clang-format off
  static const auto* const pieces = new std::vector<std::string>{
      "Mr.", "Dr.", "e.g.", "i.e.", "U.S.", "U.S.A.", "p.m.", "etc.", "vs.", "No.", "J.", "K.",
      "a.", "I.", "A.", "Ph.D.", "Inc.", "Jan.", "St.", "3.14", "1,000", "$5.50", "1.", "2.",
      "12.", "-3.5", "1.5.", "#1.", "The", "the", "He", "he", "however", "However", "sales",
      "Sales", "among", "In", "in", "word", "Word", "WORD", "don't", "Don't", "can't", "cannot",
      "gonna", "wanna", "gimme", "gımme", "lemme,", "'tİs", "'tiſ", "'ſ", "Cannot'tis", "lemme",
      "'tis", "'Tis", "'twas", "d'ye", "more'n", "whaddya", "wotcha", "I'm", "we're", "they've",
      "he'd", "it'll", "John's", "boys'", "n't", "o'clock", "rock'n'roll", "\"", "'", "``", "''",
      "“", "”", "‘", "’", "«", "»", "„", "(", ")", "[", "]", "{", "}", "<", ">", "(Hello.)",
      "[x]", "...", "....", ". . .", "…", "..", ".", "?", "!", "?!", "!!!", "!?", ",", ";", ":",
      "-", "--", "---", "—", "–", "/", "\\", "@", "#", "$", "%", "&", "*", "**", "***", "_", "`",
      "~", "^", "|", "+", "=", "a,b", "a, b", "1,2", "a:b", "1:2", "x;y", "\n", "\n\n", "\r\n",
      "\r", "\t", " ", "  ", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", "\u2029", "\u0085",
      "\x0b", "\x0c", "\x1c", "\x1f", "\x7f", "\u00ad", "\ufeff", "你好。", "世界！", "これは？", "한국어.",
      "Привет.", "мир!", "Ёлка", "Γειά.", "ΣΑΣ.", "שלום.", "مرحبا؟", "हिन्दी।", "ไทย", "नमस्ते.",
      "é.", "É.", "ÉTÉ.", "ß.", "ẞ", "İ.", "ı", "ǅ.", "ﬁ.", "Ⅷ.", "ⓐ.", "²", "½", "٣.", "३.",
      "①.", "🎉", "👩‍👩‍👧.", "🇩🇪", "e\u0301.", "\u0301", "http://a.b/c.", "www.x.com.", "a@b.co.",
      "x.y.z", "f(x).", "1)", "a)", "-a", "-A.", "x-1.", "C++.", "Yes.No.", "end.\"Start",
      "end.\" Start", "end.' Next", "end.) Next", "end.] Next", "(e.g. this)", "wow!\"",
      "\"Hi,\"", "he said.", "P.S.", "P.P.S.", "##number##", "ca.", "approx.", "Fig.", "fig. 3",
      "Mt. Everest", "D. Smith", "B. Goode", "J.K. Rowling",
  };
  // clang-format on
  return *pieces;
}

}  // namespace

std::vector<std::string> FuzzTexts(int count, uint32_t seed) {
  std::mt19937 random(seed);
  const auto& pieces = Pieces();
  std::vector<std::string> texts;
  texts.reserve(count);
  for (int i = 0; i < count; ++i) {
    std::string text;
    const uint32_t length = 1 + random() % 40;
    for (uint32_t j = 0; j < length; ++j) {
      const uint32_t kind = random() % 40;
      if (kind == 0) {
        char32_t c = random() % 0x110000;
        if (c >= 0xD800 && c <= 0xDFFF) c = 0xD7FF;
        python::AppendUtf8(c, &text);
      } else if (kind == 1) {
        text += static_cast<char>(random() % 128);
      } else {
        text += pieces[random() % pieces.size()];
      }
      if (random() % 3 != 0) text += ' ';
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

std::string TextsAsJson(const std::vector<std::string>& texts) {
  return nlohmann::json{{"texts", texts}}.dump(-1, ' ', true);
}

}  // namespace plumbline
