#include "server/utf8.h"

#include "core/base/utf8.h"

namespace plumbline {

std::string ToValidUtf8(absl::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    size_t bad = 0;
    const size_t good = WellFormedLength(bytes, &bad);
    if (good > 0) {
      out.append(bytes.data(), good);
      bytes.remove_prefix(good);
    } else {
      out.append("\xEF\xBF\xBD");
      bytes.remove_prefix(bad);
    }
  }
  return out;
}

std::string CutUtf8(absl::string_view utf8, size_t max_bytes) {
  if (utf8.size() <= max_bytes) return std::string(utf8);
  size_t end = max_bytes - 3;
  while (end > 0 && IsUtf8Continuation(utf8[end])) --end;
  return std::string(utf8.substr(0, end)) + "...";
}

}  // namespace plumbline
