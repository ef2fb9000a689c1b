// A YAML document as a tree of typed values that know their place, so that every complaint can name
// file, line and key.
#ifndef PLUMBLINE_CORE_BASE_CONFIG_NODE_H_
#define PLUMBLINE_CORE_BASE_CONFIG_NODE_H_

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// Immutable after parsing.
class ConfigNode {
 public:
  enum Kind { kNull, kBool, kInteger, kFloat, kString, kList, kMap };

  // Parses one YAML document: scalars have the types that PyYAML gives them (YAML 1.1, so "no" is
  // false). InvalidArgument "<file>:<line>: ..." for a syntax error, a tag (lm-eval's !function), a
  // duplicate key, an anchor that expands beyond 100,000 nodes, or a nesting deeper than 32.
  // Below the root's key `untyped` nothing is judged: scalars may be of any type, keys twice.
  static absl::StatusOr<ConfigNode> ParseYaml(absl::string_view text, absl::string_view file,
                                              absl::string_view untyped = "");

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == kNull; }
  int line() const { return line_; }
  const std::string& path() const { return path_; }  // "generation_kwargs.until[0]"
  const std::vector<ConfigNode>& list() const { return list_; }
  const std::vector<std::pair<std::string, ConfigNode>>& map() const { return map_; }
  // The value of a key of a map; null when absent or null.
  const ConfigNode* Find(absl::string_view key) const;

  // Typed values; InvalidArgument names place and key.
  absl::StatusOr<std::string> String() const;
  absl::StatusOr<bool> Bool() const;
  absl::StatusOr<int64_t> Integer(int64_t min, int64_t max) const;
  absl::StatusOr<double> Number(double min, double max) const;
  absl::StatusOr<std::vector<std::string>> Strings() const;  // a list of strings, or one string
  // A string, or a number as it is written.
  absl::StatusOr<std::string> Text() const;
  nlohmann::ordered_json Json() const;

  // This map with the keys of `other` added that it lacks; both keep their places for messages.
  ConfigNode WithDefaults(const ConfigNode& other) const;
  // Without this key.
  ConfigNode Without(absl::string_view key) const;

  // InvalidArgument "<file>:<line>: <path>: <message>".
  absl::Status Error(absl::string_view message) const;
  // InvalidArgument for the first key of a map that is not in `known`; the message lists them.
  absl::Status CheckKeys(const std::set<std::string>& known) const;
  static absl::string_view KindName(Kind kind);

 private:
  friend class ConfigReader;
  Kind kind_ = kNull;
  int line_ = 0;
  std::string file_;
  std::string path_;
  std::string text_;  // of a scalar
  bool bool_ = false;
  int64_t integer_ = 0;
  double float_ = 0;
  std::vector<ConfigNode> list_;
  std::vector<std::pair<std::string, ConfigNode>> map_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_CONFIG_NODE_H_
