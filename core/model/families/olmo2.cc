// OLMo2: norms only behind attention and MLP, and on the full width of queries and keys.
#include "core/model/families/families.h"

namespace plumbline {

void ReadOlmo2(ConfigReader& config, DecoderSpec& spec) {
  LlamaLikeOptions options;
  options.qkv_bias = options.out_bias = config.BoolOr("attention_bias", false);
  ReadLlamaLike(config, options, spec);
  spec.ropes = {ReadRope(config, spec, options.theta)};
  spec.rope_late_cast = true;
  spec.norm = NormStyle::kRmsLateCast;
  spec.norm_epsilon = static_cast<float>(config.NumberOr("rms_norm_eps", 1e-5, 0, 1));
  spec.qk_norm = QkNorm::kFullWidth;
  spec.norms = {};
  spec.norms.after_attention = "post_attention_layernorm";
  spec.norms.after_mlp = "post_feedforward_layernorm";
  spec.norms.q = "self_attn.q_norm";
  spec.norms.k = "self_attn.k_norm";
}

}  // namespace plumbline
