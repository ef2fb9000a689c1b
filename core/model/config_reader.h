// Reads one JSON configuration file field by field, with a range for every number. The first error
// sticks and names file and key, so that a family's code reads as a list of facts:
//
//   spec.hidden = config.Int("hidden_size", 1, kMaxWidth);
//   ...
//   ABSL_RETURN_IF_ERROR(config.status());
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_CONFIG_READER_H_
#define PLUMBLINE_CORE_MODEL_CONFIG_READER_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// Thread-compatible.
class ConfigReader {
 public:
  // NotFound or PermissionDenied: the path. InvalidArgument: not a JSON object.
  static absl::StatusOr<ConfigReader> Open(const std::string& path);
  // `where` stands for the path, and for an object inside a file: "config.json: rope_scaling".
  ConfigReader(nlohmann::json json, std::string where)
      : json_(std::move(json)), where_(std::move(where)) {}

  const absl::Status& status() const { return status_; }
  // Records an error unless there is one already: "<where>: <key>: <problem>".
  void Invalid(absl::string_view key, absl::string_view problem);
  void Unimplemented(absl::string_view key, absl::string_view problem);

  // Present and not null.
  bool Has(absl::string_view key) const;

  // Required; in [low, high]. After an error they return `low` (or an empty value).
  int64_t Int(absl::string_view key, int64_t low, int64_t high);
  double Number(absl::string_view key, double low, double high);
  // The default where the key is missing or null.
  int64_t IntOr(absl::string_view key, int64_t fallback, int64_t low, int64_t high);
  double NumberOr(absl::string_view key, double fallback, double low, double high);
  bool BoolOr(absl::string_view key, bool fallback);
  std::string StringOr(absl::string_view key, absl::string_view fallback);
  // Empty where missing.
  std::vector<std::string> Strings(absl::string_view key);
  std::vector<int64_t> Ints(absl::string_view key);
  std::vector<float> Floats(absl::string_view key);
  // The object under `key` as a reader of its own; its errors are taken over by Absorb.
  std::optional<ConfigReader> Object(absl::string_view key);
  void Absorb(const ConfigReader& inner);

  const nlohmann::json& json() const { return json_; }
  const std::string& where() const { return where_; }

 private:
  const nlohmann::json* Find(absl::string_view key) const;
  template <typename T>
  std::vector<T> List(absl::string_view key, absl::string_view what,
                      bool (nlohmann::json::*is_one)() const noexcept);

  nlohmann::json json_;
  std::string where_;
  absl::Status status_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_CONFIG_READER_H_
