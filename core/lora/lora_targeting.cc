// Which modules a configuration targets: PEFT's check_target_module_exists and get_pattern_key
// (peft/tuners/tuners_utils.py, peft/utils/other.py, 0.21), rule for rule.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/lora/lora_config.h"
#include "core/lora/python_regex.h"

namespace plumbline {
namespace {

bool NamesAnEmbedding(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    if (MatchesEntry(entry, "embed_tokens") || MatchesEntry(entry, "lm_head")) return true;
  }
  return false;
}

struct CompiledSelection {
  ModuleSelection selection;
  std::unique_ptr<RE2> regex;
};

absl::StatusOr<CompiledSelection> CompileSelection(const ModuleSelection& selection,
                                                   absl::string_view key) {
  CompiledSelection compiled{selection, nullptr};
  if (selection.kind == ModuleSelection::Kind::kRegex) {
    absl::StatusOr<std::unique_ptr<RE2>> regex = CompilePythonRegex(selection.regex);
    if (!regex.ok()) return Annotate(regex.status(), key);
    compiled.regex = *std::move(regex);
  }
  return compiled;
}

template <typename T>
struct PatternRow {
  std::unique_ptr<RE2> regex;
  T value;
};

// re.match(rf"(.*\.)?({key})$", module)
template <typename T>
absl::StatusOr<std::vector<PatternRow<T>>> CompilePatterns(
    const std::vector<std::pair<std::string, T>>& patterns, absl::string_view key) {
  std::vector<PatternRow<T>> rows;
  for (const auto& [pattern, value] : patterns) {
    absl::StatusOr<std::unique_ptr<RE2>> regex = CompilePythonRegex(pattern, "(?:.*\\.)?(?:", ")$");
    if (!regex.ok()) return Annotate(regex.status(), key);
    rows.push_back({*std::move(regex), value});
  }
  return rows;
}

template <typename T>
T FirstMatch(const std::vector<PatternRow<T>>& rows, absl::string_view module, T otherwise) {
  const re2::StringPiece name(module.data(), module.size());
  for (const PatternRow<T>& row : rows) {
    if (RE2::FullMatch(name, *row.regex)) return row.value;
  }
  return otherwise;
}

}  // namespace

struct LoraTargeting::Compiled {
  CompiledSelection target;
  CompiledSelection exclude;
  std::vector<PatternRow<int64_t>> rank;
  std::vector<PatternRow<double>> alpha;
  std::vector<int64_t> layers;
  std::vector<std::unique_ptr<RE2>> layer_patterns;
  std::vector<std::string> saved;
  int64_t r = 8;
  double lora_alpha = 8;
  bool use_rslora = false;
  bool ties_saved = false;
  bool ties_targets = false;

  bool Excludes(absl::string_view module) const;
  bool InLayers(absl::string_view module) const;
};

bool LoraTargeting::Compiled::Excludes(absl::string_view module) const {
  const re2::StringPiece name(module.data(), module.size());
  if (exclude.regex != nullptr && RE2::FullMatch(name, *exclude.regex)) return true;
  for (const std::string& entry : exclude.selection.names) {
    if (MatchesEntry(module, entry)) return true;
  }
  return false;
}

bool LoraTargeting::Compiled::InLayers(absl::string_view module) const {
  const re2::StringPiece name(module.data(), module.size());
  for (const auto& pattern : layer_patterns) {
    re2::StringPiece digits;
    // The first pattern that matches decides, whether or not its index is wanted.
    const auto groups = pattern->NamedCapturingGroups();
    const int index = groups.at("idx");
    std::vector<re2::StringPiece> captured(static_cast<size_t>(index) + 1);
    if (!pattern->Match(name, 0, name.size(), RE2::ANCHOR_START, captured.data(), index + 1)) {
      continue;
    }
    int64_t layer = -1;
    const re2::StringPiece& text = captured[static_cast<size_t>(index)];
    if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &layer)) return false;
    for (int64_t wanted : layers) {
      if (wanted == layer) return true;
    }
    return false;
  }
  return false;
}

