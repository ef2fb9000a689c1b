#include "core/base/file_bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

struct OpenedFile {
  FileDescriptor fd;
  FileStamp stamp;
};

FileStamp StampOf(const struct stat& info) {
  return {static_cast<uint64_t>(info.st_dev), static_cast<uint64_t>(info.st_ino),
          static_cast<uint64_t>(info.st_size),
          int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

absl::StatusOr<OpenedFile> OpenRegular(const std::string& path) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return ErrnoStatus(errno, "open", path);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, "stat", path);
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", S_ISDIR(info.st_mode) ? "is a directory" : "is not a regular file",
                     ", want a file"));
  }
  return OpenedFile{std::move(fd), StampOf(info)};
}

}  // namespace

absl::Status ErrnoStatus(int error, absl::string_view action, absl::string_view path) {
  const std::string message = absl::StrCat(path, ": cannot ", action, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
    case EMFILE:
      return absl::ResourceExhaustedError(message);
    case ELOOP:
    case ENAMETOOLONG:
      return absl::InvalidArgumentError(message);
    default:
      return absl::InternalError(message);
  }
}

bool WrittenSince(const std::string& path, const FileStamp& stamp) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return false;  // removed: a mapping keeps what it was
  const FileStamp now = StampOf(info);
  if (now.device != stamp.device || now.inode != stamp.inode) return false;
  return now.bytes != stamp.bytes || now.modified_ns != stamp.modified_ns;
}

absl::StatusOr<MappedBytes> MapFile(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(OpenedFile file, OpenRegular(path));
  MappedBytes bytes;
  bytes.size = static_cast<size_t>(file.stamp.bytes);
  bytes.stamp = file.stamp;
  if (bytes.size == 0) return bytes;
  void* data = mmap(nullptr, bytes.size, PROT_READ, MAP_SHARED, file.fd.get(), 0);
  if (data == MAP_FAILED) return ErrnoStatus(errno, "map", path);
  bytes.data = static_cast<const char*>(data);
  return bytes;
}

absl::Status ReadFileInto(const std::string& path, uint64_t max_bytes, std::string& bytes,
                          ReadProgress progress) {
  constexpr size_t kChunk = size_t{1} << 20;
  ABSL_ASSIGN_OR_RETURN(OpenedFile file, OpenRegular(path));
  if (file.stamp.bytes > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": ", file.stamp.bytes, " bytes, the limit is ", max_bytes));
  }
  const size_t size = static_cast<size_t>(file.stamp.bytes);
  bytes.clear();
  try {
    bytes.reserve(size);
  } catch (const std::exception&) {  // bad_alloc, length_error
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": no memory for its ", file.stamp.bytes, " bytes"));
  }
  size_t done = 0;
  while (done < size) {
    // Piece by piece, so that the zeros it begins with are overwritten while they are in the cache.
    bytes.resize(std::min(size, done + kChunk));
    const ssize_t got = read(file.fd.get(), &bytes[done], bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read", path);
    if (got == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": changed while it was read: ", done, " bytes, was ", size));
    }
    done += static_cast<size_t>(got);
    progress(absl::string_view(bytes.data(), done), file.stamp.bytes);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadFileBytes(const std::string& path, uint64_t max_bytes) {
  std::string bytes;
  ABSL_RETURN_IF_ERROR(ReadFileInto(path, max_bytes, bytes, [](absl::string_view, uint64_t) {}));
  return bytes;
}

absl::StatusOr<std::string> ReadInput(const std::string& path, uint64_t max_bytes) {
  const bool standard = path == "-";
  const std::string name = standard ? "standard input" : path;
  struct stat info;
  if (!standard &&
      (stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) {
    return ReadFileBytes(path, max_bytes);  // also what is not there: its errors
  }
  const FileDescriptor opened(standard ? -1 : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!standard && opened.get() < 0) return ErrnoStatus(errno, "open", path);
  const int fd = standard ? STDIN_FILENO : opened.get();
  std::string bytes;
  std::vector<char> chunk(size_t{64} << 10);
  while (true) {
    const ssize_t got = read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read", name);
    if (got == 0) return bytes;
    bytes.append(chunk.data(), static_cast<size_t>(got));
    if (bytes.size() > max_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat(name, ": more than ", max_bytes, " bytes, the limit"));
    }
  }
}

}  // namespace plumbline
