// An adapter's directory:
//   adapter_config.json         lora_config.h
//   adapter_model.safetensors   adapter_keys.cc for the names, safetensors.cc for the format
// Other files (README.md, tokenizer, optimiser state) are not read. adapter_model.bin is never
// read.
#include "core/lora/adapter_files.h"

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/base/file_bytes.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

namespace fs = std::filesystem;

constexpr char kPickleFile[] = "adapter_model.bin";

bool Exists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

// Why a directory is no adapter: a checkpoint, an adapter one folder below, or nothing known.
absl::Status NoConfig(const std::string& directory) {
  std::error_code error;
  if (fs::directory_iterator entries(directory, error); !error) {
    for (; entries != fs::directory_iterator(); entries.increment(error)) {
      if (error) break;
      if (Exists(absl::StrCat(entries->path().string(), "/", kAdapterConfigFile))) {
        return absl::NotFoundError(absl::StrCat(directory, ": no ", kAdapterConfigFile, "; is \"",
                                                entries->path().string(), "\" meant?"));
      }
    }
  } else {
    return ErrnoStatus(error.value(), "read the adapter directory", directory);
  }
  if (Exists(absl::StrCat(directory, "/config.json"))) {
    return absl::NotFoundError(absl::StrCat(directory, ": no ", kAdapterConfigFile,
                                            ": a model's checkpoint, not a PEFT adapter"));
  }
  return absl::NotFoundError(absl::StrCat(directory, ": no ", kAdapterConfigFile));
}

// Makes the version of files that are still arriving, on a thread of its own.
class TrailingDigest {
 public:
  TrailingDigest(absl::string_view config_json, uint64_t tensor_bytes) {
    BeginAdapterVersion(config_json, tensor_bytes, digest_);
    thread_ = std::thread([this] { Follow(); });
  }
  ~TrailingDigest() { Join(); }

  // What has arrived so far: longer each time, and never moved.
  void Arrived(absl::string_view so_far) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    arrived_ = so_far;
  }

  std::string FinishHex() {
    Join();
    return digest_.FinishHex();
  }

 private:
  void Join() ABSL_LOCKS_EXCLUDED(mutex_) {
    if (!thread_.joinable()) return;
    {
      absl::MutexLock lock(&mutex_);
      complete_ = true;
    }
    thread_.join();
  }

  void Follow() ABSL_LOCKS_EXCLUDED(mutex_) {
    size_t done = 0;
    for (;;) {
      absl::string_view arrived;
      {
        const auto more = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
          return complete_ || arrived_.size() > done;
        };
        absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(&more));
        arrived = arrived_;
      }
      if (arrived.size() == done) return;
      digest_.Update(arrived.substr(done));
      done = arrived.size();
    }
  }

  absl::Mutex mutex_;
  absl::string_view arrived_ ABSL_GUARDED_BY(mutex_);
  bool complete_ ABSL_GUARDED_BY(mutex_) = false;
  Sha256 digest_;  // the thread's, until it has been joined
  std::thread thread_;
};

}  // namespace

absl::StatusOr<AdapterBytes> ReadAdapterFiles(const std::string& directory, uint64_t max_bytes) {
  const std::string config_path = absl::StrCat(directory, "/", kAdapterConfigFile);
  const std::string tensor_path = absl::StrCat(directory, "/", kAdapterTensorFile);
  if (!Exists(config_path)) return NoConfig(directory);
  AdapterBytes files;
  ABSL_ASSIGN_OR_RETURN(files.config_json, ReadFileBytes(config_path, kMaxAdapterConfigBytes));
  if (!Exists(tensor_path) && Exists(absl::StrCat(directory, "/", kPickleFile))) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory, ": only pickled weights (", kPickleFile,
                     "): pickles can run code and are never loaded; convert to safetensors"));
  }
  std::optional<TrailingDigest> digest;  // ends before `files` do
  ABSL_RETURN_IF_ERROR(ReadFileInto(tensor_path, max_bytes, files.tensors,
                                    [&](absl::string_view so_far, uint64_t size) {
                                      if (!digest.has_value()) {
                                        digest.emplace(files.config_json, size);
                                      }
                                      digest->Arrived(so_far);
                                    }));
  // Nothing arrives from an empty file.
  files.version =
      digest.has_value() ? digest->FinishHex() : AdapterVersion(files.config_json, files.tensors);
  return files;
}

}  // namespace plumbline
