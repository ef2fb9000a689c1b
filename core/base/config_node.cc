#include "core/base/config_node.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/base/yaml_scalar.h"
#include "core/base/yaml_tree.h"

namespace plumbline {
namespace {

constexpr int kMaxNodes = 100000;

}  // namespace

class ConfigReader {
 public:
  ConfigReader(const YamlTree& tree, absl::string_view file, absl::string_view untyped)
      : tree_(tree), file_(file), untyped_(untyped) {}

  absl::StatusOr<ConfigNode> Read(size_t index, const std::string& path, int depth) {
    const YamlNode& yaml = tree_.nodes[index];
    ConfigNode node;
    node.file_ = file_;
    node.path_ = path;
    node.line_ = yaml.line;
    if (depth > kMaxYamlDepth) {
      return node.Error(absl::StrCat("nested deeper than ", kMaxYamlDepth));
    }
    if (++nodes_ > kMaxNodes) return node.Error("the file expands to more than 100,000 values");
    if (yaml.kind == YamlNode::kScalar) {
      if (yaml.tag == "tag:yaml.org,2002:null") return node;
      ABSL_RETURN_IF_ERROR(CheckTag(yaml, node));
      ABSL_RETURN_IF_ERROR(ReadScalar(yaml, node));
      return node;
    }
    ABSL_RETURN_IF_ERROR(CheckTag(yaml, node));
    if (yaml.kind == YamlNode::kList) {
      node.kind_ = ConfigNode::kList;
      for (size_t i = 0; i < yaml.children.size(); ++i) {
        ABSL_ASSIGN_OR_RETURN(ConfigNode child,
                              Read(yaml.children[i], absl::StrCat(path, "[", i, "]"), depth + 1));
        node.list_.push_back(std::move(child));
      }
      return node;
    }
    node.kind_ = ConfigNode::kMap;
    std::set<std::string> keys;
    for (size_t i = 0; i + 1 < yaml.children.size(); i += 2) {
      const YamlNode& written = tree_.nodes[yaml.children[i]];
      ABSL_ASSIGN_OR_RETURN(const std::string key, ReadKey(written, node));
      if (!keys.insert(key).second && !IsUntyped(path)) {
        return node.Error(absl::StrCat("the key \"", key, "\" is there twice"));
      }
      ABSL_ASSIGN_OR_RETURN(
          ConfigNode child,
          Read(yaml.children[i + 1], path.empty() ? key : absl::StrCat(path, ".", key), depth + 1));
      child.line_ = written.line;
      node.map_.emplace_back(key, std::move(child));
    }
    return node;
  }

 private:
  bool IsUntyped(absl::string_view path) const {
    return !untyped_.empty() && absl::ConsumePrefix(&path, untyped_) &&
           (path.empty() || path[0] == '.' || path[0] == '[');
  }

  static absl::Status CheckTag(const YamlNode& yaml, const ConfigNode& node) {
    if (yaml.tag.empty()) return absl::OkStatus();
    return node.Error(absl::StrCat(
        "the tag ", yaml.tag, " is not supported",
        yaml.tag == "!function" ? ": no Python runs here; write a Jinja template, a filter_list or "
                                  "a checker instead"
                                : ""));
  }

  static absl::StatusOr<PlainScalar> Value(const YamlNode& yaml) {
    if (yaml.plain) return ResolvePlainScalar(yaml.value);
    return PlainScalar(yaml.value);
  }

  absl::StatusOr<std::string> ReadKey(const YamlNode& yaml, const ConfigNode& map) const {
    ConfigNode place = map;
    place.line_ = yaml.line;
    if (yaml.kind != YamlNode::kScalar) return place.Error("a key is not a plain word");
    ABSL_RETURN_IF_ERROR(CheckTag(yaml, place));
    absl::StatusOr<PlainScalar> key = Value(yaml);
    if (key.ok() && std::holds_alternative<std::string>(*key)) return std::get<std::string>(*key);
    if (IsUntyped(map.path_)) return yaml.value;
    if (!key.ok()) return place.Error(key.status().message());
    return place.Error(
        absl::StrCat("the key ", yaml.value, " is no text in YAML: put it in quotes"));
  }

  absl::Status ReadScalar(const YamlNode& yaml, ConfigNode& node) const {
    absl::StatusOr<PlainScalar> value = Value(yaml);
    if (!value.ok() && !IsUntyped(node.path_)) return node.Error(value.status().message());
    node.text_ = yaml.value;
    if (!value.ok()) {
      node.kind_ = ConfigNode::kString;
    } else if (const auto* text = std::get_if<std::string>(&*value)) {
      node.kind_ = ConfigNode::kString;
      node.text_ = *text;
    } else if (const auto* boolean = std::get_if<bool>(&*value)) {
      node.kind_ = ConfigNode::kBool;
      node.bool_ = *boolean;
    } else if (const auto* integer = std::get_if<int64_t>(&*value)) {
      node.kind_ = ConfigNode::kInteger;
      node.integer_ = *integer;
      node.float_ = static_cast<double>(*integer);
    } else if (const auto* real = std::get_if<double>(&*value)) {
      node.kind_ = ConfigNode::kFloat;
      node.float_ = *real;
    }
    return absl::OkStatus();
  }

