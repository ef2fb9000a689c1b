#include "core/base/ids.h"

#include <random>

#include "absl/strings/str_cat.h"

namespace plumbline {

std::string RandomIds::NewId(absl::string_view prefix) {
  static constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::random_device entropy;
  std::string unique;
  for (int i = 0; i < 16; ++i) unique.push_back(kAlphabet[entropy() & 31]);
  return absl::StrCat(prefix, "-", unique);
}

std::string SequentialIds::NewId(absl::string_view prefix) {
  return absl::StrCat(prefix, "-", next_.fetch_add(1));
}

}  // namespace plumbline
