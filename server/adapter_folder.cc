#include "server/adapter_folder.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/status_conversion.h"
#include "server/utf8.h"
#include "server/validation.h"

namespace plumbline {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFolders = 1000;
constexpr const char* kFiles[] = {"adapter_config.json", "adapter_model.safetensors"};

// Names of the sub-folders, sorted.
absl::StatusOr<std::vector<std::string>> SubFolders(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    std::string name = entry->path().filename().string();
    if (name[0] != '.' && entry->is_directory(ignored)) names.push_back(std::move(name));
  }
  if (error) {
    return WithReason(absl::NotFoundError(absl::StrCat(path, ": ", error.message())),
                      "PATH_NOT_FOUND");
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<LoadedAdapter> Load(Hosting& hosting, LoadAdapterOptions options) {
  ABSL_RETURN_IF_ERROR(ValidateNewAlias("folder name", options.alias));
  return hosting.LoadAdapter(options);
}

// Empty while a file is missing.
std::string Signature(const std::string& folder) {
  std::string signature;
  for (const char* file : kFiles) {
    struct stat info;
    if (stat(absl::StrCat(folder, "/", file).c_str(), &info) != 0) return "";
    absl::StrAppend(&signature, info.st_size, " ", info.st_mtim.tv_sec, " ", info.st_mtim.tv_nsec,
                    " ", info.st_ino, "\n");
  }
  return signature;
}

}  // namespace

absl::StatusOr<std::vector<FolderResult>> LoadSubFolders(Hosting& hosting, const std::string& path,
                                                         const LoadAdapterOptions& options,
                                                         const std::function<bool()>& go_on) {
  ABSL_RETURN_IF_ERROR(hosting.GetModel(options.model).status());
  ABSL_ASSIGN_OR_RETURN(const std::vector<std::string> names, SubFolders(path));
  if (names.empty()) {
    return WithReason(
        absl::NotFoundError(absl::StrCat(path, ": no sub-folder; each is to hold one adapter")),
        "PATH_NOT_FOUND");
  }
  if (names.size() > kMostFolders) {
    return WithReason(
        absl::InvalidArgumentError(absl::StrCat(path, ": ", names.size(), " sub-folders, at most ",
                                                kMostFolders, " in one call")),
        "LIMIT_EXCEEDED");
  }
  std::vector<FolderResult> results;
  for (const std::string& name : names) {
    if (!go_on()) return absl::CancelledError("the call was cancelled");
    LoadAdapterOptions one = options;
    one.alias = name;
    one.path = absl::StrCat(path, "/", name);
    results.push_back({name, Load(hosting, std::move(one))});
    const absl::Status& status = results.back().loaded.status();
    if (!status.ok()) {
      spdlog::error("adapter {}/{}: {}", options.model, ToValidUtf8(name),
                    std::string(status.message()));
    }
  }
  return results;
}

AdapterWatch::AdapterWatch(Hosting& hosting, Executor& changes, std::vector<WatchedFolder> folders,
                           absl::Duration interval)
    : hosting_(hosting),
      changes_(changes),
      folders_(std::move(folders)),
      interval_(interval),
      looks_(folders_.size()) {}

AdapterWatch::~AdapterWatch() { Stop(); }

void AdapterWatch::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void AdapterWatch::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void AdapterWatch::Loop() {
  const auto stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !polling_; };
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    polling_ = true;
    changes_.Schedule([this] {
      Poll();
      absl::MutexLock done(&mutex_);
      polling_ = false;
    });
    mutex_.Await(absl::Condition(&idle));
    mutex_.AwaitWithTimeout(absl::Condition(&stopping), interval_);
  }
}

void AdapterWatch::Poll() {
  for (size_t i = 0; i < folders_.size(); ++i) PollFolder(folders_[i], looks_[i]);
}

// Says what is in the way of a folder when that changes. While its model is not hosted nothing in
// it counts as dealt with, so that all of it is loaded when the model comes.
bool AdapterWatch::IsReady(const WatchedFolder& folder, const absl::Status& listed, Look& look) {
  std::string problem(listed.message());
  if (listed.ok()) {
    const absl::Status model = hosting_.GetModel(folder.model).status();
    if (!model.ok()) {
      problem = absl::StrCat(folder.path, " is not loaded: ", model.message());
      look.seen.clear();
    }
  }
  if (problem != look.problem) {
    if (problem.empty()) {
      spdlog::info("watched folder: {} is loaded into {}", folder.path, folder.model);
    } else {
      spdlog::warn("watched folder: {}", problem);
    }
  }
  look.problem = std::move(problem);
  return look.problem.empty();
}

void AdapterWatch::PollFolder(const WatchedFolder& folder, Look& look) {
  const absl::StatusOr<std::vector<std::string>> names = SubFolders(folder.path);
  if (!IsReady(folder, names.status(), look)) return;
  for (const std::string& alias : *names) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
    }
    Seen& seen = look.seen[alias];
    const std::string files = Signature(absl::StrCat(folder.path, "/", alias));
    const bool settled = !files.empty() && files == seen.files;
    seen.files = files;
    if (!settled || files == seen.dealt_with) continue;
    seen.dealt_with = files;
    LoadOne(folder, alias);
  }
  // What has gone is forgotten, so that it is loaded when it comes back.
  const std::set<std::string> present(names->begin(), names->end());
  for (auto it = look.seen.begin(); it != look.seen.end();) {
    it = present.count(it->first) > 0 ? std::next(it) : look.seen.erase(it);
  }
}

void AdapterWatch::LoadOne(const WatchedFolder& folder, const std::string& alias) {
  LoadAdapterOptions options;
  options.model = folder.model;
  options.alias = alias;
  options.path = absl::StrCat(folder.path, "/", alias);
  // An alias keeps the label it was given.
  if (const auto known = hosting_.GetAdapter(folder.model, alias); known.ok()) {
    options.nominal_target = known->nominal_target;
  }
  const absl::StatusOr<LoadedAdapter> loaded = Load(hosting_, options);
  if (!loaded.ok()) {
    spdlog::error("watched folder: adapter {}/{}: {}; tried again when its files change",
                  folder.model, ToValidUtf8(alias), std::string(loaded.status().message()));
  }
}

}  // namespace plumbline
