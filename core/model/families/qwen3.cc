// Qwen3: Qwen2 without the biases, with an RMSNorm on every head's query and key before RoPE.
#include "core/model/families/families.h"

namespace plumbline {

void ReadQwen3(ConfigReader& config, DecoderSpec& spec) {
  LlamaLikeOptions options;
  options.qkv_bias = options.out_bias = config.BoolOr("attention_bias", false);
  if (!config.Has("head_dim")) config.Invalid("head_dim", "missing");
  ReadLlamaLike(config, options, spec);
  spec.ropes = {ReadRope(config, spec, options.theta)};
  spec.qk_norm = QkNorm::kPerHead;
  spec.norms.q = "self_attn.q_norm";
  spec.norms.k = "self_attn.k_norm";
  const int64_t layers = static_cast<int64_t>(spec.layers.size());
  const bool sliding = config.BoolOr("use_sliding_window", false);
  const int64_t window = config.IntOr("sliding_window", 4096, 1, int64_t{1} << 24);
  const int64_t first = sliding ? config.IntOr("max_window_layers", 28, 0, 1024) : layers;
  ReadLayerTypes(
      config, sliding ? window : 0, [](int64_t layer, int64_t n) { return layer >= n; }, first,
      spec);
}

}  // namespace plumbline
