// Phi-3: q, k, v and gate, up are each one fused projection (gate first), LongRoPE, possibly only a
// part of each head rotated.
#include "core/model/families/families.h"

namespace plumbline {

void ReadPhi3(ConfigReader& config, DecoderSpec& spec) {
  LlamaLikeOptions options;
  ReadLlamaLike(config, options, spec);
  spec.norm_epsilon = static_cast<float>(config.NumberOr("rms_norm_eps", 1e-5, 0, 1));
  spec.attention_in = {{"self_attn.qkv_proj", spec.q_width() + 2 * spec.kv_width(), false}};
  spec.mlp_in = {{"mlp.gate_up_proj", 2 * spec.intermediate, false}};
  RopeSpec rope = ReadRope(config, spec, options.theta, /*partial_allowed=*/true);
  if (rope.kind == RopeKind::kYarn) {
    config.Unimplemented("rope_scaling", "this family knows only longrope (and its old name su)");
  }
  spec.ropes = {rope};
  if (rope.kind == RopeKind::kLongRope) spec.restart_beyond = rope.original_context;
  const int64_t window = config.IntOr("sliding_window", 0, 1, int64_t{1} << 24);
  for (LayerSpec& layer : spec.layers) layer.window = static_cast<int>(window);
}

}  // namespace plumbline
