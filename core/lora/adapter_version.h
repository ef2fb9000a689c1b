// The name of an adapter: a digest of its two files. No torch type here.
#ifndef PLUMBLINE_CORE_LORA_ADAPTER_VERSION_H_
#define PLUMBLINE_CORE_LORA_ADAPTER_VERSION_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/sha256.h"

namespace plumbline {

inline constexpr char kAdapterConfigFile[] = "adapter_config.json";
inline constexpr char kAdapterTensorFile[] = "adapter_model.safetensors";
inline constexpr uint64_t kMaxAdapterConfigBytes = 4 << 20;

// 64 hexadecimal digits: SHA-256 over both files, each under its name and length, so that no two
// pairs collide by moving bytes from one to the other.
std::string AdapterVersion(absl::string_view config_json, absl::string_view safetensors);

// The same in pieces: a digest to be updated with the bytes of the safetensors file, of which there
// will be `tensor_bytes`.
void BeginAdapterVersion(absl::string_view config_json, uint64_t tensor_bytes, Sha256& digest);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_LORA_ADAPTER_VERSION_H_
