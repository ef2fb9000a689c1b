// An adapter's two files in memory, read once: what is checked, what is named by its digest and
// what the store keeps are the same bytes, whatever happens to the folder meanwhile. No torch type
// here.
#ifndef PLUMBLINE_CORE_LORA_ADAPTER_FILES_H_
#define PLUMBLINE_CORE_LORA_ADAPTER_FILES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/lora/adapter_version.h"

namespace plumbline {

// Tensors of more bytes are refused at load.
inline constexpr uint64_t kMaxAdapterBytes = uint64_t{16} << 30;

struct AdapterBytes {
  std::string config_json;  // adapter_config.json
  std::string tensors;      // adapter_model.safetensors
  std::string version;      // AdapterVersion of both
};

// Reads both files of `directory`; a thread of its own digests what has been read while the rest is
// still coming. Nothing is checked of the content. NotFound, PermissionDenied: the path.
// ResourceExhausted: tensors of more than `max_bytes`. FailedPrecondition: only pickled weights.
absl::StatusOr<AdapterBytes> ReadAdapterFiles(const std::string& directory,
                                              uint64_t max_bytes = kMaxAdapterBytes);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_LORA_ADAPTER_FILES_H_
