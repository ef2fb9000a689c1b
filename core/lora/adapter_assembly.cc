#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/names.h"
#include "core/base/parallel_for.h"
#include "core/base/status_macros.h"
#include "core/lora/adapter_assembly_internal.h"
#include "core/lora/lora_tensors_internal.h"
#include "core/weights/checkpoint_internal.h"

namespace plumbline {
namespace {

constexpr AdapterPart kLoraParts[] = {AdapterPart::kLoraA,      AdapterPart::kLoraB,
                                      AdapterPart::kLoraBBias,  AdapterPart::kMagnitude,
                                      AdapterPart::kEmbeddingA, AdapterPart::kEmbeddingB};

}  // namespace

std::string AdapterAssembly::Where(absl::string_view module, AdapterPart part) {
  return absl::StrCat(module, ".", AdapterPartName(part));
}

AdapterAssembly::AdapterAssembly(const LoraConfig& config, const LoraTargeting& targeting,
                                 const LoraLoadOptions& options)
    : config_(config),
      targeting_(targeting),
      options_(options),
      adapter_(std::make_shared<LoraAdapter>()) {
  for (const TargetModule& module : options.modules) base_[module.name] = &module;
}

const TargetModule* AdapterAssembly::FindModule(absl::string_view name) const {
  const auto found = base_.find(name);
  return found == base_.end() ? nullptr : found->second;
}

absl::Status AdapterAssembly::NoModule(const std::string& key, const std::string& module) const {
  std::string hint;
  int best = 4;  // farther than this is not a misspelling
  for (const TargetModule& candidate : options_.modules) {
    const int distance = EditDistance(module, candidate.name, best);
    if (distance < best) {
      best = distance;
      hint = absl::StrCat(" (did it mean \"", candidate.name, "\"?)");
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("tensor \"", key, "\": the base has no module \"",
                                                 module, "\"", hint,
                                                 hint.empty() ? ": made for another base?" : ""));
}

absl::Status AdapterAssembly::CheckUniform(const std::string& key, const AdapterKey& parsed) {
  if (!has_prefix_.has_value()) has_prefix_ = parsed.has_prefix;
  if (*has_prefix_ != parsed.has_prefix) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor \"", key, "\": ", parsed.has_prefix ? "has" : "lacks",
                     " the prefix base_model.model., tensors before it ",
                     parsed.has_prefix ? "lack it" : "have it"));
  }
  const bool may_have_name =
      parsed.part == AdapterPart::kTrainedTokens ||
      std::find(std::begin(kLoraParts), std::end(kLoraParts), parsed.part) != std::end(kLoraParts);
  if (!may_have_name) return absl::OkStatus();
  if (!adapter_name_.has_value()) adapter_name_ = parsed.adapter_name;
  if (*adapter_name_ != parsed.adapter_name) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tensor \"", key, "\": of adapter \"", parsed.adapter_name,
        "\", tensors before it of adapter \"", *adapter_name_, "\": one file, one adapter"));
  }
  return absl::OkStatus();
}

absl::Status AdapterAssembly::Need(LoraFeature feature, const std::string& where) const {
  if (options_.supported.Contains(feature)) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(where, ": needs ", LoraFeatureName(feature),
                                               ", which this engine does not apply"));
}

absl::Status AdapterAssembly::Add(const std::shared_ptr<const SafetensorsFile>& file,
                                  const TensorInfo& info) {
  ABSL_ASSIGN_OR_RETURN(const AdapterKey key, ParseAdapterKey(info.name));
  ABSL_RETURN_IF_ERROR(CheckUniform(info.name, key));
  if (FindModule(key.module) == nullptr) return NoModule(info.name, key.module);
  switch (info.dtype) {
    case DType::kF64:
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
      break;
    default:
      return absl::InvalidArgumentError(absl::StrCat("tensor \"", info.name, "\": dtype ",
                                                     DTypeName(info.dtype),
                                                     ", want a floating-point one"));
  }
  const auto [entry, added] =
      found_[key.module].try_emplace(key.part, Entry{info.name, file, &info, false});
  if (!added) {
    return absl::InvalidArgumentError(absl::StrCat("tensor \"", info.name, "\": the same as \"",
                                                   entry->second.key, "\" by another name"));
  }
  ++adapter_->tensors_in_file;
  return absl::OkStatus();
}

absl::StatusOr<at::Tensor> AdapterAssembly::Take(const std::string& module, AdapterPart part,
                                                 Parts& parts, const std::vector<int64_t>& shape) {
  const auto found = parts.find(part);
  if (found == parts.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Where(module, part), ": missing, the file has \"", parts.begin()->second.key,
                     "\" for this module"));
  }
  Entry& entry = found->second;
  ABSL_RETURN_IF_ERROR(CheckShape(entry.info->shape, shape, Where(module, part)));
  at::Tensor tensor = ViewTensor(entry.file, *entry.info);
  to_be_finite_.emplace_back(tensor,
                             absl::StrCat("tensor \"", entry.key, "\": holds NaN or infinity"));
  entry.applied = true;
  ++adapter_->tensors_applied;
  return tensor;
}

