// model.safetensors.index.json, as accepted here:
//   {"metadata": {…}, "weight_map": {tensor name: shard's file name, …}}
// Shards are plain file names in the same directory. The map and the shards must agree: a mapped
// tensor that its shard lacks, a tensor that no entry maps and one that stands in two shards are
// errors. Unmapped tensors in particular would be weights that silently go unused.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file_bytes.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/base/strict_json.h"
#include "core/weights/checkpoint_internal.h"

namespace plumbline {
namespace {

namespace fs = std::filesystem;

constexpr char kSingleFile[] = "model.safetensors";
constexpr char kIndexFile[] = "model.safetensors.index.json";
constexpr uint64_t kMaxIndexBytes = 100'000'000;
constexpr size_t kPageBytes = 4096;

bool Exists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

absl::Status CheckDirectory(const std::string& directory) {
  std::error_code error;
  const fs::directory_iterator entries(directory, error);
  if (error) return ErrnoStatus(error.value(), "read the model directory", directory);
  return absl::OkStatus();
}

// Why a directory without safetensors is refused: by what it has instead.
absl::Status NoWeights(const std::string& directory) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (absl::EndsWith(name, ".bin") || absl::EndsWith(name, ".pt") ||
        absl::EndsWith(name, ".pth")) {
      return absl::FailedPreconditionError(
          absl::StrCat(directory, ": only pickled weights (", name,
                       "): pickles can run code and are never loaded; convert to safetensors"));
    }
    if (absl::EndsWith(name, ".gguf")) {
      return absl::FailedPreconditionError(
          absl::StrCat(directory, ": only GGUF weights (", name,
                       "), which are not read; use the original safetensors checkpoint"));
    }
  }
  return absl::NotFoundError(
      absl::StrCat(directory, ": neither ", kSingleFile, " nor ", kIndexFile));
}

// tensor → shard, checked for form; the shards are not opened yet.
absl::StatusOr<std::map<std::string, std::string>> ReadIndex(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const std::string text, ReadFileBytes(path, kMaxIndexBytes));
  absl::StatusOr<nlohmann::ordered_json> document = ParseStrictJson(text);
  if (!document.ok()) return Annotate(document.status(), path);
  const auto map = document->find("weight_map");
  if (!document->is_object() || map == document->end() || !map->is_object() || map->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": \"weight_map\" is missing, empty or not an object"));
  }
  std::map<std::string, std::string> result;
  for (const auto& [tensor, shard] : map->items()) {
    const std::string who = absl::StrCat(path, ": weight_map: \"", tensor, "\"");
    if (!shard.is_string()) return absl::InvalidArgumentError(absl::StrCat(who, ": not a string"));
    const std::string name = shard.get<std::string>();
    if (name.empty() || name[0] == '.' || absl::StrContains(name, "/") ||
        absl::StrContains(name, "\\") || name.find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          who, ": shard \"", name, "\" is not a plain file name in the model's directory"));
    }
    if (!absl::EndsWith(name, ".safetensors")) {
      return absl::InvalidArgumentError(
          absl::StrCat(who, ": shard \"", name, "\" is not a .safetensors file"));
    }
    result[tensor] = name;
  }
  return result;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Checkpoint>> Checkpoint::Open(const std::string& directory) {
  ABSL_RETURN_IF_ERROR(CheckDirectory(directory));
  std::map<std::string, std::string> weight_map;
  std::vector<std::string> files;
  if (Exists(absl::StrCat(directory, "/", kSingleFile))) {
    files.push_back(kSingleFile);
  } else if (const std::string index = absl::StrCat(directory, "/", kIndexFile); Exists(index)) {
    ABSL_ASSIGN_OR_RETURN(weight_map, ReadIndex(index));
    for (const auto& [tensor, shard] : weight_map) files.push_back(shard);
    std::sort(files.begin(), files.end());
    files.erase(std::unique(files.begin(), files.end()), files.end());
  } else {
    return NoWeights(directory);
  }

  std::shared_ptr<Checkpoint> checkpoint(new Checkpoint());
  checkpoint->directory_ = directory;
  for (size_t shard = 0; shard < files.size(); ++shard) {
    const std::string path = absl::StrCat(directory, "/", files[shard]);
    if (!weight_map.empty() && !Exists(path)) {
      return absl::NotFoundError(
          absl::StrCat(path, ": the shard is missing, ", kIndexFile, " names it"));
    }
    ABSL_ASSIGN_OR_RETURN(auto file, SafetensorsFile::Open(path));
    for (const TensorInfo& tensor : file->tensors()) {
      const auto [place, added] =
          checkpoint->places_.try_emplace(tensor.name, Place{static_cast<int>(shard), &tensor});
      if (!added) {
        return absl::InvalidArgumentError(absl::StrCat(directory, ": tensor \"", tensor.name,
                                                       "\" stands in ", files[place->second.shard],
                                                       " and in ", files[shard]));
      }
      if (!weight_map.empty()) {
        const auto mapped = weight_map.find(tensor.name);
        if (mapped == weight_map.end() || mapped->second != files[shard]) {
          return absl::InvalidArgumentError(absl::StrCat(
              path, ": tensor \"", tensor.name, "\": ", kIndexFile,
              mapped == weight_map.end() ? " does not map it"
                                         : absl::StrCat(" maps it to ", mapped->second)));
        }
      }
      checkpoint->names_.push_back(tensor.name);
      checkpoint->tensor_bytes_ += static_cast<int64_t>(tensor.end - tensor.begin);
      checkpoint->elements_ += tensor.elements();
    }
    checkpoint->shards_.push_back(std::move(file));
  }
  for (const auto& [tensor, shard] : weight_map) {
    if (!checkpoint->Contains(tensor)) {
      return absl::InvalidArgumentError(absl::StrCat(directory, "/", shard, ": has no tensor \"",
                                                     tensor, "\", ", kIndexFile, " maps it there"));
    }
  }
  if (checkpoint->names_.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(directory, ": the weights hold no tensor"));
  }
  std::sort(checkpoint->names_.begin(), checkpoint->names_.end());

  Sha256 digest;
  for (size_t shard = 0; shard < files.size(); ++shard) {
    const SafetensorsFile& file = *checkpoint->shards_[shard];
    digest.Update(absl::StrCat("plumbline.checkpoint.v1\n", files[shard], "\n", file.bytes().size(),
                               "\n", file.header().size(), "\n"));
    digest.Update(file.header());
    for (const TensorInfo& tensor : file.tensors()) {
      const absl::string_view data = file.data(tensor);
      digest.Update(data.substr(0, kPageBytes));
      if (data.size() <= kPageBytes) continue;
      digest.Update(data.substr(data.size() / 2, kPageBytes));
      digest.Update(data.substr(data.size() - kPageBytes));
    }
  }
  checkpoint->version_ = digest.FinishHex();
  return checkpoint;
}