  const YamlTree& tree_;
  const std::string file_;
  const absl::string_view untyped_;
  int nodes_ = 0;
};

absl::StatusOr<ConfigNode> ConfigNode::ParseYaml(absl::string_view text, absl::string_view file,
                                                 absl::string_view untyped) {
  ABSL_ASSIGN_OR_RETURN(const YamlTree tree, YamlTree::Parse(text, file));
  if (!tree.nodes.empty()) return ConfigReader(tree, file, untyped).Read(0, "", 0);
  ConfigNode empty;
  empty.file_ = std::string(file);
  empty.line_ = 1;
  return empty;
}

absl::string_view ConfigNode::KindName(Kind kind) {
  switch (kind) {
    case kNull:
      return "null";
    case kBool:
      return "a boolean";
    case kInteger:
      return "an integer";
    case kFloat:
      return "a number";
    case kString:
      return "a string";
    case kList:
      return "a list";
    case kMap:
      return "a map";
  }
  return "";
}

const ConfigNode* ConfigNode::Find(absl::string_view key) const {
  for (const auto& [name, node] : map_) {
    if (name == key) return node.is_null() ? nullptr : &node;
  }
  return nullptr;
}

absl::Status ConfigNode::Error(absl::string_view message) const {
  return absl::InvalidArgumentError(
      absl::StrCat(file_, ":", line_, ": ", path_, path_.empty() ? "" : ": ", message));
}

absl::Status ConfigNode::CheckKeys(const std::set<std::string>& known) const {
  if (kind_ != kMap) return Error(absl::StrCat("is ", KindName(kind_), ", want a map"));
  for (const auto& [key, node] : map_) {
    if (known.count(key) == 0) {
      return node.Error(
          absl::StrCat("unknown key; the keys here are ", absl::StrJoin(known, ", ")));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ConfigNode::String() const {
  if (kind_ != kString) {
    return Error(absl::StrCat("is ", KindName(kind_), ", want a string",
                              kind_ == kBool ? " (put it in quotes)" : ""));
  }
  return text_;
}

absl::StatusOr<bool> ConfigNode::Bool() const {
  if (kind_ != kBool) return Error(absl::StrCat("is ", KindName(kind_), ", want true or false"));
  return bool_;
}

absl::StatusOr<int64_t> ConfigNode::Integer(int64_t min, int64_t max) const {
  if (kind_ != kInteger || integer_ < min || integer_ > max) {
    return Error(absl::StrCat("is ", kind_ == kInteger ? text_ : std::string(KindName(kind_)),
                              ", want an integer from ", min, " to ", max));
  }
  return integer_;
}

absl::StatusOr<double> ConfigNode::Number(double min, double max) const {
  if ((kind_ != kInteger && kind_ != kFloat) || !(float_ >= min && float_ <= max)) {
    return Error(absl::StrCat(
        "is ", kind_ == kInteger || kind_ == kFloat ? text_ : std::string(KindName(kind_)),
        ", want a number from ", min, " to ", max));
  }
  return float_;
}

absl::StatusOr<std::string> ConfigNode::Text() const {
  if (kind_ == kInteger || kind_ == kFloat) return text_;
  return String();
}

absl::StatusOr<std::vector<std::string>> ConfigNode::Strings() const {
  std::vector<std::string> result;
  if (kind_ != kList) {
    ABSL_ASSIGN_OR_RETURN(std::string one, String());
    result.push_back(std::move(one));
    return result;
  }
  for (const ConfigNode& element : list_) {
    ABSL_ASSIGN_OR_RETURN(std::string one, element.String());
    result.push_back(std::move(one));
  }
  return result;
}

nlohmann::ordered_json ConfigNode::Json() const {
  switch (kind_) {
    case kNull:
      return nullptr;
    case kBool:
      return bool_;
    case kInteger:
      return integer_;
    case kFloat:
      return float_;
    case kString:
      return text_;
    case kList: {
      auto list = nlohmann::ordered_json::array();
      for (const ConfigNode& element : list_) list.push_back(element.Json());
      return list;
    }
    case kMap: {
      auto map = nlohmann::ordered_json::object();
      for (const auto& [key, node] : map_) map[key] = node.Json();
      return map;
    }
  }
  return nullptr;
}

ConfigNode ConfigNode::WithDefaults(const ConfigNode& other) const {
  ConfigNode merged = *this;
  for (const auto& entry : other.map_) {
    const bool mine = std::any_of(map_.begin(), map_.end(),
                                  [&](const auto& own) { return own.first == entry.first; });
    if (!mine) merged.map_.push_back(entry);
  }
  return merged;
}

ConfigNode ConfigNode::Without(absl::string_view key) const {
  ConfigNode rest = *this;
  rest.map_.erase(std::remove_if(rest.map_.begin(), rest.map_.end(),
                                 [&](const auto& entry) { return entry.first == key; }),
                  rest.map_.end());
  return rest;
}

}  // namespace plumbline
