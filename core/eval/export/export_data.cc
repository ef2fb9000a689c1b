#include "core/eval/export/export_data.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/ascii.h"

namespace plumbline {
namespace {

bool IsNumber(const std::string& key) {
  return !key.empty() && key.size() < 19 &&
         std::all_of(key.begin(), key.end(), absl::ascii_isdigit);
}

// Numbers first, by value; then words.
std::tuple<bool, int64_t, const std::string&> Place(const std::string& key) {
  const bool number = IsNumber(key);
  return {!number, number ? std::stoll(key) : 0, key};
}

}  // namespace

bool ExportKeyLess(const std::string& a, const std::string& b) { return Place(a) < Place(b); }

std::vector<const ExportVerdict*> SortedVerdicts(const ExportData& data, const std::string& adapter,
                                                 const std::string& task) {
  std::vector<const ExportVerdict*> sorted;
  for (const ExportVerdict& v : data.verdicts) {
    if (v.adapter == adapter && v.task == task) sorted.push_back(&v);
  }
  std::sort(sorted.begin(), sorted.end(), [](const ExportVerdict* a, const ExportVerdict* b) {
    return a->key != b->key ? ExportKeyLess(a->key, b->key) : a->sample < b->sample;
  });
  return sorted;
}

}  // namespace plumbline
