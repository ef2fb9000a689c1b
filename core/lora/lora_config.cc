// adapter_config.json, as PEFT 0.18 to 0.21 write it. Keys fall into four groups:
//   read           those in LoraConfig
//   inert          training-time or descriptive: known, no effect on the forward pass
//   refused if set options that change the forward pass and are not implemented
//   unknown        a warning: PEFT ignores them too
#include "core/lora/lora_config.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/strict_json.h"

namespace plumbline {
namespace {

using Json = nlohmann::ordered_json;

// A rank is a dimension of two matrices that must be in the file, so the file's size bounds it;
// these bounds only keep nonsense out of arithmetic.
constexpr int64_t kMaxRank = 65'536;
constexpr double kMaxAlpha = 1e6;

constexpr absl::string_view kInertKeys[] = {"auto_mapping",      "corda_config",  "eva_config",
                                            "inference_mode",    "lora_dropout",  "lora_ga_config",
                                            "loftq_config",      "megatron_core", "peft_version",
                                            "qalora_group_size", "revision",      "runtime_config"};

struct RefusedKey {
  absl::string_view key;
  absl::string_view why;
};
constexpr RefusedKey kRefusedKeys[] = {
    {"alora_invocation_tokens", "activated LoRA switches itself on in mid-prompt"},
    {"arrow_config", "Arrow routes between adapters by token"},
    {"kasa_config", "KaSA changes the base's weights"},
    {"layer_replication", "it changes the base's layers"},
    {"megatron_config", "Megatron layers are not those of a transformers model"},
    {"monteclora_config", "MonteCLoRA samples its weights"},
    {"target_parameters", "LoRA on bare parameters (MoE experts) is not implemented"},
    {"use_bdlora", "block-diagonal LoRA is not implemented"},
    {"use_qalora", "QALoRA pools its input"},
    {"velora_config", "VeLoRA is not implemented"},
};

// Initialisations that leave the base as it is.
constexpr absl::string_view kPlainInits[] = {"true", "false",      "gaussian",
                                             "eva",  "orthogonal", "mica"};

absl::Status Bad(absl::string_view key, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(key, ": ", what));
}

std::string Shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 80) text = absl::StrCat(text.substr(0, 77), "...");
  return text;
}

// null, false, [] and {} are how PEFT writes "off".
bool IsSet(const Json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_structured() || value.is_string()) {
    return value.is_string() ? !value.get<std::string>().empty() : !value.empty();
  }
  return true;
}

// Readers leave `out` alone when the key is absent or null, and name the key on a wrong type.
absl::Status ReadBool(const Json& json, const char* key, bool* out) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return absl::OkStatus();
  if (!found->is_boolean()) return Bad(key, absl::StrCat(Shown(*found), ", want true or false"));
  *out = found->get<bool>();
  return absl::OkStatus();
}

absl::Status ReadString(const Json& json, const char* key, std::string* out) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return absl::OkStatus();
  if (!found->is_string()) return Bad(key, absl::StrCat(Shown(*found), ", want a string"));
  *out = found->get<std::string>();
  return absl::OkStatus();
}

absl::Status CheckRank(const Json& value, absl::string_view key, int64_t* out) {
  const bool whole = value.is_number_integer() &&
                     (!value.is_number_unsigned() || value.get<uint64_t>() <= INT64_MAX);
  if (!whole || value.get<int64_t>() < 1 || value.get<int64_t>() > kMaxRank) {
    return Bad(key, absl::StrCat(Shown(value), ", want a rank from 1 to ", kMaxRank));
  }
  *out = value.get<int64_t>();
  return absl::OkStatus();
}

absl::Status CheckAlpha(const Json& value, absl::string_view key, double* out) {
  if (!value.is_number()) return Bad(key, absl::StrCat(Shown(value), ", want a number"));
  const double alpha = value.get<double>();
  if (!std::isfinite(alpha) || std::abs(alpha) > kMaxAlpha) {
    return Bad(key, absl::StrCat(Shown(value), ", want a number up to ", kMaxAlpha));
  }
  if (alpha == 0) return Bad(key, "0: the adapter would have no effect");
  *out = alpha;
  return absl::OkStatus();
}

