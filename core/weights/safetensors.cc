// The safetensors format (huggingface/safetensors, README "Format"), as accepted here:
//
//   offset 0   uint64, little-endian: N, the header's length in bytes, ≤ 100,000,000 and ≤ file − 8
//   offset 8   N bytes of UTF-8 JSON, beginning with '{', padded at the end with spaces at will:
//                { "__metadata__": { string: string, … },          optional
//                  name: { "dtype": "F32",
//                          "shape": [8, 4096],                      [] is a scalar
//                          "data_offsets": [begin, end] }, … }      relative to the data section
//   offset 8+N the data section, to the end of the file
//
// A tensor's elements are row-major and little-endian; end − begin == product(shape) × size(dtype).
// Sorted by begin, the tensors cover the data section exactly: no overlap, no hole, nothing before
// the first, nothing after the last. A tensor without elements has begin == end. A name stands
// once. Unlike the reference implementation we also refuse unknown keys in a tensor's object, and
// names that are empty, longer than 1024 bytes or hold control characters.
#include "core/weights/safetensors.h"

#include <sys/mman.h>

#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file_bytes.h"
#include "core/base/status_macros.h"
#include "core/weights/safetensors_header.h"

namespace plumbline {
namespace {

constexpr size_t kLengthBytes = 8;

uint64_t ReadLittleEndian64(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return value;
}

// What a file that is not safetensors seems to be, with the remedy. A file gets here only when its
// first bytes make no sense as a header's length: a pickle's 80 02 is also a length of 640.
std::string DescribeOtherFormat(absl::string_view bytes) {
  const std::string start = absl::AsciiStrToLower(bytes.substr(0, 256));
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(start);
  if (absl::StartsWith(bytes, "PK\x03\x04")) {
    return "a zip archive, as torch.save writes (pickle inside): convert it to safetensors";
  }
  if (bytes.size() >= 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5) {
    return "a Python pickle: pickles can run code and are never loaded; convert it to safetensors";
  }
  if (absl::StartsWith(text, "version https://git-lfs")) {
    return "a git-lfs pointer, not the file itself: run `git lfs pull`";
  }
  if (absl::StartsWith(text, "<!doctype") || absl::StartsWith(text, "<html")) {
    return "an HTML page, probably an error page of the download";
  }
  if (absl::StartsWith(bytes, "GGUF")) return "a GGUF file: give the safetensors checkpoint";
  if (absl::StartsWith(text, "{")) return "a JSON text without the header's length before it";
  return "";
}

}  // namespace

int64_t TensorInfo::elements() const {
  int64_t product = 1;  // CheckLayout has proved that it does not overflow
  for (int64_t dimension : shape) product *= dimension;
  return product;
}

std::string ShapeString(absl::Span<const int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ","), "]");
}

SafetensorsFile::SafetensorsFile(std::string path, std::string owned, absl::string_view bytes,
                                 bool mapped)
    : path_(std::move(path)), owned_(std::move(owned)), bytes_(bytes), mapped_(mapped) {
  if (!mapped_) bytes_ = owned_;
}

SafetensorsFile::~SafetensorsFile() {
  if (mapped_ && !bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

absl::Status SafetensorsFile::CheckUnchanged() const {
  if (!mapped_ || !WrittenSince(path_, stamp_)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      path_, ": was written to after it had been loaded: unload the model and load it again"));
}

void SafetensorsFile::DropPages() const {
  if (mapped_ && !bytes_.empty()) {
    madvise(const_cast<char*>(bytes_.data()), bytes_.size(), MADV_DONTNEED);
  }
}

absl::StatusOr<std::shared_ptr<const SafetensorsFile>> SafetensorsFile::Open(
    const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const MappedBytes mapped, MapFile(path));
  std::shared_ptr<SafetensorsFile> file(
      new SafetensorsFile(path, "", absl::string_view(mapped.data, mapped.size), /*mapped=*/true));
  file->stamp_ = mapped.stamp;
  ABSL_RETURN_IF_ERROR(Annotate(file->ParseHeader(), path));
  return file;
}

absl::StatusOr<std::shared_ptr<const SafetensorsFile>> SafetensorsFile::Parse(
    std::string bytes, const std::string& name) {
  std::shared_ptr<SafetensorsFile> file(
      new SafetensorsFile(name, std::move(bytes), "", /*mapped=*/false));
  ABSL_RETURN_IF_ERROR(Annotate(file->ParseHeader(), name));
  return file;
}

absl::Status SafetensorsFile::ParseHeader() {
  if (bytes_.empty()) return absl::InvalidArgumentError("the file is empty");
  const uint64_t length = bytes_.size() < kLengthBytes ? 0 : ReadLittleEndian64(bytes_);
  const bool fits = bytes_.size() > kLengthBytes && length <= bytes_.size() - kLengthBytes;
  if (!fits || length < 2 || length > kMaxHeaderBytes || bytes_[kLengthBytes] != '{') {
    const std::string other = DescribeOtherFormat(bytes_);
    if (!other.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("not safetensors but ", other));
    }
  }
  if (bytes_.size() <= kLengthBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("truncated: ", bytes_.size(), " bytes are too few for a safetensors header"));
  }
  if (length > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat("not safetensors: a header of ", length,
                                                   " bytes, the limit is ", kMaxHeaderBytes));
  }
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat("truncated or not safetensors: a header of ",
                                                   length, " bytes in a file of ", bytes_.size()));
  }
  data_begin_ = kLengthBytes + static_cast<size_t>(length);
  ABSL_ASSIGN_OR_RETURN(SafetensorsHeader parsed, ParseSafetensorsHeader(header()));
  ABSL_RETURN_IF_ERROR(CheckLayout(parsed.tensors, bytes_.size() - data_begin_));
  tensors_ = std::move(parsed.tensors);
  metadata_ = std::move(parsed.metadata);
  index_.reserve(tensors_.size());
  for (size_t i = 0; i < tensors_.size(); ++i) index_[tensors_[i].name] = i;
  return absl::OkStatus();
}

const TensorInfo* SafetensorsFile::Find(absl::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

absl::string_view SafetensorsFile::data(const TensorInfo& tensor) const {
  return bytes_.substr(data_begin_ + tensor.begin, tensor.end - tensor.begin);
}

absl::string_view SafetensorsFile::header() const {
  return bytes_.substr(kLengthBytes, data_begin_ - kLengthBytes);
}

}  // namespace plumbline
