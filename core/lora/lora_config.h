// adapter_config.json of a PEFT LoRA adapter: parsed, validated, and asked "is this module
// targeted, with which rank, alpha and scaling?" with PEFT's own answers.
//
// The one idea: a key that changes the forward pass and is not understood is an error that names
// it; a key that does not is a warning. A wrong guess here would be an adapter that silently does
// something else than its author's.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_LORA_LORA_CONFIG_H_
#define PLUMBLINE_CORE_LORA_LORA_CONFIG_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/lora/target_module.h"

namespace plumbline {

// `target_modules` and `exclude_modules`: nothing, a list of names, a regular expression, or the
// shorthand "all-linear".
struct ModuleSelection {
  enum class Kind { kNone, kList, kRegex, kAllLinear };
  Kind kind = Kind::kNone;
  std::vector<std::string> names;  // kList: a full name, or the last components of one
  std::string regex;               // kRegex: Python's, matched against the full name
};

enum class LoraBiasMode { kNone, kAll, kLoraOnly };

// The keys that matter, with PEFT's defaults.
struct LoraConfig {
  std::string base_model_name_or_path;
  std::string task_type;
  int64_t r = 8;
  double lora_alpha = 8;
  ModuleSelection target_modules;
  ModuleSelection exclude_modules;
  // Keys are Python regular expressions; the first in the file's order that matches decides.
  std::vector<std::pair<std::string, int64_t>> rank_pattern;
  std::vector<std::pair<std::string, double>> alpha_pattern;
  std::optional<std::vector<int64_t>> layers_to_transform;
  std::vector<std::string> layers_pattern;
  bool use_rslora = false;
  bool use_dora = false;
  bool lora_bias = false;
  bool fan_in_fan_out = false;
  bool ensure_weight_tying = false;
  LoraBiasMode bias = LoraBiasMode::kNone;
  std::vector<std::string> modules_to_save;
  // Embedding's name (as in target_modules; "" is the input embedding) → token ids, as written.
  std::vector<std::pair<std::string, std::vector<int64_t>>> trainable_token_indices;
  std::string init_lora_weights = "true";  // "true", "false" or the initialisation's name
  // Unknown keys and the like, for the admission report.
  std::vector<std::string> warnings;
};

// Parses and validates. InvalidArgument names the key: malformed or duplicate keys, wrong types,
// absurd numbers. Unimplemented names the key too: another peft_type, or an option that changes the
// forward pass and is not supported.
absl::StatusOr<LoraConfig> ParseLoraConfig(absl::string_view json);

// Answers for module names, with every pattern compiled once. Thread-safe.
class LoraTargeting {
 public:
  // InvalidArgument: a pattern that is not a regular expression, by key. Unimplemented: one that
  // needs Python's look-around or back-references.
  static absl::StatusOr<LoraTargeting> Compile(const LoraConfig& config);

  // Whether PEFT would put a LoRA layer on this module.
  bool Targets(const TargetModule& module) const;
  // r and lora_alpha after rank_pattern and alpha_pattern.
  int64_t Rank(absl::string_view module) const;
  double Alpha(absl::string_view module) const;
  // alpha / r, or alpha / √r with use_rslora; `rank` is the module's.
  double Scaling(absl::string_view module, int64_t rank) const;
  // Whether ensure_weight_tying carries a saved embedding, or a LoRA on one, over to the output
  // head tied to it. PEFT knows embeddings by the names "embed_tokens" and "lm_head" only: GPT-2's
  // "wte" is never tied.
  bool TiesSavedModules() const;
  bool TiesTargets() const;
  // Whether modules_to_save names this module or one that contains it ("mlp" saves "…mlp.up_proj").
  bool Saves(absl::string_view module) const;
  // The same for one entry.
  static bool EntrySaves(absl::string_view entry, absl::string_view module);

  ~LoraTargeting();
  LoraTargeting(LoraTargeting&&) noexcept;
  LoraTargeting& operator=(LoraTargeting&&) noexcept;

 private:
  struct Compiled;
  explicit LoraTargeting(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_LORA_LORA_CONFIG_H_
