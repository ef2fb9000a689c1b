#include "core/eval/task_file/config_node.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "re2/re2.h"

namespace plumbline {
namespace {

constexpr int kMaxDepth = 32;
constexpr int kMaxNodes = 100000;

bool IsOneOf(absl::string_view text, std::initializer_list<absl::string_view> words) {
  for (absl::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

}  // namespace

class ConfigReader {
 public:
  explicit ConfigReader(absl::string_view file) : file_(file) {}

  absl::StatusOr<ConfigNode> Read(const YAML::Node& yaml, const std::string& path, int depth) {
    ConfigNode node;
    node.file_ = file_;
    node.path_ = path;
    node.line_ = yaml.Mark().line + 1;
    if (depth > kMaxDepth) return node.Error("nested deeper than 32");
    if (++nodes_ > kMaxNodes) return node.Error("the file expands to more than 100,000 values");
    const std::string& tag = yaml.Tag();
    if (!tag.empty() && tag != "?" && tag != "!" && tag.rfind("tag:yaml.org,2002:", 0) != 0) {
      return node.Error(absl::StrCat(
          "the tag ", tag, " is not supported",
          tag == "!function" ? ": no Python runs here; write a Jinja template, a filter_list or a "
                               "checker instead"
                             : ""));
    }
    switch (yaml.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return node;
      case YAML::NodeType::Scalar:
        ReadScalar(yaml.Scalar(), tag == "!" || tag == "tag:yaml.org,2002:str", node);
        return node;
      case YAML::NodeType::Sequence:
        node.kind_ = ConfigNode::kList;
        for (size_t i = 0; i < yaml.size(); ++i) {
          ABSL_ASSIGN_OR_RETURN(ConfigNode child,
                                Read(yaml[i], absl::StrCat(path, "[", i, "]"), depth + 1));
          node.list_.push_back(std::move(child));
        }
        return node;
      case YAML::NodeType::Map:
        node.kind_ = ConfigNode::kMap;
        for (const auto& entry : yaml) {
          if (!entry.first.IsScalar()) return node.Error("a key is not a plain word");
          const std::string& key = entry.first.Scalar();
          if (node.Find(key) != nullptr || !keys_.insert(absl::StrCat(path, "\n", key)).second) {
            return node.Error(absl::StrCat("the key \"", key, "\" is there twice"));
          }
          ABSL_ASSIGN_OR_RETURN(
              ConfigNode child,
              Read(entry.second, path.empty() ? key : absl::StrCat(path, ".", key), depth + 1));
          child.line_ = entry.first.Mark().line + 1;
          node.map_.emplace_back(key, std::move(child));
        }
        return node;
    }
    return node;
  }

 private:
  // The implicit types of YAML 1.1 as PyYAML resolves them (numbers in decimal only).
  static void ReadScalar(const std::string& text, bool quoted, ConfigNode& node) {
    static const RE2& integer = *new RE2("[-+]?[0-9]+");
    static const RE2& real =
        *new RE2("[-+]?(?:[0-9]+\\.[0-9]*(?:[eE][-+][0-9]+)?|\\.[0-9]+(?:[eE][-+][0-9]+)?)");
    node.text_ = text;
    node.kind_ = ConfigNode::kString;
    if (quoted) return;
    if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) {
      node.kind_ = ConfigNode::kNull;
    } else if (IsOneOf(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})) {
      node.kind_ = ConfigNode::kBool;
      node.bool_ = true;
    } else if (IsOneOf(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})) {
      node.kind_ = ConfigNode::kBool;
    } else if (RE2::FullMatch(text, integer) && absl::SimpleAtoi(text, &node.integer_)) {
      node.kind_ = ConfigNode::kInteger;
      node.float_ = static_cast<double>(node.integer_);
    } else if (RE2::FullMatch(text, real) && absl::SimpleAtod(text, &node.float_)) {
      node.kind_ = ConfigNode::kFloat;
    }
  }

  const std::string file_;
  int nodes_ = 0;
  std::set<std::string> keys_;
};

absl::StatusOr<ConfigNode> ConfigNode::ParseYaml(absl::string_view text, absl::string_view file) {
  try {
    return ConfigReader(file).Read(YAML::Load(std::string(text)), "", 0);
  } catch (const YAML::Exception& e) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ":", e.mark.line + 1, ": not YAML: ", e.msg));
  }
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

absl::StatusOr<std::string> ConfigNode::NumberText() const {
  if (kind_ != kInteger && kind_ != kFloat && kind_ != kString) {
    return Error(absl::StrCat("is ", KindName(kind_), ", want a number"));
  }
  return text_;
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