absl::StatusOr<at::Tensor> AdapterAssembly::TakeFloat(const std::string& module, AdapterPart part,
                                                      Parts& parts,
                                                      const std::vector<int64_t>& shape) {
  ABSL_ASSIGN_OR_RETURN(const at::Tensor tensor, Take(module, part, parts, shape));
  at::Tensor single = tensor.to(at::kFloat);
  if (!single.is_same(tensor)) {
    to_be_finite_.emplace_back(
        single, absl::StrCat(Where(module, part), ": holds a value beyond fp32's range"));
  }
  return single;
}

absl::Status AdapterAssembly::CheckRank(const LoraModule& module) const {
  const std::string& name = module.target.name;
  const int64_t configured = targeting_.Rank(name);
  if (module.rank == configured) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, ".lora_A: rank ", module.rank, ", adapter_config.json says ", configured,
                   configured == config_.r ? " (r)" : " (rank_pattern)"));
}

absl::Status AdapterAssembly::NeedForLora(const LoraModule& module) const {
  const TargetModule& target = module.target;
  LoraFeature feature = LoraFeature::kLinear;
  if (target.is_output_head) feature = LoraFeature::kOutputHead;
  if (target.kind == TargetKind::kConv1d) feature = LoraFeature::kConv1d;
  if (target.kind == TargetKind::kEmbedding) feature = LoraFeature::kEmbedding;
  ABSL_RETURN_IF_ERROR(Need(feature, Where(target.name, AdapterPart::kLoraA)));
  if (module.magnitude.defined()) {
    ABSL_RETURN_IF_ERROR(Need(
        target.kind == TargetKind::kEmbedding ? LoraFeature::kDoraEmbedding : LoraFeature::kDora,
        Where(target.name, AdapterPart::kMagnitude)));
  }
  if (module.lora_bias.defined()) {
    ABSL_RETURN_IF_ERROR(Need(LoraFeature::kLoraBias, Where(target.name, AdapterPart::kLoraBBias)));
  }
  return absl::OkStatus();
}

absl::Status AdapterAssembly::BuildLoraExtras(const TargetModule& target, Parts& parts,
                                              LoraModule& module) {
  const bool has_magnitude = parts.count(AdapterPart::kMagnitude) != 0;
  if (has_magnitude != config_.use_dora) {
    return absl::InvalidArgumentError(absl::StrCat(
        Where(target.name, AdapterPart::kMagnitude), has_magnitude ? ": present" : ": missing",
        ", adapter_config.json says use_dora ", config_.use_dora ? "true" : "false"));
  }
  if (has_magnitude) {
    ABSL_ASSIGN_OR_RETURN(module.magnitude, TakeFloat(target.name, AdapterPart::kMagnitude, parts,
                                                      {target.out_features}));
  }
  const bool has_bias = parts.count(AdapterPart::kLoraBBias) != 0;
  if (has_bias != config_.lora_bias) {
    return absl::InvalidArgumentError(absl::StrCat(
        Where(target.name, AdapterPart::kLoraBBias), has_bias ? ": present" : ": missing",
        ", adapter_config.json says lora_bias ", config_.lora_bias ? "true" : "false"));
  }
  if (has_bias) {
    ABSL_ASSIGN_OR_RETURN(module.lora_bias, TakeFloat(target.name, AdapterPart::kLoraBBias, parts,
                                                      {target.out_features}));
  }
  return absl::OkStatus();
}

absl::Status AdapterAssembly::BuildLora(const TargetModule& target, Parts& parts) {
  if (target.kind == TargetKind::kNorm) {
    return absl::InvalidArgumentError(absl::StrCat("tensor \"", parts.begin()->second.key,
                                                   "\": LoRA on a norm module does not exist"));
  }
  if (config_.target_modules.kind != ModuleSelection::Kind::kNone && !HasLoraInPeft(target)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tensor \"", parts.begin()->second.key,
        "\": adapter_config.json does not target this module (target_modules, exclude_modules, "
        "modules_to_save, layers_to_transform)"));
  }
  const bool embedding = target.kind == TargetKind::kEmbedding;
  const AdapterPart part_a = embedding ? AdapterPart::kEmbeddingA : AdapterPart::kLoraA;
  const AdapterPart part_b = embedding ? AdapterPart::kEmbeddingB : AdapterPart::kLoraB;
  LoraModule module;
  module.target = target;
  ABSL_ASSIGN_OR_RETURN(module.a, TakeFloat(target.name, part_a, parts, {-1, target.in_features}));
  module.rank = module.a.size(0);
  if (module.rank < 1) {
    return absl::InvalidArgumentError(absl::StrCat(Where(target.name, part_a), ": rank 0"));
  }
  ABSL_ASSIGN_OR_RETURN(module.b,
                        TakeFloat(target.name, part_b, parts, {target.out_features, module.rank}));
  ABSL_RETURN_IF_ERROR(CheckRank(module));
  ABSL_RETURN_IF_ERROR(BuildLoraExtras(target, parts, module));
  ABSL_RETURN_IF_ERROR(NeedForLora(module));
  module.alpha = targeting_.Alpha(target.name);
  module.scaling = targeting_.Scaling(target.name, module.rank);
  adapter_->modules.emplace(target.name, std::move(module));
  return absl::OkStatus();
}