absl::StatusOr<LoraTargeting> LoraTargeting::Compile(const LoraConfig& config) {
  auto compiled = std::make_unique<Compiled>();
  ABSL_ASSIGN_OR_RETURN(compiled->target,
                        CompileSelection(config.target_modules, "target_modules"));
  ABSL_ASSIGN_OR_RETURN(compiled->exclude,
                        CompileSelection(config.exclude_modules, "exclude_modules"));
  ABSL_ASSIGN_OR_RETURN(compiled->rank, CompilePatterns(config.rank_pattern, "rank_pattern"));
  ABSL_ASSIGN_OR_RETURN(compiled->alpha, CompilePatterns(config.alpha_pattern, "alpha_pattern"));
  if (config.layers_to_transform.has_value()) compiled->layers = *config.layers_to_transform;
  if (config.layers_pattern.empty()) {
    ABSL_ASSIGN_OR_RETURN(auto any, CompilePythonRegex(".*?\\.[^.]*\\.(?P<idx>\\d+)\\."));
    compiled->layer_patterns.push_back(std::move(any));
  }
  for (const std::string& pattern : config.layers_pattern) {
    // Not grouped, as in PEFT: an alternation in the pattern splits the whole expression.
    absl::StatusOr<std::unique_ptr<RE2>> regex =
        CompilePythonRegex(pattern, "(?:^|.*?\\.)", "\\.(?P<idx>\\d+)\\.");
    if (!regex.ok()) return Annotate(regex.status(), "layers_pattern");
    compiled->layer_patterns.push_back(*std::move(regex));
  }
  compiled->saved = config.modules_to_save;
  // BaseTuner._check_tied_modules
  if (config.ensure_weight_tying) {
    compiled->ties_saved = NamesAnEmbedding(config.modules_to_save);
    compiled->ties_targets =
        !compiled->ties_saved && (compiled->target.regex != nullptr
                                      ? RE2::FullMatch("embed_tokens", *compiled->target.regex) ||
                                            RE2::FullMatch("lm_head", *compiled->target.regex)
                                      : NamesAnEmbedding(config.target_modules.names));
  }
  compiled->r = config.r;
  compiled->lora_alpha = config.lora_alpha;
  compiled->use_rslora = config.use_rslora;
  return LoraTargeting(std::move(compiled));
}

bool LoraTargeting::Targets(const TargetModule& module) const {
  if (compiled_->Excludes(module.name) || Saves(module.name)) return false;
  const CompiledSelection& target = compiled_->target;
  switch (target.selection.kind) {
    case ModuleSelection::Kind::kNone:
      return false;
    case ModuleSelection::Kind::kAllLinear:
      return (module.kind == TargetKind::kLinear || module.kind == TargetKind::kConv1d) &&
             !module.is_output_head;
    case ModuleSelection::Kind::kRegex:
      return RE2::FullMatch(module.name, *target.regex);
    case ModuleSelection::Kind::kList:
      break;
  }
  bool found = false;
  for (const std::string& entry : target.selection.names) {
    if (module.name == entry) return true;  // a full name bypasses layers_to_transform
    found = found || MatchesEntry(module.name, entry);
  }
  return found && (compiled_->layers.empty() || compiled_->InLayers(module.name));
}

int64_t LoraTargeting::Rank(absl::string_view module) const {
  return FirstMatch(compiled_->rank, module, compiled_->r);
}

double LoraTargeting::Alpha(absl::string_view module) const {
  return FirstMatch(compiled_->alpha, module, compiled_->lora_alpha);
}

double LoraTargeting::Scaling(absl::string_view module, int64_t rank) const {
  const double r = static_cast<double>(rank);
  return Alpha(module) / (compiled_->use_rslora ? std::sqrt(r) : r);
}

bool LoraTargeting::TiesSavedModules() const { return compiled_->ties_saved; }

bool LoraTargeting::TiesTargets() const { return compiled_->ties_targets; }

bool LoraTargeting::Saves(absl::string_view module) const {
  return std::any_of(compiled_->saved.begin(), compiled_->saved.end(),
                     [module](const std::string& entry) { return EntrySaves(entry, module); });
}

bool LoraTargeting::EntrySaves(absl::string_view entry, absl::string_view module) {
  // PEFT compares the ends of names, and not at a dot: "norm" saves "…input_layernorm" as well.
  for (absl::string_view name = module; !name.empty();) {
    if (absl::EndsWith(name, entry)) return true;
    const size_t dot = name.rfind('.');
    name = dot == absl::string_view::npos ? absl::string_view() : name.substr(0, dot);
  }
  return false;
}

LoraTargeting::LoraTargeting(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
LoraTargeting::~LoraTargeting() = default;
LoraTargeting::LoraTargeting(LoraTargeting&&) noexcept = default;
LoraTargeting& LoraTargeting::operator=(LoraTargeting&&) noexcept = default;

}  // namespace plumbline
