// A safetensors file, proved well-formed before a byte of it is believed.
//
// The one idea: the header is an untrusted claim about the bytes behind it. Opening a file checks
// the whole claim (strict JSON, known dtypes, shape × size == bytes, no overlap, no hole, nothing
// past the end) in time linear in the header; afterwards every TensorInfo can be used without
// another check. The format is specified at the top of safetensors.cc.
//
// No torch type here; checkpoint_internal.h makes tensors of it.
#ifndef PLUMBLINE_CORE_WEIGHTS_SAFETENSORS_H_
#define PLUMBLINE_CORE_WEIGHTS_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/file_bytes.h"

namespace plumbline {

// Element types that can be served. Quantised ones (F8_*, F6_*, F4) are refused by name.
enum class DType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };

// "F32", "BF16", …: the name in the header.
absl::string_view DTypeName(DType dtype);
// Bytes of one element: 1, 2, 4 or 8.
int64_t DTypeSize(DType dtype);

// One tensor of a file: row-major, little-endian, at [begin, end) of the data section.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;  // empty: a scalar. A dimension may be 0. No product overflows.
  uint64_t begin = 0;          // bytes from the start of the data section
  uint64_t end = 0;            // begin + elements() × DTypeSize(dtype)

  int64_t elements() const;
};

// "[8,4096]"; "[]" for a scalar.
std::string ShapeString(absl::Span<const int64_t> shape);

// Immutable once opened, hence thread-safe.
class SafetensorsFile {
 public:
  // Limits on what a header may claim. Real checkpoints are two orders of magnitude below.
  static constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit
  static constexpr size_t kMaxNameBytes = 1024;
  static constexpr size_t kMaxTensors = 1'000'000;
  static constexpr size_t kMaxDimensions = 8;

  // Maps the file read-only; pages are read on first use. The file must not change while the
  // object lives: what a writer does to it shows through, and truncating it makes reads fault. Use
  // it for checkpoints, which are replaced and never edited. NotFound, PermissionDenied: the path.
  // InvalidArgument: what is wrong with the content, by tensor where there is one.
  static absl::StatusOr<std::shared_ptr<const SafetensorsFile>> Open(const std::string& path);

  // Of bytes at hand, so that later changes to a file do not matter and a digest of bytes() is a
  // digest of what is parsed. Use it for adapters. `name` stands for the path in errors.
  static absl::StatusOr<std::shared_ptr<const SafetensorsFile>> Parse(std::string bytes,
                                                                      const std::string& name);

  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::string& path() const { return path_; }
  // In the order of their data in the file.
  absl::Span<const TensorInfo> tensors() const { return tensors_; }
  // Null when the file has no such tensor. Points into this object.
  const TensorInfo* Find(absl::string_view name) const;
  // The bytes of one of tensors(). They start at any alignment.
  absl::string_view data(const TensorInfo& tensor) const;
  // "__metadata__", e.g. {"format": "pt"}.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // The header's JSON as it stands in the file.
  absl::string_view header() const;
  // The whole file.
  absl::string_view bytes() const { return bytes_; }
  // FailedPrecondition: a mapped file was written to since Open, so its tensors are not to be
  // trusted, nor even to be read: pages past a new end fault.
  absl::Status CheckUnchanged() const;
  // Gives the mapped pages back to the page cache (a hint; nothing for a copied file). What is read
  // later comes in again.
  void DropPages() const;

 private:
  SafetensorsFile(std::string path, std::string owned, absl::string_view bytes, bool mapped);
  absl::Status ParseHeader();

  std::string path_;
  std::string owned_;        // Parse
  absl::string_view bytes_;  // owned_, or the mapping
  bool mapped_;
  FileStamp stamp_;        // of a mapped file
  size_t data_begin_ = 0;  // offset of the data section in bytes_
  std::vector<TensorInfo> tensors_;
  absl::flat_hash_map<std::string, size_t> index_;  // name → place in tensors_
  std::map<std::string, std::string> metadata_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_WEIGHTS_SAFETENSORS_H_
