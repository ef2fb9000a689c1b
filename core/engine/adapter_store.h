// Adapters' files, kept by content: <directory>/<version>/adapter_config.json and
// adapter_model.safetensors.
//
// A job pins a version, and a version must mean the same bytes after a restart and after somebody
// retrained into the original folder. So what is admitted is first copied here under the digest of
// its content, and loaded from here. A version's folder appears by one rename, complete and synced
// to disk, or not at all; it is never changed afterwards.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_ENGINE_ADAPTER_STORE_H_
#define PLUMBLINE_CORE_ENGINE_ADAPTER_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

struct StoredAdapter {
  std::string version;  // 64 hexadecimal digits (core/lora/adapter_version.h)
  std::string path;     // the folder, to be loaded
  int64_t bytes = 0;    // of the two files
};

// Thread-safe; several processes may share a directory.
class AdapterStore {
 public:
  // Makes the directory where it is missing and removes what an interrupted import left behind
  // (older than an hour, so that another process's import in progress is left alone).
  static absl::StatusOr<std::unique_ptr<AdapterStore>> Open(const std::string& directory);

  // Keeps a copy of the adapter's files. A version that is already here is verified and kept; one
  // that is here but damaged is replaced. Nothing is checked of the content: that is
  // CheckLoraAdapter's work. `version` is AdapterVersion of the files. ResourceExhausted: no space,
  // nothing is left behind.
  absl::StatusOr<StoredAdapter> Import(absl::string_view version, absl::string_view config_json,
                                       absl::string_view tensors) const;

  // Reads the version's files again and compares their digest with its name. NotFound: not here.
  // DataLoss: the files are not what they were. InvalidArgument: not a version's name.
  absl::StatusOr<StoredAdapter> Verify(absl::string_view version) const;

  // OK when it is not here. Whoever loaded it keeps its tensors; the caller knows that no job will
  // need the files again.
  absl::Status Remove(absl::string_view version) const;

  // Sorted; damaged ones included.
  absl::StatusOr<std::vector<std::string>> List() const;

 private:
  explicit AdapterStore(std::string directory) : directory_(std::move(directory)) {}
  std::string PathOf(absl::string_view version) const;

  std::string directory_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_ADAPTER_STORE_H_
