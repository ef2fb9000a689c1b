#include "core/lora/adapter_version.h"

#include <algorithm>

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

bool IsAdapterVersion(absl::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace plumbline
