// Keys, as accepted:
//
//   key     = ["base_model.model."] module "." part
//   part    = "lora_A" infix ".weight"            | "lora_B" infix ".weight"
//           | "lora_B" infix ".bias"
//           | "lora_embedding_A" infix            | "lora_embedding_B" infix
//           | "lora_magnitude_vector" infix [".weight"]
//           | "base_layer.weight" | "base_layer.bias" | "weight" | "bias"
//           | "modules_to_save.bias" | "original_module.bias"
//           | "token_adapter.trainable_tokens_delta" infix
//   infix   = ["." adapter name without a dot]
//
// PEFT writes the prefix and no infix. transformers' own adapter loader knows keys without the
// prefix, and state dicts saved by hand carry the infix; both are unambiguous, so both are read.
// PEFT itself would drop such tensors with a warning; here a file must be uniform (one prefix form,
// one adapter name), and every tensor is applied or refused.
#include "core/lora/adapter_keys.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"

namespace plumbline {
namespace {

constexpr absl::string_view kPrefix = "base_model.model.";

struct PartRow {
  AdapterPart part;
  absl::string_view name;    // first component of the part
  absl::string_view suffix;  // last component; empty: none
  bool may_lack_suffix = false;
};
constexpr PartRow kLoraParts[] = {
    {AdapterPart::kLoraA, "lora_A", "weight"},
    {AdapterPart::kLoraB, "lora_B", "weight"},
    {AdapterPart::kLoraBBias, "lora_B", "bias"},
    {AdapterPart::kMagnitude, "lora_magnitude_vector", "weight", true},
    {AdapterPart::kEmbeddingA, "lora_embedding_A", ""},
    {AdapterPart::kEmbeddingB, "lora_embedding_B", ""},
    {AdapterPart::kTrainedTokens, "trainable_tokens_delta", ""},
};

struct ForeignRow {
  absl::string_view component;  // a component of the key begins with it
  absl::string_view method;
};
constexpr ForeignRow kForeign[] = {
    {"hada_", "LoHa"},
    {"lokr_", "LoKr"},
    {"ia3_l", "IA3"},
    {"vera_", "VeRA"},
    {"lora_E", "AdaLoRA"},
    {"ranknum", "AdaLoRA"},
    {"oft_", "OFT"},
    {"boft_", "BOFT"},
    {"vblora_", "VB-LoRA"},
    {"fourierft_", "FourierFT"},
    {"prompt_embeddings", "prompt tuning"},
    {"ln_tuning_", "LN tuning"},
    {"hra_", "HRA"},
    {"bone_", "Bone"},
    {"lora_conv", "a convolution"},
    {"lora_ga", "LoRA-GA"},
};

absl::Status NotAKey(absl::string_view key, const std::vector<absl::string_view>& components) {
  for (absl::string_view component : components) {
    for (const ForeignRow& row : kForeign) {
      if (absl::StartsWith(component, row.component)) {
        return absl::InvalidArgumentError(absl::StrCat("tensor \"", key, "\": \"", component,
                                                       "\" belongs to ", row.method, ", not LoRA"));
      }
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("tensor \"", key, "\": not a key of a PEFT LoRA adapter"));
}

// Whether components[at..] spell the part with or without an adapter's name between.
bool MatchPart(const PartRow& row, absl::Span<const absl::string_view> rest, std::string* infix) {
  if (rest.empty() || rest[0] != row.name) return false;
  rest.remove_prefix(1);
  if (!row.suffix.empty()) {
    const bool there = !rest.empty() && rest.back() == row.suffix;
    if (!there && !row.may_lack_suffix) return false;
    if (there) rest.remove_suffix(1);
  }
  if (rest.size() > 1) return false;
  infix->assign(rest.empty() ? "" : std::string(rest[0]));
  return rest.empty() || !rest[0].empty();
}

}  // namespace

absl::string_view AdapterPartName(AdapterPart part) {
  switch (part) {
    case AdapterPart::kLoraA:
      return "lora_A";
    case AdapterPart::kLoraB:
      return "lora_B";
    case AdapterPart::kLoraBBias:
      return "lora_B.bias";
    case AdapterPart::kMagnitude:
      return "lora_magnitude_vector";
    case AdapterPart::kEmbeddingA:
      return "lora_embedding_A";
    case AdapterPart::kEmbeddingB:
      return "lora_embedding_B";
    case AdapterPart::kBaseWeight:
      return "base_layer.weight";
    case AdapterPart::kBaseBias:
      return "base_layer.bias";
    case AdapterPart::kWeight:
      return "weight";
    case AdapterPart::kBias:
      return "bias";
    case AdapterPart::kSavedBias:
      return "modules_to_save.bias";
    case AdapterPart::kOriginalBias:
      return "original_module.bias";
    case AdapterPart::kTrainedTokens:
      return "token_adapter.trainable_tokens_delta";
  }
  return "";  // unreachable
}

absl::StatusOr<AdapterKey> ParseAdapterKey(absl::string_view key) {
  AdapterKey parsed;
  absl::string_view path = key;
  parsed.has_prefix = absl::ConsumePrefix(&path, kPrefix);
  const std::vector<absl::string_view> components = absl::StrSplit(path, '.');
  const auto finish = [&](AdapterPart part,
                          size_t module_components) -> absl::StatusOr<AdapterKey> {
    if (module_components == 0) return NotAKey(key, components);
    parsed.part = part;
    parsed.module = absl::StrJoin(components.begin(), components.begin() + module_components, ".");
    return parsed;
  };
  for (size_t at = 0; at < components.size(); ++at) {
    const absl::Span<const absl::string_view> rest = absl::MakeConstSpan(components).subspan(at);
    for (const PartRow& row : kLoraParts) {
      if (!MatchPart(row, rest, &parsed.adapter_name)) continue;
      if (row.part != AdapterPart::kTrainedTokens) return finish(row.part, at);
      if (at == 0 || components[at - 1] != "token_adapter") return NotAKey(key, components);
      return finish(row.part, at - 1);
    }
  }
  parsed.adapter_name.clear();
  for (absl::string_view component : components) {
    if (absl::StartsWith(component, "lora_") || component.empty()) return NotAKey(key, components);
    for (const ForeignRow& row : kForeign) {
      if (absl::StartsWith(component, row.component)) return NotAKey(key, components);
    }
  }
  const bool is_weight = components.back() == "weight";
  if (!is_weight && components.back() != "bias") return NotAKey(key, components);
  const absl::string_view owner =
      components.size() >= 2 ? components[components.size() - 2] : absl::string_view();
  if (owner == "base_layer") {
    return finish(is_weight ? AdapterPart::kBaseWeight : AdapterPart::kBaseBias,
                  components.size() - 2);
  }
  if (!is_weight && owner == "modules_to_save") {
    return finish(AdapterPart::kSavedBias, components.size() - 2);
  }
  if (!is_weight && owner == "original_module") {
    return finish(AdapterPart::kOriginalBias, components.size() - 2);
  }
  return finish(is_weight ? AdapterPart::kWeight : AdapterPart::kBias, components.size() - 1);
}

}  // namespace plumbline
