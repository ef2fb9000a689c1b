// The weights of a Hugging Face checkpoint directory, as tensors that view the mapped files.
//
// `model.safetensors`, or `model.safetensors.index.json` and the shards it names. Nothing is
// copied: a tensor points into the page cache and keeps its file mapped, so a checkpoint costs no
// memory until an operation reads it. Safetensors only; a directory with just pickles is refused.
//
// Island-internal: names torch types.
#ifndef PLUMBLINE_CORE_WEIGHTS_CHECKPOINT_INTERNAL_H_
#define PLUMBLINE_CORE_WEIGHTS_CHECKPOINT_INTERNAL_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/weights/safetensors.h"

namespace plumbline {

// Immutable once opened, hence thread-safe.
class Checkpoint {
 public:
  // Opens every shard and checks every header. Errors name the directory and file:
  // NotFound (no directory, no weights, a missing shard), PermissionDenied, InvalidArgument (what
  // SafetensorsFile::Open refuses, an index that escapes the directory or disagrees with its
  // shards), FailedPrecondition (only pickled weights: convert them).
  static absl::StatusOr<std::shared_ptr<const Checkpoint>> Open(const std::string& directory);

  const std::string& directory() const { return directory_; }
  // Sorted.
  const std::vector<std::string>& names() const { return names_; }
  bool Contains(absl::string_view name) const { return info(name) != nullptr; }
  // Null when the checkpoint has no such tensor. Points into this object.
  const TensorInfo* info(absl::string_view name) const;

  // A view of the mapped bytes, CPU, contiguous, in the file's dtype; the tensor keeps the file
  // mapped. Read-only: writing to it faults. (Data that is not aligned to its element is copied.)
  // NotFound names the tensor.
  absl::StatusOr<at::Tensor> Load(absl::string_view name) const;
  // As Load; InvalidArgument when the shape is another: `lm_head.weight: shape [8,4], want [8,2]`.
  absl::StatusOr<at::Tensor> Load(absl::string_view name, absl::Span<const int64_t> shape) const;

  // Σ bytes of all tensors.
  int64_t tensor_bytes() const { return tensor_bytes_; }
  // Σ elements of all tensors.
  int64_t elements() const { return elements_; }

  // 64 hexadecimal digits that name these weights: SHA-256 over every shard's name, size and
  // header, and three pages (first, middle, last) of each tensor. Reads a few MB, not the weights;
  // two fine-tunes of one model differ in it. It names, it does not authenticate.
  const std::string& version() const { return version_; }
  // FailedPrecondition: a shard was written to since Open; see SafetensorsFile. Ask before Load
  // where time has passed.
  absl::Status CheckUnchanged() const;
  // Gives the mapped pages of all shards back to the page cache: after everything was copied out.
  void DropPages() const;

 private:
  struct Place {
    int shard;
    const TensorInfo* info;
  };
  Checkpoint() = default;

  std::string directory_;
  std::vector<std::shared_ptr<const SafetensorsFile>> shards_;
  std::vector<std::string> names_;
  absl::flat_hash_map<std::string, Place> places_;
  int64_t tensor_bytes_ = 0;
  int64_t elements_ = 0;
  std::string version_;
};

at::ScalarType ToScalarType(DType dtype);

// A tensor over one of `file`'s tensors that keeps `file` alive; a copy where it is not aligned.
at::Tensor ViewTensor(std::shared_ptr<const SafetensorsFile> file, const TensorInfo& info);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_WEIGHTS_CHECKPOINT_INTERNAL_H_
