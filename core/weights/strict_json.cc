#include "core/weights/strict_json.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

// What nlohmann's exceptions say without their "[json.exception.parse_error.101] " prefix.
std::string ParseMessage(absl::string_view what) {
  const size_t end = what.find("] ");
  return std::string(end == absl::string_view::npos ? what : what.substr(end + 2));
}

// Builds the document and refuses what the DOM parser would let pass. First pass only: it stores
// nothing but the keys of the open objects.
class StrictnessCheck : public nlohmann::json_sax<nlohmann::ordered_json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool start_array(std::size_t) override { return Enter(); }
  bool end_array() override { return Leave(); }
  bool key(string_t& key) override {
    if (open_.back().insert(key).second) return true;
    error_ = absl::StrCat("key \"", key, "\" stands twice");
    return false;
  }
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& error) override {
    error_ = absl::StrCat("not JSON: ", ParseMessage(error.what()));
    return false;
  }
  const std::string& error() const { return error_; }

 private:
  bool Enter() {
    open_.emplace_back();
    if (open_.size() <= kMaxJsonDepth) return true;
    error_ = absl::StrCat("nested more than ", kMaxJsonDepth, " deep");
    return false;
  }
  bool Leave() {
    open_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> open_;
  std::string error_;
};

}  // namespace

absl::StatusOr<nlohmann::ordered_json> ParseStrictJson(absl::string_view text) {
  StrictnessCheck check;
  if (!nlohmann::ordered_json::sax_parse(text.begin(), text.end(), &check)) {
    return absl::InvalidArgumentError(check.error());
  }
  nlohmann::ordered_json document = nlohmann::ordered_json::parse(
      text.begin(), text.end(), /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return absl::InvalidArgumentError("not JSON");
  return document;
}

}  // namespace plumbline
