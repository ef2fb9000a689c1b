// The generated tables behind python_unicode.h. Private to core/text.
#ifndef PLUMBLINE_CORE_TEXT_PYTHON_UNICODE_TABLES_H_
#define PLUMBLINE_CORE_TEXT_PYTHON_UNICODE_TABLES_H_

#include <cstddef>
#include <cstdint>

namespace plumbline::python {

enum Flag : uint16_t {
  kAlpha = 1 << 0,
  kDecimal = 1 << 1,
  kDigit = 1 << 2,
  kNumeric = 1 << 3,
  kUpper = 1 << 4,
  kLower = 1 << 5,
  kTitle = 1 << 6,
  kSpace = 1 << 7,
  kPrintable = 1 << 8,
  kLineBreak = 1 << 9,
  kCased = 1 << 10,
  kCaseIgnorable = 1 << 11,
  kAlnum = kAlpha | kDecimal | kDigit | kNumeric,
};

// What many characters share. Case mappings are offsets to the character; one that gives several
// characters is 0 here and stands in a table of specials.
struct Record {
  uint16_t flags;
  int32_t lower;
  int32_t upper;
  int32_t title;
};

// From code point `first` to the next run, every character has kRecords[record].
struct Run {
  uint32_t first;
  uint16_t record;
};

struct Special {
  char32_t code_point;
  char32_t mapped[3];  // ends at the first 0
};

// The lower-case character `lower` matches like `key` under re.IGNORECASE.
struct IgnoreCase {
  char32_t lower;
  char32_t key;
};

extern const Record kRecords[];
extern const size_t kRecordCount;
extern const Run kRuns[];
extern const size_t kRunCount;
extern const Special kUpperSpecials[], kTitleSpecials[], kFoldSpecials[];  // sorted
extern const size_t kUpperSpecialCount, kTitleSpecialCount, kFoldSpecialCount;
extern const IgnoreCase kIgnoreCase[];  // sorted
extern const size_t kIgnoreCaseCount;

// The record of a character; the first one (no flag, no mapping) for a surrogate or a number that
// is none.
const Record& RecordOf(char32_t c);

}  // namespace plumbline::python

#endif  // PLUMBLINE_CORE_TEXT_PYTHON_UNICODE_TABLES_H_