absl::Status AdapterAssembly::BuildModule(const TargetModule& target, Parts& parts) {
  const bool has_lora = std::any_of(std::begin(kLoraParts), std::end(kLoraParts),
                                    [&parts](AdapterPart part) { return parts.count(part) != 0; });
  if (has_lora) ABSL_RETURN_IF_ERROR(BuildLora(target, parts));
  if (parts.count(AdapterPart::kTrainedTokens) != 0) {
    ABSL_RETURN_IF_ERROR(BuildTokens(target, parts));
  }
  // "base_layer." exists under a LoRA only, a bare parameter beside none.
  for (const auto& [part, entry] : parts) {
    const bool base_layer = part == AdapterPart::kBaseWeight || part == AdapterPart::kBaseBias;
    const bool bare = part == AdapterPart::kWeight || part == AdapterPart::kBias;
    if ((base_layer && !has_lora) || (bare && has_lora)) {
      return absl::InvalidArgumentError(absl::StrCat("tensor \"", entry.key, "\": the module has ",
                                                     has_lora ? "a" : "no",
                                                     " LoRA, so this name does not exist in PEFT"));
    }
  }
  if (parts.count(AdapterPart::kBaseWeight) != 0) {
    ABSL_RETURN_IF_ERROR(BuildStoredWeight(target, AdapterPart::kBaseWeight, parts));
  }
  if (parts.count(AdapterPart::kBaseBias) != 0) {
    ABSL_RETURN_IF_ERROR(BuildBias(target, AdapterPart::kBaseBias, parts));
  }
  if (parts.count(AdapterPart::kWeight) == 0 && parts.count(AdapterPart::kBias) == 0) {
    return absl::OkStatus();
  }
  if (targeting_.Saves(target.name)) return BuildSaved(target, parts);
  if (const auto weight = parts.find(AdapterPart::kWeight); weight != parts.end()) {
    // PEFT stores embeddings and output heads whole when their size changed, or on demand.
    if (target.kind != TargetKind::kEmbedding && !target.is_output_head) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor \"", weight->second.key,
          "\": a whole weight, adapter_config.json's modules_to_save does not name it"));
    }
    ABSL_RETURN_IF_ERROR(BuildStoredWeight(target, AdapterPart::kWeight, parts));
  }
  if (parts.count(AdapterPart::kBias) != 0) return BuildBias(target, AdapterPart::kBias, parts);
  return absl::OkStatus();
}

absl::Status AdapterAssembly::CheckValues() {
  std::vector<char> finite(to_be_finite_.size());
  ParallelFor(static_cast<int64_t>(finite.size()), options_.threads, [&](int64_t i) {
    finite[static_cast<size_t>(i)] = AllFinite(to_be_finite_[static_cast<size_t>(i)].first);
  });
  for (size_t i = 0; i < finite.size(); ++i) {
    if (!finite[i]) return absl::InvalidArgumentError(to_be_finite_[i].second);
  }
  std::vector<LoraModule*> modules;
  for (auto& [name, module] : adapter_->modules) modules.push_back(&module);
  ParallelFor(static_cast<int64_t>(modules.size()), options_.threads, [&](int64_t i) {
    at::set_num_threads(1);  // this thread's products do not call for others
    LoraModule& module = *modules[static_cast<size_t>(i)];
    module.delta_norm = DeltaNorm(module);
  });
  for (const LoraModule* module : modules) {
    if (std::isfinite(module->delta_norm)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(module->target.name, ": lora_B times lora_A is beyond fp32's range"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<LoraAdapter>> AdapterAssembly::Finish() {
  if (found_.empty()) return absl::InvalidArgumentError("the file holds no tensor");
  for (auto& [name, parts] : found_) {
    ABSL_RETURN_IF_ERROR(BuildModule(*FindModule(name), parts));
  }
  for (const auto& [name, parts] : found_) {
    for (const auto& [part, entry] : parts) {
      if (entry.applied) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor \"", entry.key, "\": ", AdapterPartName(part), " has no place on this module"));
    }
  }
  ABSL_RETURN_IF_ERROR(CheckValues());
  ABSL_RETURN_IF_ERROR(CheckTied());
  ABSL_RETURN_IF_ERROR(CheckTargetsPresent());
  ABSL_RETURN_IF_ERROR(CheckSavedPresent());
  ABSL_RETURN_IF_ERROR(CheckBiasesPresent());
  ABSL_RETURN_IF_ERROR(CheckTokensPresent());
  ABSL_RETURN_IF_ERROR(CheckEffect());
  return adapter_;
}

}  // namespace plumbline