absl::Status ReadStringList(const Json& value, absl::string_view key,
                            std::vector<std::string>* out) {
  if (!value.is_array()) return Bad(key, absl::StrCat(Shown(value), ", want a list of strings"));
  for (const Json& entry : value) {
    if (!entry.is_string() || entry.get<std::string>().empty()) {
      return Bad(key, absl::StrCat(Shown(entry), " in the list, want a name"));
    }
    out->push_back(entry.get<std::string>());
  }
  return absl::OkStatus();
}

absl::Status ReadIndexList(const Json& value, absl::string_view key, std::vector<int64_t>* out) {
  if (!value.is_array()) return Bad(key, absl::StrCat(Shown(value), ", want a list of numbers"));
  for (const Json& entry : value) {
    if (!entry.is_number_integer() || entry.get<int64_t>() < 0) {
      return Bad(key, absl::StrCat(Shown(entry), " in the list, want an index"));
    }
    out->push_back(entry.get<int64_t>());
  }
  return absl::OkStatus();
}

absl::Status ReadSelection(const Json& json, const char* key, ModuleSelection* out) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return absl::OkStatus();
  if (found->is_string()) {
    out->regex = found->get<std::string>();
    if (out->regex.empty()) return Bad(key, "an empty string, want names or an expression");
    if (absl::AsciiStrToLower(out->regex) == "all-linear") {
      out->regex.clear();
      out->kind = ModuleSelection::Kind::kAllLinear;
    } else {
      out->kind = ModuleSelection::Kind::kRegex;
    }
    return absl::OkStatus();
  }
  out->kind = ModuleSelection::Kind::kList;
  return ReadStringList(*found, key, &out->names);
}

template <typename T, typename Check>
absl::Status ReadPattern(const Json& json, const char* key, Check check,
                         std::vector<std::pair<std::string, T>>* out) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return absl::OkStatus();
  if (!found->is_object()) return Bad(key, absl::StrCat(Shown(*found), ", want an object"));
  for (const auto& [pattern, value] : found->items()) {
    T checked{};
    ABSL_RETURN_IF_ERROR(check(value, absl::StrCat(key, "[\"", pattern, "\"]"), &checked));
    out->emplace_back(pattern, checked);
  }
  return absl::OkStatus();
}

absl::Status ReadLayers(const Json& json, LoraConfig* config) {
  if (const auto found = json.find("layers_to_transform"); found != json.end() && IsSet(*found)) {
    config->layers_to_transform.emplace();
    const Json list = found->is_array() ? *found : Json::array({*found});
    ABSL_RETURN_IF_ERROR(ReadIndexList(list, "layers_to_transform", &*config->layers_to_transform));
  }
  if (const auto found = json.find("layers_pattern"); found != json.end() && IsSet(*found)) {
    const Json list = found->is_array() ? *found : Json::array({*found});
    ABSL_RETURN_IF_ERROR(ReadStringList(list, "layers_pattern", &config->layers_pattern));
  }
  const bool by_list = config->target_modules.kind == ModuleSelection::Kind::kList ||
                       config->target_modules.kind == ModuleSelection::Kind::kNone;
  if (config->layers_to_transform.has_value() && !by_list) {
    return Bad("layers_to_transform", "cannot be used when target_modules is a string");
  }
  if (!config->layers_pattern.empty() && !config->layers_to_transform.has_value()) {
    return Bad("layers_pattern", "needs layers_to_transform");
  }
  return absl::OkStatus();
}

absl::Status ReadTokens(const Json& json, LoraConfig* config) {
  constexpr char kKey[] = "trainable_token_indices";
  const auto found = json.find(kKey);
  if (found == json.end() || !IsSet(*found)) return absl::OkStatus();
  Json by_module = *found;
  if (found->is_array()) {
    by_module = Json::object();
    by_module[""] = *found;
  }
  if (!by_module.is_object()) {
    return Bad(kKey, absl::StrCat(Shown(*found), ", want token ids, or lists of them by module"));
  }
  for (const auto& [module, list] : by_module.items()) {
    std::vector<int64_t> indices;
    ABSL_RETURN_IF_ERROR(ReadIndexList(list, kKey, &indices));
    std::vector<int64_t> sorted = indices;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) return Bad(kKey, absl::StrCat("token ", *twice, " stands twice"));
    config->trainable_token_indices.emplace_back(module, std::move(indices));
  }
  return absl::OkStatus();
}

