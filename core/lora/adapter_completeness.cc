// The second half of the admission proof: what the configuration promises must be in the file, and
// the whole must do something.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/lora/adapter_assembly_internal.h"
#include "core/lora/lora_tensors_internal.h"

namespace plumbline {
namespace {

// Rows of a vocabulary × dimension table, whichever way the module is used.
int64_t Vocabulary(const TargetModule& target) {
  return target.kind == TargetKind::kEmbedding ? target.in_features : target.out_features;
}
int64_t Dimension(const TargetModule& target) {
  return target.kind == TargetKind::kEmbedding ? target.out_features : target.in_features;
}

}  // namespace

std::vector<const TargetModule*> AdapterAssembly::TiedWith(const TargetModule& target) const {
  const std::string& owner = target.tied_to.empty() ? target.name : target.tied_to;
  std::vector<const TargetModule*> group;
  for (const TargetModule& module : options_.modules) {
    if (module.name == owner || module.tied_to == owner) group.push_back(&module);
  }
  return group;
}

bool AdapterAssembly::HasLoraInPeft(const TargetModule& target) const {
  if (targeting_.Targets(target)) return true;
  if (!targeting_.TiesTargets() || target.tied_to.empty()) return false;
  const TargetModule* owner = FindModule(target.tied_to);
  return owner != nullptr && targeting_.Targets(*owner);
}

// Under ensure_weight_tying the head's A and B are the embedding's B and A, transposed.
absl::Status AdapterAssembly::CheckTied() const {
  if (!targeting_.TiesTargets()) return absl::OkStatus();
  for (const auto& [name, module] : adapter_->modules) {
    const auto owner = adapter_->modules.find(module.target.tied_to);
    if (owner == adapter_->modules.end()) continue;
    if (EqualsBase(module.a, owner->second.b.t()) && EqualsBase(module.b, owner->second.a.t())) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat(name, ".lora_A: not the transpose of ", owner->first,
                     ".lora_embedding_B, adapter_config.json says ensure_weight_tying"));
  }
  return absl::OkStatus();
}

absl::Status AdapterAssembly::CheckTargetsPresent() const {
  const bool named = config_.target_modules.kind != ModuleSelection::Kind::kNone;
  for (const TargetModule& module : options_.modules) {
    if (!named || adapter_->modules.count(module.name) != 0) continue;
    if (!HasLoraInPeft(module)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(module.name, ".lora_A: missing, adapter_config.json targets this module"));
  }
  if (named && adapter_->modules.empty() && config_.target_modules.names.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("target_modules: ",
                     config_.target_modules.kind == ModuleSelection::Kind::kRegex
                         ? absl::StrCat("\"", config_.target_modules.regex, "\" matches")
                         : "names",
                     " no module of the base"));
  }
  // Lists made for several architectures are common, and PEFT passes them: a word is enough, since
  // tensors that nothing targets have been refused.
  for (const std::string& entry : config_.target_modules.names) {
    const bool matches =
        std::any_of(options_.modules.begin(), options_.modules.end(),
                    [&](const TargetModule& module) { return MatchesEntry(module.name, entry); });
    if (!matches) {
      adapter_->warnings.push_back(
          absl::StrCat("target_modules: the base has no module \"", entry, "\""));
    }
  }
  return absl::OkStatus();
}

absl::Status AdapterAssembly::CheckSavedPresent() const {
  for (const TargetModule& module : options_.modules) {
    if (!targeting_.Saves(module.name) || adapter_->replacements.count(module.name) != 0) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        module.name, ".weight: missing, adapter_config.json's modules_to_save names this module"));
  }
  for (const std::string& entry : config_.modules_to_save) {
    const bool matches = std::any_of(
        adapter_->replacements.begin(), adapter_->replacements.end(),
        [&entry](const auto& item) { return LoraTargeting::EntrySaves(entry, item.first); });
    if (!matches) {
      return absl::InvalidArgumentError(
          absl::StrCat("modules_to_save: the base has no module \"", entry, "\""));
    }
  }
  return absl::OkStatus();
}

absl::Status AdapterAssembly::CheckBiasesPresent() const {
  if (config_.bias == LoraBiasMode::kNone) return absl::OkStatus();
  for (const TargetModule& module : options_.modules) {
    if (!module.has_bias) continue;
    const bool targeted = adapter_->modules.count(module.name) != 0;
    if (config_.bias == LoraBiasMode::kLoraOnly && !targeted) continue;
    const auto found = adapter_->replacements.find(module.name);
    if (found != adapter_->replacements.end() && found->second.bias.defined()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(module.name, targeted ? ".base_layer.bias" : ".bias",
                     ": missing, adapter_config.json says bias ",
                     config_.bias == LoraBiasMode::kAll ? "all" : "lora_only"));
  }
  return absl::OkStatus();
}

