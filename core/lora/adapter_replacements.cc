// What an adapter brings whole instead of adding to it: weights of modules_to_save, base weights
// that PEFT stores beside a LoRA, biases.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/lora/adapter_assembly_internal.h"
#include "core/lora/lora_tensors_internal.h"

namespace plumbline {

absl::StatusOr<AdapterAssembly::Whole> AdapterAssembly::TakeWhole(const TargetModule& target,
                                                                  AdapterPart part, Parts& parts) {
  const auto entry = parts.find(part);
  const std::vector<int64_t> shape = WeightShape(target);
  const bool vocabulary = target.kind == TargetKind::kEmbedding || target.is_output_head;
  if (entry != parts.end() && vocabulary && entry->second.info->shape != shape &&
      entry->second.info->shape.size() == 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        Where(target.name, part), ": shape ", ShapeString(entry->second.info->shape), ", want ",
        ShapeString(shape), ": trained on a resized vocabulary; give a base of that size"));
  }
  Whole whole;
  ABSL_ASSIGN_OR_RETURN(whole.weight, Take(target.name, part, parts, shape));
  if (options_.base_weight) {
    ABSL_ASSIGN_OR_RETURN(const at::Tensor base, options_.base_weight(target));
    whole.is_base = EqualsBase(whole.weight, base);
  }
  return whole;
}

absl::Status AdapterAssembly::BuildStoredWeight(const TargetModule& target, AdapterPart part,
                                                Parts& parts) {
  ABSL_ASSIGN_OR_RETURN(Whole whole, TakeWhole(target, part, parts));
  if (whole.is_base) return absl::OkStatus();
  ABSL_RETURN_IF_ERROR(Need(LoraFeature::kModulesToSave, Where(target.name, part)));
  // PEFT loads this into the base's parameter: modules tied to it follow.
  for (const TargetModule* tied : TiedWith(target)) {
    if (targeting_.Saves(tied->name)) continue;  // has a copy of its own
    ModuleReplacement& replacement = adapter_->replacements[tied->name];
    if (replacement.weight.defined() && !EqualsBase(whole.weight, replacement.weight)) {
      return absl::InvalidArgumentError(absl::StrCat(Where(target.name, part),
                                                     ": differs from the weight stored for \"",
                                                     tied->name, "\", in the base they are one"));
    }
    replacement.target = *tied;
    replacement.weight = whole.weight;
  }
  return absl::OkStatus();
}

absl::Status AdapterAssembly::BuildSaved(const TargetModule& target, Parts& parts) {
  ABSL_RETURN_IF_ERROR(Need(LoraFeature::kModulesToSave, Where(target.name, AdapterPart::kWeight)));
  ModuleReplacement replacement;
  replacement.target = target;
  ABSL_ASSIGN_OR_RETURN(Whole whole, TakeWhole(target, AdapterPart::kWeight, parts));
  replacement.weight = std::move(whole.weight);
  if (target.has_bias) {
    ABSL_ASSIGN_OR_RETURN(replacement.bias,
                          Take(target.name, AdapterPart::kBias, parts, {target.out_features}));
  }
  ABSL_RETURN_IF_ERROR(TakeSavedCopies(target, parts, replacement.bias));
  if (targeting_.TiesSavedModules()) {
    for (const TargetModule* tied : TiedWith(target)) {
      if (tied->name == target.name || targeting_.Saves(tied->name)) continue;
      ModuleReplacement& follower = adapter_->replacements[tied->name];
      if (follower.weight.defined() && !EqualsBase(replacement.weight, follower.weight)) {
        return absl::InvalidArgumentError(
            absl::StrCat(tied->name, ".weight: differs from ", target.name,
                         ".weight, adapter_config.json says ensure_weight_tying"));
      }
      follower.target = *tied;
      follower.weight = replacement.weight;
    }
  }
  adapter_->replacements[target.name] = std::move(replacement);
  return absl::OkStatus();
}

// With bias=all PEFT writes a saved module's bias a second time, and that of the module it
// replaces.
absl::Status AdapterAssembly::TakeSavedCopies(const TargetModule& target, Parts& parts,
                                              const at::Tensor& bias) {
  for (AdapterPart part : {AdapterPart::kSavedBias, AdapterPart::kOriginalBias}) {
    if (parts.count(part) == 0 || !bias.defined()) continue;
    ABSL_ASSIGN_OR_RETURN(const at::Tensor copy,
                          Take(target.name, part, parts, {target.out_features}));
    if (part == AdapterPart::kSavedBias && !EqualsBase(copy, bias)) {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(target.name, part), ": differs from ", target.name, ".bias"));
    }
  }
  return absl::OkStatus();
}

absl::Status AdapterAssembly::BuildBias(const TargetModule& target, AdapterPart part,
                                        Parts& parts) {
  const std::string where = Where(target.name, part);
  const bool allowed = config_.bias == LoraBiasMode::kAll ||
                       (config_.bias == LoraBiasMode::kLoraOnly && part == AdapterPart::kBaseBias);
  if (!allowed) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": a base bias, adapter_config.json says bias ",
                     config_.bias == LoraBiasMode::kNone ? "none" : "lora_only"));
  }
  if (!target.has_bias) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": the base's module has no bias"));
  }
  ABSL_RETURN_IF_ERROR(Need(LoraFeature::kBias, where));
  ModuleReplacement& replacement = adapter_->replacements[target.name];
  replacement.target = target;
  ABSL_ASSIGN_OR_RETURN(replacement.bias, Take(target.name, part, parts, {target.out_features}));
  return absl::OkStatus();
}

}  // namespace plumbline