const TensorInfo* Checkpoint::info(absl::string_view name) const {
  const auto place = places_.find(name);
  return place == places_.end() ? nullptr : place->second.info;
}

absl::StatusOr<at::Tensor> Checkpoint::Load(absl::string_view name) const {
  const auto place = places_.find(name);
  if (place == places_.end()) {
    return absl::NotFoundError(
        absl::StrCat(directory_, ": the checkpoint has no tensor \"", name, "\""));
  }
  return ViewTensor(shards_[place->second.shard], *place->second.info);
}

absl::StatusOr<at::Tensor> Checkpoint::Load(absl::string_view name,
                                            absl::Span<const int64_t> shape) const {
  const TensorInfo* tensor = info(name);
  if (tensor != nullptr && absl::MakeConstSpan(tensor->shape) != shape) {
    return absl::InvalidArgumentError(absl::StrCat(directory_, ": ", name, ": shape ",
                                                   ShapeString(tensor->shape), ", want ",
                                                   ShapeString(shape)));
  }
  return Load(name);
}

absl::Status Checkpoint::CheckUnchanged() const {
  for (const auto& shard : shards_) ABSL_RETURN_IF_ERROR(shard->CheckUnchanged());
  return absl::OkStatus();
}

void Checkpoint::DropPages() const {
  for (const auto& shard : shards_) shard->DropPages();
}

at::ScalarType ToScalarType(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return at::kDouble;
    case DType::kF32:
      return at::kFloat;
    case DType::kF16:
      return at::kHalf;
    case DType::kBF16:
      return at::kBFloat16;
    case DType::kI64:
      return at::kLong;
    case DType::kI32:
      return at::kInt;
    case DType::kI16:
      return at::kShort;
    case DType::kI8:
      return at::kChar;
    case DType::kU64:
      return at::kUInt64;
    case DType::kU32:
      return at::kUInt32;
    case DType::kU16:
      return at::kUInt16;
    case DType::kU8:
      return at::kByte;
    case DType::kBool:
      return at::kBool;
  }
  return at::kFloat;  // unreachable
}

at::Tensor ViewTensor(std::shared_ptr<const SafetensorsFile> file, const TensorInfo& info) {
  const absl::string_view data = file->data(info);
  const auto options = at::TensorOptions().dtype(ToScalarType(info.dtype));
  const bool aligned =
      reinterpret_cast<uintptr_t>(data.data()) % static_cast<uintptr_t>(DTypeSize(info.dtype)) == 0;
  if (!aligned || data.empty()) {
    at::Tensor copy = at::empty(info.shape, options);
    if (!data.empty()) std::memcpy(copy.data_ptr(), data.data(), data.size());
    return copy;
  }
  return at::from_blob(
      const_cast<char*>(data.data()), info.shape, [file = std::move(file)](void*) {}, options);
}

}  // namespace plumbline
