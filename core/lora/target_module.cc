#include "core/lora/target_module.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace plumbline {

std::vector<int64_t> WeightShape(const TargetModule& module) {
  switch (module.kind) {
    case TargetKind::kLinear:
      return {module.out_features, module.in_features};
    case TargetKind::kConv1d:
    case TargetKind::kEmbedding:
      return {module.in_features, module.out_features};
    case TargetKind::kNorm:
      return {module.out_features};
  }
  return {};  // unreachable
}

bool MatchesEntry(absl::string_view name, absl::string_view entry) {
  return name == entry || absl::EndsWith(name, absl::StrCat(".", entry));
}

absl::string_view LoraFeatureName(LoraFeature feature) {
  switch (feature) {
    case LoraFeature::kLinear:
      return "LoRA on a linear module";
    case LoraFeature::kConv1d:
      return "LoRA on a Conv1D module (fan_in_fan_out)";
    case LoraFeature::kEmbedding:
      return "LoRA on an embedding (lora_embedding_A)";
    case LoraFeature::kOutputHead:
      return "LoRA on the output head";
    case LoraFeature::kDora:
      return "DoRA (use_dora)";
    case LoraFeature::kDoraEmbedding:
      return "DoRA (use_dora) on an embedding";
    case LoraFeature::kLoraBias:
      return "lora_bias";
    case LoraFeature::kBias:
      return "trained base biases (bias: all or lora_only)";
    case LoraFeature::kModulesToSave:
      return "replaced modules (modules_to_save or stored base weights)";
    case LoraFeature::kTrainableTokens:
      return "trainable_token_indices";
  }
  return "";  // unreachable
}

}  // namespace plumbline