absl::Status ReadInit(const Json& json, LoraConfig* config) {
  constexpr char kKey[] = "init_lora_weights";
  const auto found = json.find(kKey);
  if (found == json.end() || found->is_null()) return absl::OkStatus();
  if (!found->is_boolean() && !found->is_string()) {
    return Bad(kKey, absl::StrCat(Shown(*found), ", want true, false or a name"));
  }
  config->init_lora_weights =
      found->is_boolean() ? (found->get<bool>() ? "true" : "false") : found->get<std::string>();
  const std::string init = absl::AsciiStrToLower(config->init_lora_weights);
  if (std::find(std::begin(kPlainInits), std::end(kPlainInits), init) != std::end(kPlainInits)) {
    return absl::OkStatus();
  }
  for (absl::string_view changed : {"pissa", "olora", "loftq", "corda", "lora_ga"}) {
    if (!absl::StartsWith(init, changed)) continue;
    return absl::UnimplementedError(absl::StrCat(
        kKey, ": \"", config->init_lora_weights,
        "\" changed the base's weights in training, so this adapter is wrong on the raw base",
        changed == "loftq" ? ": train with another initialisation"
                           : ": save it with path_initial_model_for_weight_conversion"));
  }
  return absl::UnimplementedError(absl::StrCat(kKey, ": unknown initialisation \"",
                                               config->init_lora_weights,
                                               "\", it may have changed the base"));
}

absl::Status ReadBias(const Json& json, LoraConfig* config) {
  std::string bias = "none";
  ABSL_RETURN_IF_ERROR(ReadString(json, "bias", &bias));
  if (bias == "none") {
    config->bias = LoraBiasMode::kNone;
  } else if (bias == "all") {
    config->bias = LoraBiasMode::kAll;
  } else if (bias == "lora_only") {
    config->bias = LoraBiasMode::kLoraOnly;
  } else {
    return Bad("bias", absl::StrCat("\"", bias, "\", want none, all or lora_only"));
  }
  return absl::OkStatus();
}

absl::Status CheckPeftType(const Json& json) {
  std::string type;
  ABSL_RETURN_IF_ERROR(ReadString(json, "peft_type", &type));
  if (type.empty()) return Bad("peft_type", "is missing, want \"LORA\"");
  if (type == "LORA") return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("peft_type: \"", type, "\" is not supported, only LORA is"));
}

// Refuses, warns about or passes the keys that nothing reads.
absl::Status CheckOtherKeys(const Json& json, LoraConfig* config) {
  constexpr absl::string_view kRead[] = {"alpha_pattern",
                                         "base_model_name_or_path",
                                         "bias",
                                         "ensure_weight_tying",
                                         "exclude_modules",
                                         "fan_in_fan_out",
                                         "init_lora_weights",
                                         "layers_pattern",
                                         "layers_to_transform",
                                         "lora_alpha",
                                         "lora_bias",
                                         "modules_to_save",
                                         "peft_type",
                                         "r",
                                         "rank_pattern",
                                         "target_modules",
                                         "task_type",
                                         "trainable_token_indices",
                                         "use_dora",
                                         "use_rslora"};
  const auto is_in = [](const auto& list, absl::string_view key) {
    return std::find(std::begin(list), std::end(list), key) != std::end(list);
  };
  for (const auto& [key, value] : json.items()) {
    if (is_in(kRead, key) || is_in(kInertKeys, key)) continue;
    const auto refused =
        std::find_if(std::begin(kRefusedKeys), std::end(kRefusedKeys),
                     [&key = key](const RefusedKey& row) { return row.key == key; });
    if (refused == std::end(kRefusedKeys)) {
      config->warnings.push_back(
          absl::StrCat("adapter_config.json: unknown key \"", key, "\" ignored"));
    } else if (IsSet(value)) {
      return absl::UnimplementedError(
          absl::StrCat(key, ": ", Shown(value), " is not supported: ", refused->why));
    }
  }
  return absl::OkStatus();
}

