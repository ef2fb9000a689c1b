#include "core/text/python_unicode.h"

#include <gtest/gtest.h>

#include <cstring>

#include "absl/strings/str_split.h"
#include "core/base/sha256.h"
#include "core/text/python_unicode_tables.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/text/oracle.h"

namespace plumbline::python {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Flags as tests/oracle/text/make_python_unicode.py numbers them, from the public functions where
// there is one.
uint16_t FlagsOf(char32_t c) {
  uint16_t flags = RecordOf(c).flags & (kCased | kCaseIgnorable);
  const auto set = [&](bool bit, uint16_t flag) { flags |= bit ? flag : 0; };
  set(IsAlpha(c), kAlpha);
  set(IsDecimal(c), kDecimal);
  set(IsDigit(c), kDigit);
  set(IsNumeric(c), kNumeric);
  set(IsUpper(c), kUpper);
  set(IsLower(c), kLower);
  set(IsTitle(c), kTitle);
  set(IsSpace(c), kSpace);
  set(IsPrintable(c), kPrintable);
  set(IsLineBreak(c), kLineBreak);
  return flags;
}

template <typename T>
void AppendRaw(T value, std::string* out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out->append(bytes, sizeof(T));
}

// The bytes that dump_python_unicode.py hashes for one character.
void AppendRecord(char32_t c, std::string* out) {
  AppendRaw<uint16_t>(FlagsOf(c), out);
  out->push_back(static_cast<char>(IsWordChar(c) | IsSpace(c) << 1 | IsDecimal(c) << 2));
  AppendRaw<uint32_t>(SimpleLower(c), out);
  AppendRaw<uint32_t>(IgnoreCaseKey(c), out);
  std::string text;
  AppendUtf8(c, &text);
  for (const std::string& mapped :
       {Lower(text), Upper(text), Title(text), CaseFold(text), Capitalize("a" + text)}) {
    *out += mapped;
    out->push_back('\0');
  }
}

std::vector<std::string> BlockHashes() {
  std::vector<std::string> hashes;
  for (char32_t start = 0; start < 0x110000; start += 4096) {
    std::string block;
    for (char32_t c = start; c < start + 4096; ++c) {
      if (c < 0xD800 || c > 0xDFFF) AppendRecord(c, &block);
    }
    hashes.push_back(Sha256Hex(block));
  }
  return hashes;
}

std::vector<std::string> Lines(const std::string& text) {
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

TEST(PythonUnicodeTest, EveryCodePointIsAsInTheGoldenFileFromPython) {
  EXPECT_EQ(BlockHashes(), Lines(ReadFileOrDie("tests/text/golden/python_unicode.sha256")));
}

TEST(PythonUnicodeTest, EveryCodePointIsAsInTheOraclesPython) {
  SKIP_WITHOUT_ORACLE();
  EXPECT_EQ(BlockHashes(), Lines(*RunOracle("dump_python_unicode.py")));
}

TEST(PythonUnicodeTest, IllFormedPartsAreReplacedAsPythonDoes) {
  EXPECT_EQ(DecodeReplacing("a\xFF\xC3("), "a\uFFFD\uFFFD(");
  EXPECT_EQ(DecodeReplacing("\xF0\x9F\x8E"), "\uFFFD");              // cut short: one
  EXPECT_EQ(DecodeReplacing("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate: three
  EXPECT_EQ(DecodeReplacing("\xE0\x80\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_TRUE(IsWellFormed("\uFFFD 🎉"));
  EXPECT_FALSE(IsWellFormed("\xC3"));
}

TEST(PythonUnicodeTest, RandomBytesDecodeAsInPython) {
  SKIP_WITHOUT_ORACLE();
  std::string bytes, expected;
  uint32_t state = 1;
  // Bytes that are likely to be nearly well-formed.
  const std::string alphabet(
      "a\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC2\xDF\xE0\xE1\xED\xEF\xF0\xF1\xF4\xF5\xFF", 20);
  for (int i = 0; i < 200000; ++i) {
    state = state * 1664525 + 1013904223;
    bytes += alphabet[(state >> 16) % alphabet.size()];
  }
  EXPECT_EQ(DecodeReplacing(bytes), *RunOracle("decode_replacing.py", bytes));
  std::string forward = DecodeReplacing(bytes), backward;
  std::u32string points = ToCodePoints(forward);
  for (size_t i = forward.size(), n = points.size(); i > 0;)
    ASSERT_EQ(PreviousCodePoint(forward, &i), points[--n]);
}

TEST(PythonUnicodeTest, AnIncompleteSuffixIsWhatMoreBytesCanComplete) {
  EXPECT_EQ(IncompleteSuffix(""), 0);
  EXPECT_EQ(IncompleteSuffix("a"), 0);
  EXPECT_EQ(IncompleteSuffix("é"), 0);
  EXPECT_EQ(IncompleteSuffix("a\xC3"), 1);
  EXPECT_EQ(IncompleteSuffix("\xF0\x9F"), 2);
  EXPECT_EQ(IncompleteSuffix("\xF0\x9F\x8E"), 3);
  EXPECT_EQ(IncompleteSuffix("🎉"), 0);
  EXPECT_EQ(IncompleteSuffix("\x80\x80"), 0);
  EXPECT_EQ(IncompleteSuffix("\xED\xA0"), 0);  // can only become a surrogate
}

TEST(PythonUnicodeTest, CaseOfStrings) {
  EXPECT_TRUE(IsUpper("ABC 1!"));
  EXPECT_FALSE(IsUpper("ABCd"));
  EXPECT_FALSE(IsUpper("123"));
  EXPECT_FALSE(IsUpper("Aǅ"));  // title case is neither
  EXPECT_TRUE(IsLower("abc ß 1"));
  EXPECT_FALSE(IsLower(""));
  EXPECT_EQ(Lower("ΑΣ ΣΑΣ, Σ."), "ας σας, σ.");
  EXPECT_EQ(Lower("İ"), "i\u0307");
  EXPECT_EQ(Upper("straße"), "STRASSE");
  EXPECT_EQ(CaseFold("Straße ΣΑΣ"), "strasse σασ");
  EXPECT_EQ(Title("they're ǆ"), "They'Re ǅ");
}

TEST(PythonUnicodeTest, StripAndSplit) {
  EXPECT_EQ(Strip("\u2003 a b\x1f\n"), "a b");
  EXPECT_EQ(Strip("\u200b"), "\u200b");  // a zero-width space is no space
  EXPECT_EQ(Strip("'\"a\"", "\"'"), "a");
  EXPECT_EQ(LeftStrip("xxay", "x"), "ay");
  EXPECT_EQ(RightStrip("éaé", "é"), "éa");
  EXPECT_THAT(SplitLines("a\r\nb\rc\n\nd\u2028e\x1c"), ElementsAre("a", "b", "c", "", "d", "e"));
  EXPECT_THAT(SplitWhitespace("  a\u3000b \t"), ElementsAre("a", "b"));
  EXPECT_THAT(SplitWhitespace(" "), IsEmpty());
  EXPECT_THAT(Split("a******b", "***"), ElementsAre("a", "", "b"));
  EXPECT_EQ(CountWords("don't été_1 ²"), 4);
  EXPECT_EQ(Slice("aéb🎉", 1, 3), "éb");
  EXPECT_EQ(Slice("ab", 1, 99), "b");
}

TEST(PythonUnicodeTest, StringMethodsOnFuzzedTextsAreAsInPython) {
  SKIP_WITHOUT_ORACLE();
  const std::vector<std::string> texts = FuzzTexts(3000, 7);
  const std::vector<std::string> expected =
      Lines(*RunOracle("string_methods.py", TextsAsJson(texts)));
  ASSERT_EQ(expected.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string& text = texts[i];
    std::string all;
    for (const std::string& part :
         {Lower(text), Upper(text), Title(text), CaseFold(text), Capitalize(text)}) {
      all += part + '\x01';
    }
    all += std::string(Strip(text)) + '\x01' + std::string(LeftStrip(text)) + '\x01' +
           std::string(RightStrip(text)) + '\x01';
    all += std::string(Strip(text, ".\"e“ ")) + '\x01';
    for (const auto line : SplitLines(text)) all += std::string(line) + '\x02';
    for (const auto word : SplitWhitespace(text)) all += std::string(word) + '\x03';
    for (const bool bit :
         {IsUpper(text), IsLower(text), IsAlnum(text), IsSpace(text), IsAlpha(text)})
      all += bit ? '1' : '0';
    all += std::to_string(CountWords(text)) + ',' + std::to_string(Length(text));
    ASSERT_EQ(Sha256Hex(all), expected[i]) << text;
  }
}

}  // namespace
}  // namespace plumbline::python
