#include "core/eval/task_file/include.h"

#include <filesystem>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

using Content = std::function<absl::StatusOr<std::string>(const std::string&)>;

constexpr size_t kMaxFiles = 32;

class Reader {
 public:
  explicit Reader(const Content& content) : content_(content) {}

  absl::StatusOr<ConfigNode> Read(const std::string& file) {
    seen_.insert(file);
    ABSL_ASSIGN_OR_RETURN(const std::string text, content_(file));
    ABSL_ASSIGN_OR_RETURN(ConfigNode root, ConfigNode::ParseYaml(text, file, "metadata"));
    if (root.kind() != ConfigNode::kMap) return root;
    const ConfigNode* include = root.Find("include");
    if (include == nullptr) return root.Without("include");
    ABSL_ASSIGN_OR_RETURN(const std::vector<std::string> names, include->Strings());
    ConfigNode merged = root.Without("include");
    // From the last to the first: what is there already wins.
    for (size_t i = names.size(); i > 0; --i) {
      const std::string path =
          (std::filesystem::path(file).parent_path() / names[i - 1]).lexically_normal().string();
      if (seen_.count(path) > 0)
        return include->Error(absl::StrCat("\"", path, "\" is included twice"));
      if (seen_.size() == kMaxFiles) return include->Error("more than 32 files in all");
      absl::StatusOr<ConfigNode> other = Read(path);
      if (!other.ok()) return Annotate(other.status(), absl::StrCat("included by ", file));
      if (other->kind() != ConfigNode::kMap) return other->Error("want a map of keys");
      merged = merged.WithDefaults(other->Without("task_list"));
    }
    return merged;
  }

 private:
  const Content& content_;
  std::set<std::string> seen_;
};

}  // namespace

absl::StatusOr<ConfigNode> ReadTaskYaml(const std::string& file, const Content& content) {
  return Reader(content).Read(file);
}

}  // namespace plumbline
