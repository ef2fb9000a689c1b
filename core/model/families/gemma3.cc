// Gemma 3 (text): Gemma 2's norms, (1 + w) norms on queries and keys, five local layers for one
// global, each kind with its own RoPE, no softcaps.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/model/families/families.h"

namespace plumbline {
namespace {

constexpr int kGlobal = 0;
constexpr int kLocal = 1;

// As Gemma3TextConfig.convert_rope_params_to_dict of transformers: rope_scaling, the old name, is
// of the global layers and goes over what rope_parameters says of them.
void ReadRopes(ConfigReader& config, DecoderSpec& spec) {
  const double global = config.NumberOr("rope_theta", 1e6, 1, 1e12);
  const double local = config.NumberOr("rope_local_base_freq", 1e4, 1, 1e12);
  nlohmann::json full = nlohmann::json::object();
  nlohmann::json sliding = nlohmann::json::object();
  if (const std::optional<ConfigReader> nested = config.Object("rope_parameters")) {
    for (const auto& [key, value] : nested->json().items()) {
      if ((key != "full_attention" && key != "sliding_attention") || !value.is_object()) {
        return config.Unimplemented(
            "rope_parameters",
            absl::StrCat("\"", key, "\": want the objects full_attention and sliding_attention"));
      }
      (key == "full_attention" ? full : sliding) = value;
    }
  } else {
    full["rope_type"] = "default";
  }
  if (const std::optional<ConfigReader> scaling = config.Object("rope_scaling")) {
    full.update(scaling->json());
  }
  const auto read = [&](nlohmann::json json, absl::string_view kind, double theta) {
    ConfigReader parameters(std::move(json), absl::StrCat(config.where(), ": RoPE of ", kind));
    const RopeSpec rope = ReadRopeParameters(config, &parameters, spec, theta, false);
    config.Absorb(parameters);
    return rope;
  };
  const RopeSpec global_rope = read(std::move(full), "full_attention", global);
  spec.ropes = {global_rope, read(std::move(sliding), "sliding_attention", local)};
}

}  // namespace

void ReadGemma3(ConfigReader& config, DecoderSpec& spec) {
  LlamaLikeOptions options;
  options.qkv_bias = options.out_bias = config.BoolOr("attention_bias", false);
  options.tied = true;
  options.activation_key = "hidden_activation";
  if (!config.Has("head_dim")) config.Invalid("head_dim", "missing");
  ReadLlamaLike(config, options, spec);
  spec.activation = ReadActivation(config, "hidden_activation", "gelu_pytorch_tanh");
  spec.norm = NormStyle::kRmsUnitOffset;
  spec.qk_norm = QkNorm::kPerHead;
  spec.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(spec.hidden)));
  const double scalar = config.NumberOr("query_pre_attn_scalar", 256, 1e-3, 1e9);
  spec.attention_scale.assign(spec.layers.size(), static_cast<float>(1 / std::sqrt(scalar)));
  // transformers reads attn_logit_softcapping of this family and never applies it.
  spec.logit_softcap = static_cast<float>(config.NumberOr("final_logit_softcapping", 0, 1e-6, 1e9));
  spec.norms.after_attention = "post_attention_layernorm";
  spec.norms.before_mlp = "pre_feedforward_layernorm";
  spec.norms.after_mlp = "post_feedforward_layernorm";
  spec.norms.q = "self_attn.q_norm";
  spec.norms.k = "self_attn.k_norm";
  const int64_t window = config.IntOr("sliding_window", 4096, 1, int64_t{1} << 24);
  const int64_t pattern = config.IntOr("sliding_window_pattern", 6, 1, 1024);
  ReadLayerTypes(
      config, window, [](int64_t layer, int64_t n) { return (layer + 1) % n != 0; }, pattern, spec);
  ReadRopes(config, spec);
  for (LayerSpec& layer : spec.layers) layer.rope = layer.window > 0 ? kLocal : kGlobal;
  if (config.BoolOr("use_bidirectional_attention", false)) {
    config.Unimplemented("use_bidirectional_attention", "only causal attention is supported");
  }
}

}  // namespace plumbline
