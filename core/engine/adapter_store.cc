// The directory:
//   <version>/adapter_config.json, adapter_model.safetensors   0700, files 0600
//   .import-XXXXXX/    an import in progress, or what a crash left of one
//   .discard-XXXXXX/   a version on its way out
// Import: both files are written and synced in .import-…, and the folder is renamed to its version.
// Only the rename makes it visible.
#include "core/engine/adapter_store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/file_bytes.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/lora/adapter_files.h"

namespace plumbline {
namespace {

namespace fs = std::filesystem;

constexpr char kImportPrefix[] = ".import-";
constexpr char kDiscardPrefix[] = ".discard-";
constexpr time_t kAbandonedSeconds = 3600;

absl::Status WriteStatus(int error, absl::string_view path) {
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": cannot write: ", std::strerror(error),
                                                     "; free some space in the data directory"));
  }
  return ErrnoStatus(error, "write", path);
}

absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  const int failed = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return failed == 0 ? absl::OkStatus() : WriteStatus(failed, path);
}

absl::Status WriteFile(const std::string& path, absl::string_view bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return WriteStatus(errno, path);
  int failed = 0;
  while (!bytes.empty() && failed == 0) {
    const ssize_t wrote = write(fd, bytes.data(), std::min<size_t>(bytes.size(), size_t{1} << 30));
    if (wrote >= 0) {
      bytes.remove_prefix(static_cast<size_t>(wrote));
    } else if (errno != EINTR) {
      failed = errno;
    }
  }
  // A full disk may show only here, or on close.
  if (failed == 0 && fsync(fd) != 0) failed = errno;
  if (close(fd) != 0 && failed == 0) failed = errno;
  return failed == 0 ? absl::OkStatus() : WriteStatus(failed, path);
}

void RemoveTree(const std::string& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

// A fresh folder of ours in `directory` that goes away unless it was renamed.
class ScratchFolder {
 public:
  static absl::StatusOr<ScratchFolder> Make(const std::string& directory, const char* prefix) {
    std::string path = absl::StrCat(directory, "/", prefix, "XXXXXX");
    if (mkdtemp(path.data()) == nullptr) return WriteStatus(errno, path);
    return ScratchFolder(std::move(path));
  }
  ~ScratchFolder() {
    if (!path_.empty()) RemoveTree(path_);
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }
  void Release() { path_.clear(); }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Takes `path` out of sight in one step, then deletes it.
absl::Status Discard(const std::string& directory, const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const ScratchFolder bin, ScratchFolder::Make(directory, kDiscardPrefix));
  const std::string moved = absl::StrCat(bin.path(), "/version");
  if (std::rename(path.c_str(), moved.c_str()) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, "remove", path);
  }
  return absl::OkStatus();
}

void RemoveAbandoned(const std::string& directory) {
  std::error_code error;
  const time_t now = std::time(nullptr);
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!absl::StartsWith(name, kImportPrefix) && !absl::StartsWith(name, kDiscardPrefix)) continue;
    struct stat info;
    if (stat(entry->path().c_str(), &info) != 0) continue;
    if (now - info.st_mtime > kAbandonedSeconds) RemoveTree(entry->path().string());
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<AdapterStore>> AdapterStore::Open(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return ErrnoStatus(error.value(), "make the adapter store", directory);
  if (access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
    return ErrnoStatus(errno, "use the adapter store", directory);
  }
  RemoveAbandoned(directory);
  return std::unique_ptr<AdapterStore>(new AdapterStore(directory));
}

std::string AdapterStore::PathOf(absl::string_view version) const {
  return absl::StrCat(directory_, "/", version);
}

absl::StatusOr<StoredAdapter> AdapterStore::Import(absl::string_view version,
                                                   absl::string_view config_json,
                                                   absl::string_view tensors) const {
  absl::StatusOr<StoredAdapter> present = Verify(version);
  if (present.ok()) return present;
  if (!absl::IsNotFound(present.status())) {
    ABSL_RETURN_IF_ERROR(Discard(directory_, PathOf(version)));
  }
  ABSL_ASSIGN_OR_RETURN(ScratchFolder folder, ScratchFolder::Make(directory_, kImportPrefix));
  ABSL_RETURN_IF_ERROR(
      WriteFile(absl::StrCat(folder.path(), "/", kAdapterConfigFile), config_json));
  ABSL_RETURN_IF_ERROR(WriteFile(absl::StrCat(folder.path(), "/", kAdapterTensorFile), tensors));
  ABSL_RETURN_IF_ERROR(SyncDirectory(folder.path()));
  if (std::rename(folder.path().c_str(), PathOf(version).c_str()) != 0) {
    // Somebody else imported the same content in the meantime: theirs is as good.
    if (errno != EEXIST && errno != ENOTEMPTY) return WriteStatus(errno, PathOf(version));
    return Verify(version);
  }
  folder.Release();
  ABSL_RETURN_IF_ERROR(SyncDirectory(directory_));
  return StoredAdapter{std::string(version), PathOf(version),
                       static_cast<int64_t>(config_json.size() + tensors.size())};
}

absl::StatusOr<StoredAdapter> AdapterStore::Verify(absl::string_view version) const {
  if (!IsSha256Hex(version)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", version, "\" is not an adapter version: want 64 hexadecimal digits"));
  }
  const std::string path = PathOf(version);
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return errno == ENOENT
               ? absl::NotFoundError(absl::StrCat(directory_, ": no adapter of version ", version))
               : ErrnoStatus(errno, "read", path);
  }
  const absl::StatusOr<AdapterBytes> files = ReadAdapterFiles(path, UINT64_MAX);
  if (!files.ok() && absl::IsResourceExhausted(files.status())) return files.status();
  if (!files.ok()) {
    return absl::DataLossError(
        absl::StrCat(path, ": a file is missing or unreadable: ", files.status().message()));
  }
  if (files->version != version) {
    return absl::DataLossError(absl::StrCat(path, ": the files have changed, their digest is ",
                                            files->version, "; load the adapter again"));
  }
  return StoredAdapter{files->version, path,
                       static_cast<int64_t>(files->config_json.size() + files->tensors.size())};
}

absl::Status AdapterStore::Remove(absl::string_view version) const {
  if (!IsSha256Hex(version)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", version, "\" is not an adapter version"));
  }
  if (access(PathOf(version).c_str(), F_OK) != 0) return absl::OkStatus();
  ABSL_RETURN_IF_ERROR(Discard(directory_, PathOf(version)));
  return SyncDirectory(directory_);
}

absl::StatusOr<std::vector<std::string>> AdapterStore::List() const {
  std::vector<std::string> versions;
  std::error_code error;
  for (fs::directory_iterator entry(directory_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (IsSha256Hex(name)) versions.push_back(name);
  }
  if (error) return ErrnoStatus(error.value(), "list", directory_);
  std::sort(versions.begin(), versions.end());
  return versions;
}

}  // namespace plumbline
