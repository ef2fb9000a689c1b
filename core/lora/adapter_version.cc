#include "core/lora/adapter_version.h"

#include "absl/strings/str_cat.h"

namespace plumbline {

void BeginAdapterVersion(absl::string_view config_json, uint64_t tensor_bytes, Sha256& digest) {
  digest.Update("plumbline.adapter.v1\n");
  digest.Update(absl::StrCat(kAdapterConfigFile, " ", config_json.size(), "\n"));
  digest.Update(config_json);
  digest.Update(absl::StrCat(kAdapterTensorFile, " ", tensor_bytes, "\n"));
}

std::string AdapterVersion(absl::string_view config_json, absl::string_view safetensors) {
  Sha256 digest;
  BeginAdapterVersion(config_json, safetensors.size(), digest);
  digest.Update(safetensors);
  return digest.FinishHex();
}

}  // namespace plumbline
