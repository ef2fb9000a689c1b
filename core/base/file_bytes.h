// Reading files whole, with errors that name the path. Regular files only, so that nothing blocks
// on a pipe or device, but for ReadInput.
#ifndef PLUMBLINE_CORE_BASE_FILE_BYTES_H_
#define PLUMBLINE_CORE_BASE_FILE_BYTES_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// The status for a failed system call on `path`: NotFound, PermissionDenied, ResourceExhausted (no
// space, no memory), else Internal.
absl::Status ErrnoStatus(int error, absl::string_view action, absl::string_view path);

// What tells that a file was written to: it stays the same file (device, inode) and its size or its
// time of modification changes. A file that was put in its place is another one.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t bytes = 0;
  int64_t modified_ns = 0;  // since the epoch
};
// Whether the file that `stamp` was taken of, which was at `path`, has been written to since.
bool WrittenSince(const std::string& path, const FileStamp& stamp);

// A regular file mapped read-only. Unmapped by whoever takes it (munmap). Null data for size 0.
struct MappedBytes {
  const char* data = nullptr;
  size_t size = 0;
  FileStamp stamp;
};
absl::StatusOr<MappedBytes> MapFile(const std::string& path);

// The whole file; ResourceExhausted when it is larger than `max_bytes`.
absl::StatusOr<std::string> ReadFileBytes(const std::string& path, uint64_t max_bytes);
// As above, for an argument of a command: "-" is standard input, and a pipe or device is read until
// it ends, or has given more than `max_bytes`.
absl::StatusOr<std::string> ReadInput(const std::string& path, uint64_t max_bytes);
// As ReadFileBytes, into `bytes`; tells `progress` after each MB what is there by now, which is not
// moved any more, and the file's size: for work that need not wait for the end.
using ReadProgress = absl::FunctionRef<void(absl::string_view so_far, uint64_t size)>;
absl::Status ReadFileInto(const std::string& path, uint64_t max_bytes, std::string& bytes,
                          ReadProgress progress);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_FILE_BYTES_H_
