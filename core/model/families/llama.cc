// Llama 2 and 3.x, SmolLM2, and the many checkpoints that call themselves Llama.
#include "core/model/families/families.h"

namespace plumbline {

void ReadLlama(ConfigReader& config, DecoderSpec& spec) {
  LlamaLikeOptions options;
  options.qkv_bias = options.out_bias = config.BoolOr("attention_bias", false);
  options.mlp_bias = config.BoolOr("mlp_bias", false);
  ReadLlamaLike(config, options, spec);
  spec.ropes = {ReadRope(config, spec, options.theta)};
}

}  // namespace plumbline
