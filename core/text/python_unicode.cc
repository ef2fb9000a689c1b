// Characters. The run lengths become a two-stage table at first use, so that a look-up is two
// loads.
#include "core/text/python_unicode.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "core/text/python_unicode_tables.h"

namespace plumbline::python {
namespace {

constexpr uint32_t kEnd = 0x110000;
constexpr uint32_t kBlockBits = 7;
constexpr uint32_t kBlockSize = 1 << kBlockBits;

struct TwoStage {
  std::array<uint16_t, kEnd / kBlockSize> block_of;  // equal blocks are stored once
  std::vector<uint16_t> records;                     // [blocks, kBlockSize]

  TwoStage() {
    std::map<std::array<uint16_t, kBlockSize>, uint16_t> known;
    size_t run = 0;
    for (uint32_t block = 0; block < block_of.size(); ++block) {
      std::array<uint16_t, kBlockSize> content;
      for (uint32_t i = 0; i < kBlockSize; ++i) {
        const uint32_t c = block * kBlockSize + i;
        while (run + 1 < kRunCount && kRuns[run + 1].first <= c) ++run;
        content[i] = kRuns[run].record;
      }
      const auto [entry, added] = known.try_emplace(content, static_cast<uint16_t>(known.size()));
      if (added) records.insert(records.end(), content.begin(), content.end());
      block_of[block] = entry->second;
    }
  }
};

const TwoStage& Table() {
  static const TwoStage* const table = new TwoStage;
  return *table;
}

bool Has(char32_t c, uint16_t flags) { return (RecordOf(c).flags & flags) != 0; }

}  // namespace

const Record& RecordOf(char32_t c) {
  if (c >= kEnd) return kRecords[kRuns[0].record];
  static const TwoStage& table = Table();
  return kRecords[table.records[table.block_of[c >> kBlockBits] * kBlockSize +
                                (c & (kBlockSize - 1))]];
}

bool IsWordChar(char32_t c) { return c == '_' || Has(c, kAlnum); }
bool IsSpace(char32_t c) { return Has(c, kSpace); }
bool IsAlpha(char32_t c) { return Has(c, kAlpha); }
bool IsAlnum(char32_t c) { return Has(c, kAlnum); }
bool IsDecimal(char32_t c) { return Has(c, kDecimal); }
bool IsDigit(char32_t c) { return Has(c, kDigit); }
bool IsNumeric(char32_t c) { return Has(c, kNumeric); }
bool IsUpper(char32_t c) { return Has(c, kUpper); }
bool IsLower(char32_t c) { return Has(c, kLower); }
bool IsTitle(char32_t c) { return Has(c, kTitle); }
bool IsPrintable(char32_t c) { return Has(c, kPrintable); }
bool IsLineBreak(char32_t c) { return Has(c, kLineBreak); }

char32_t SimpleLower(char32_t c) {
  return static_cast<char32_t>(static_cast<int32_t>(c) + RecordOf(c).lower);
}

char32_t IgnoreCaseKey(char32_t c) {
  const char32_t lower = SimpleLower(c);
  const IgnoreCase* const end = kIgnoreCase + kIgnoreCaseCount;
  const IgnoreCase* const found =
      std::lower_bound(kIgnoreCase, end, lower,
                       [](const IgnoreCase& entry, char32_t value) { return entry.lower < value; });
  return found != end && found->lower == lower ? found->key : lower;
}

}  // namespace plumbline::python
