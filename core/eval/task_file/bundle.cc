// Reading a task's files from a folder, without ever leaving it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/config_node.h"
#include "core/base/status_macros.h"
#include "core/eval/ifeval/ifeval_checker.h"
#include "core/eval/multi_if/multi_if.h"
#include "core/eval/task_file.h"
#include "core/eval/task_file/data_rows.h"
#include "core/eval/task_file/include.h"
#include "core/eval/task_file/task_config.h"

namespace plumbline {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kMaxTaskBytes = uintmax_t{1} << 20;
constexpr uintmax_t kMaxDataBytes = uintmax_t{256} << 20;

absl::StatusOr<std::string> ReadFile(const fs::path& path, uintmax_t limit) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    return absl::NotFoundError(absl::StrCat("\"", path.string(), "\" does not exist"));
  }
  if (!fs::is_regular_file(status)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", path.string(), "\" is no regular file"));
  }
  const uintmax_t size = fs::file_size(path, error);
  if (!error && size > limit) {
    return absl::ResourceExhaustedError(
        absl::StrCat("\"", path.string(), "\" has ", size, " bytes; the limit is ", limit));
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return absl::PermissionDeniedError(absl::StrCat("\"", path.string(), "\" can't be read"));
  }
  std::ostringstream content;
  content << in.rdbuf();
  if (in.bad()) return absl::DataLossError(absl::StrCat("\"", path.string(), "\": read failed"));
  return std::move(content).str();
}

bool IsYaml(absl::string_view name) {
  return absl::EndsWith(name, ".yaml") || absl::EndsWith(name, ".yml");
}

// A file that a task in `folder` names: its data, or a task file that it includes.
absl::StatusOr<std::string> ReadFileBelow(const fs::path& folder, const std::string& name,
                                          uintmax_t limit) {
  const fs::path relative(name);
  bool climbs = relative.is_absolute();
  for (const fs::path& part : relative) climbs = climbs || part == "..";
  if (climbs || absl::StrContains(name, "://")) {
    return absl::InvalidArgumentError(absl::StrCat(
        "file \"", name, "\": want a path below the task file's folder, without \"..\""));
  }
  std::error_code error;
  const fs::path root = fs::weakly_canonical(folder, error);
  const fs::path real = fs::weakly_canonical(folder / relative, error);
  const auto [end, unused] = std::mismatch(root.begin(), root.end(), real.begin(), real.end());
  if (error || end != root.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("file \"", name, "\" leads out of the task file's folder"));
  }
  return ReadFile(folder / relative, limit);
}

}  // namespace

absl::StatusOr<TaskBundle> ReadTaskBundle(const std::string& path) {
  const fs::path file(path);
  TaskBundle bundle;
  bundle.file = file.filename().string();
  const bool yaml = IsYaml(bundle.file);
  ABSL_ASSIGN_OR_RETURN(bundle.files[bundle.file],
                        ReadFile(file, yaml ? kMaxTaskBytes : kMaxDataBytes));
  if (!yaml) return bundle;
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  ABSL_ASSIGN_OR_RETURN(
      ConfigNode root,
      ReadTaskYaml(bundle.file, [&](const std::string& name) -> absl::StatusOr<std::string> {
        if (name == bundle.file) return bundle.files[name];
        ABSL_ASSIGN_OR_RETURN(bundle.files[name], ReadFileBelow(folder, name, kMaxTaskBytes));
        return bundle.files[name];
      }));
  ABSL_ASSIGN_OR_RETURN(TaskConfig config, ParseTaskConfig(root));
  for (const auto& [split, names] : config.data_files) {
    for (const std::string& name : names) {
      auto content = ReadFileBelow(folder, name, kMaxDataBytes);
      if (!content.ok()) return Annotate(content.status(), bundle.file);
      bundle.files[name] = *std::move(content);
    }
  }
  return bundle;
}

absl::StatusOr<Task> LoadTaskFile(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(TaskBundle bundle, ReadTaskBundle(path));
  return ParseTask(bundle);
}

absl::StatusOr<std::vector<std::string>> ListTaskFiles(const std::string& folder) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) {
    return absl::NotFoundError(absl::StrCat("task folder \"", folder, "\": ", error.message()));
  }
  std::vector<std::string> paths;
  std::vector<std::string> rows;  // .jsonl files: tasks of their own, or some task's data
  std::set<std::string> data;     // what the task files name
  for (const fs::directory_entry& entry : entries) {
    if (!entry.is_regular_file(error)) continue;
    const std::string path = entry.path().string();
    if (absl::EndsWith(path, ".jsonl")) rows.push_back(path);
    if (!IsYaml(path)) continue;
    paths.push_back(path);
    // A task file that does not read is reported when it is loaded.
    if (const auto bundle = ReadTaskBundle(path); bundle.ok()) {
      for (const auto& [name, content] : bundle->files) {
        data.insert((entry.path().parent_path() / name).lexically_normal().string());
      }
    }
  }
  for (const std::string& path : rows) {
    if (data.count(fs::path(path).lexically_normal().string()) == 0) {
      std::ifstream in(path, std::ios::binary);
      std::string line;
      std::getline(in, line);
      const auto row = ParseBoundedJson(line, path);
      if (row.ok() &&
          (LooksLikeIfevalRow(nlohmann::json(*row)) || LooksLikeMultiIfRow(nlohmann::json(*row))))
        paths.push_back(path);
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace plumbline