std::vector<const TargetModule*> AdapterAssembly::TokenTargets(const std::string& name) const {
  std::vector<const TargetModule*> targets;
  for (const TargetModule& module : options_.modules) {
    if (module.kind != TargetKind::kEmbedding && !module.is_output_head) continue;
    if (name.empty() && module.kind == TargetKind::kEmbedding) return {&module};
    if (!name.empty() && MatchesEntry(module.name, name)) targets.push_back(&module);
  }
  return targets;
}

const std::vector<int64_t>* AdapterAssembly::TokenIndices(const TargetModule& target) const {
  for (const auto& [name, indices] : config_.trainable_token_indices) {
    for (const TargetModule* module : TokenTargets(name)) {
      if (module->name == target.name) return &indices;
    }
  }
  return nullptr;
}

absl::Status AdapterAssembly::BuildTokens(const TargetModule& target, Parts& parts) {
  const std::string where = absl::StrCat(target.name, ".token_adapter.trainable_tokens_delta");
  const std::vector<int64_t>* indices = TokenIndices(target);
  if (indices == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        where, ": adapter_config.json's trainable_token_indices does not name this module"));
  }
  if (targeting_.Saves(target.name)) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": modules_to_save replaces the same module"));
  }
  for (int64_t index : *indices) {
    if (index < Vocabulary(target)) continue;
    return absl::InvalidArgumentError(absl::StrCat("trainable_token_indices: token ", index,
                                                   ", the base's vocabulary is ",
                                                   Vocabulary(target)));
  }
  ABSL_RETURN_IF_ERROR(Need(LoraFeature::kTrainableTokens, where));
  const int64_t count = static_cast<int64_t>(indices->size());
  ABSL_ASSIGN_OR_RETURN(const at::Tensor rows, TakeFloat(target.name, AdapterPart::kTrainedTokens,
                                                         parts, {count, Dimension(target)}));
  TrainableTokens tokens;
  tokens.target = target;
  tokens.indices = *indices;
  std::sort(tokens.indices.begin(), tokens.indices.end());
  tokens.rows = RowsInOrder(rows, *indices, tokens.indices);
  for (const TargetModule* tied : TiedWith(target)) {
    if (tied->name == target.name) continue;
    // Named with other indices, the tied module is one of its own (PEFT's indices_mismatch).
    const std::vector<int64_t>* own = TokenIndices(*tied);
    if (own == nullptr || *own == *indices) tokens.tied_module = tied->name;
  }
  adapter_->tokens.push_back(std::move(tokens));
  return absl::OkStatus();
}

absl::Status AdapterAssembly::CheckTokensPresent() const {
  for (const auto& [name, indices] : config_.trainable_token_indices) {
    const std::vector<const TargetModule*> targets = TokenTargets(name);
    if (targets.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("trainable_token_indices: the base has no embedding \"", name, "\""));
    }
    for (const TargetModule* target : targets) {
      const bool present =
          std::any_of(adapter_->tokens.begin(), adapter_->tokens.end(), [&](const auto& tokens) {
            return tokens.target.name == target->name || tokens.tied_module == target->name;
          });
      if (present) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(target->name,
                       ".token_adapter.trainable_tokens_delta: missing, "
                       "adapter_config.json's trainable_token_indices names it"));
    }
  }
  return absl::OkStatus();
}

absl::Status AdapterAssembly::CheckEffect() const {
  bool effect = !adapter_->replacements.empty() || !adapter_->tokens.empty();
  int idle = 0;
  std::string first;  // what of the first idle module is zero
  for (const auto& [name, module] : adapter_->modules) {
    const bool works = module.delta_norm > 0 || module.magnitude.defined() ||
                       (module.lora_bias.defined() && AnyNonZero(module.lora_bias));
    effect = effect || works;
    if (works) continue;
    if (idle++ > 0) continue;
    first = absl::StrCat(name, !AnyNonZero(module.b)   ? ".lora_B: all zero"
                               : !AnyNonZero(module.a) ? ".lora_A: all zero"
                                                       : ": lora_B times lora_A is zero");
  }
  if (!effect) {
    return absl::InvalidArgumentError(
        absl::StrCat(first, idle > 1 ? ", nor does any other module change anything" : "",
                     ": the adapter has no effect (saved before training?)"));
  }
  if (idle > 0) {
    adapter_->warnings.push_back(
        absl::StrCat(first, idle > 1 ? absl::StrCat("; ", idle - 1, " more modules likewise") : "",
                     ": without effect"));
  }
  return absl::OkStatus();
}

}  // namespace plumbline
