// Gemma 2: scaled embeddings, four (1 + w) norms a layer, softcaps on scores and logits, every
// other layer local.
#include <cmath>

#include "core/model/families/families.h"

namespace plumbline {

void ReadGemma2(ConfigReader& config, DecoderSpec& spec) {
  LlamaLikeOptions options;
  options.qkv_bias = options.out_bias = config.BoolOr("attention_bias", false);
  options.tied = true;
  options.activation_key = "hidden_activation";
  if (!config.Has("head_dim")) config.Invalid("head_dim", "missing");
  ReadLlamaLike(config, options, spec);
  spec.activation = ReadActivation(config, "hidden_activation", "gelu_pytorch_tanh");
  spec.norm = NormStyle::kRmsUnitOffset;
  spec.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(spec.hidden)));
  const double scalar = config.NumberOr("query_pre_attn_scalar", 256, 1e-3, 1e9);
  spec.attention_scale.assign(spec.layers.size(), static_cast<float>(1 / std::sqrt(scalar)));
  // An explicit null switches a softcap off; a missing key means the family's default.
  const auto softcap = [&](const char* key, double fallback) {
    const bool null = config.json().contains(key) && !config.Has(key);
    return null ? 0.f : static_cast<float>(config.NumberOr(key, fallback, 1e-6, 1e9));
  };
  spec.attention_softcap = softcap("attn_logit_softcapping", 50);
  spec.logit_softcap = softcap("final_logit_softcapping", 30);
  spec.norms.after_attention = "post_attention_layernorm";
  spec.norms.before_mlp = "pre_feedforward_layernorm";
  spec.norms.after_mlp = "post_feedforward_layernorm";
  spec.ropes = {ReadRope(config, spec, options.theta)};
  const int64_t window = config.IntOr("sliding_window", 4096, 1, int64_t{1} << 24);
  ReadLayerTypes(
      config, window, [](int64_t layer, int64_t) { return (layer + 1) % 2 != 0; }, 0, spec);
  if (config.BoolOr("use_bidirectional_attention", false)) {
    config.Unimplemented("use_bidirectional_attention", "only causal attention is supported");
  }
}

}  // namespace plumbline
