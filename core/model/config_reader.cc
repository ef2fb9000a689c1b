#include "core/model/config_reader.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

constexpr int kDepth = 32;  // so that no later recursion overflows the stack

// A number as the messages show it: no "100.000000".
std::string Show(double value) { return absl::StrCat(value); }

// As much of a value as a message can bear.
std::string Show(const nlohmann::json& value) {
  constexpr size_t kBytes = 80;
  const std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true);  // any byte is a good cut
  return text.size() <= kBytes ? text : absl::StrCat(text.substr(0, kBytes), "…");
}

}  // namespace

absl::StatusOr<ConfigReader> ConfigReader::Open(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    const std::string message = absl::StrCat(path, ": ", std::strerror(errno));
    return errno == EACCES ? absl::PermissionDeniedError(message) : absl::NotFoundError(message);
  }
  std::ostringstream text;
  text << file.rdbuf();
  bool too_deep = false;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > kDepth;
    return !too_deep;
  };
  nlohmann::json json = nlohmann::json::parse(text.str(), watch, /*allow_exceptions=*/false);
  if (too_deep) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": nested more than ", kDepth, " levels deep"));
  }
  if (json.is_discarded()) {
    const bool pointer = text.str().rfind("version https://git-lfs", 0) == 0;
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": not JSON",
        pointer ? " but a git-lfs pointer, not the file itself: run `git lfs pull`" : ""));
  }
  if (!json.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a JSON object"));
  }
  return ConfigReader(std::move(json), path);
}

void ConfigReader::Invalid(absl::string_view key, absl::string_view problem) {
  if (status_.ok()) {
    status_ = absl::InvalidArgumentError(absl::StrCat(where_, ": ", key, ": ", problem));
  }
}

void ConfigReader::Unimplemented(absl::string_view key, absl::string_view problem) {
  if (status_.ok()) {
    status_ = absl::UnimplementedError(absl::StrCat(where_, ": ", key, ": ", problem));
  }
}

const nlohmann::json* ConfigReader::Find(absl::string_view key) const {
  const auto it = json_.find(std::string(key));
  return it == json_.end() || it->is_null() ? nullptr : &*it;
}

bool ConfigReader::Has(absl::string_view key) const { return Find(key) != nullptr; }

int64_t ConfigReader::Int(absl::string_view key, int64_t low, int64_t high) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) {
    Invalid(key, "missing");
    return low;
  }
  // 4096.0 is accepted: some exporters write floats.
  const double number = value->is_number() ? value->get<double>() : 0;
  if (!value->is_number() || number != std::floor(number)) {
    Invalid(key, absl::StrCat("want an integer, got ", Show(*value)));
    return low;
  }
  if (number < static_cast<double>(low) || number > static_cast<double>(high)) {
    Invalid(key, absl::StrCat(Show(*value), " is not in [", low, ", ", high, "]"));
    return low;
  }
  return static_cast<int64_t>(number);
}

double ConfigReader::Number(absl::string_view key, double low, double high) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) {
    Invalid(key, "missing");
    return low;
  }
  if (!value->is_number()) {
    Invalid(key, absl::StrCat("want a number, got ", Show(*value)));
    return low;
  }
  const double number = value->get<double>();
  if (!(number >= low && number <= high)) {
    Invalid(key, absl::StrCat(Show(*value), " is not in [", Show(low), ", ", Show(high), "]"));
    return low;
  }
  return number;
}

int64_t ConfigReader::IntOr(absl::string_view key, int64_t fallback, int64_t low, int64_t high) {
  return Has(key) ? Int(key, low, high) : fallback;
}

double ConfigReader::NumberOr(absl::string_view key, double fallback, double low, double high) {
  return Has(key) ? Number(key, low, high) : fallback;
}

bool ConfigReader::BoolOr(absl::string_view key, bool fallback) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) {
    Invalid(key, absl::StrCat("want true or false, got ", Show(*value)));
    return fallback;
  }
  return value->get<bool>();
}

std::string ConfigReader::StringOr(absl::string_view key, absl::string_view fallback) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string()) {
    Invalid(key, absl::StrCat("want a string, got ", Show(*value)));
    return std::string(fallback);
  }
  return value->get<std::string>();
}

template <typename T>
std::vector<T> ConfigReader::List(absl::string_view key, absl::string_view what,
                                  bool (nlohmann::json::*is_one)() const noexcept) {
  std::vector<T> result;
  const nlohmann::json* value = Find(key);
  if (value == nullptr) return result;
  if (!value->is_array()) {
    Invalid(key, absl::StrCat("want a list, got ", Show(*value)));
    return result;
  }
  for (const nlohmann::json& item : *value) {
    if (!(item.*is_one)()) {
      Invalid(key, absl::StrCat("want ", what, ", got ", Show(item)));
      return {};
    }
    result.push_back(item.get<T>());
  }
  return result;
}

std::vector<std::string> ConfigReader::Strings(absl::string_view key) {
  return List<std::string>(key, "strings", &nlohmann::json::is_string);
}

std::vector<int64_t> ConfigReader::Ints(absl::string_view key) {
  return List<int64_t>(key, "integers", &nlohmann::json::is_number_integer);
}

std::vector<float> ConfigReader::Floats(absl::string_view key) {
  return List<float>(key, "numbers", &nlohmann::json::is_number);
}

std::optional<ConfigReader> ConfigReader::Object(absl::string_view key) {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) {
    Invalid(key, absl::StrCat("want an object, got ", Show(*value)));
    return std::nullopt;
  }
  return ConfigReader(*value, absl::StrCat(where_, ": ", key));
}

void ConfigReader::Absorb(const ConfigReader& inner) {
  if (status_.ok()) status_ = inner.status_;
}

}  // namespace plumbline