// Combinations PEFT itself refuses, and settings worth a word.
absl::Status CheckCombinations(LoraConfig* config) {
  if (config->lora_bias && config->use_dora)
    return Bad("lora_bias", "cannot be used with use_dora");
  if (config->target_modules.kind == ModuleSelection::Kind::kNone) {
    config->warnings.push_back(
        "adapter_config.json: target_modules is null: the tensors alone say what is changed");
  }
  if (config->lora_alpha < 0) {
    config->warnings.push_back("adapter_config.json: lora_alpha is negative");
  }
  if (!config->task_type.empty() && config->task_type != "CAUSAL_LM") {
    config->warnings.push_back(absl::StrCat("adapter_config.json: task_type is ", config->task_type,
                                            ", the base is a CAUSAL_LM"));
  }
  return absl::OkStatus();
}

absl::StatusOr<LoraConfig> Parse(absl::string_view text) {
  ABSL_ASSIGN_OR_RETURN(const Json json, ParseStrictJson(text));
  if (!json.is_object()) return absl::InvalidArgumentError("not a JSON object");
  ABSL_RETURN_IF_ERROR(CheckPeftType(json));
  LoraConfig config;
  ABSL_RETURN_IF_ERROR(CheckOtherKeys(json, &config));
  ABSL_RETURN_IF_ERROR(ReadInit(json, &config));
  ABSL_RETURN_IF_ERROR(
      ReadString(json, "base_model_name_or_path", &config.base_model_name_or_path));
  ABSL_RETURN_IF_ERROR(ReadString(json, "task_type", &config.task_type));
  if (json.contains("r")) ABSL_RETURN_IF_ERROR(CheckRank(json["r"], "r", &config.r));
  if (json.contains("lora_alpha")) {
    ABSL_RETURN_IF_ERROR(CheckAlpha(json["lora_alpha"], "lora_alpha", &config.lora_alpha));
  }
  ABSL_RETURN_IF_ERROR(ReadSelection(json, "target_modules", &config.target_modules));
  ABSL_RETURN_IF_ERROR(ReadSelection(json, "exclude_modules", &config.exclude_modules));
  ABSL_RETURN_IF_ERROR(ReadPattern(json, "rank_pattern", CheckRank, &config.rank_pattern));
  ABSL_RETURN_IF_ERROR(ReadPattern(json, "alpha_pattern", CheckAlpha, &config.alpha_pattern));
  ABSL_RETURN_IF_ERROR(ReadLayers(json, &config));
  ABSL_RETURN_IF_ERROR(ReadBool(json, "use_rslora", &config.use_rslora));
  ABSL_RETURN_IF_ERROR(ReadBool(json, "use_dora", &config.use_dora));
  ABSL_RETURN_IF_ERROR(ReadBool(json, "lora_bias", &config.lora_bias));
  ABSL_RETURN_IF_ERROR(ReadBool(json, "fan_in_fan_out", &config.fan_in_fan_out));
  ABSL_RETURN_IF_ERROR(ReadBool(json, "ensure_weight_tying", &config.ensure_weight_tying));
  ABSL_RETURN_IF_ERROR(ReadBias(json, &config));
  if (json.contains("modules_to_save") && !json["modules_to_save"].is_null()) {
    ABSL_RETURN_IF_ERROR(
        ReadStringList(json["modules_to_save"], "modules_to_save", &config.modules_to_save));
  }
  ABSL_RETURN_IF_ERROR(ReadTokens(json, &config));
  ABSL_RETURN_IF_ERROR(CheckCombinations(&config));
  return config;
}

}  // namespace

absl::StatusOr<LoraConfig> ParseLoraConfig(absl::string_view json) {
  absl::StatusOr<LoraConfig> config = Parse(json);
  if (!config.ok()) return Annotate(config.status(), "adapter_config.json");
  return config;
}

}  // namespace plumbline
