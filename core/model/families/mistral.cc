// Mistral: Llama with a sliding window on every layer, where the configuration has one.
#include "core/model/families/families.h"

namespace plumbline {

void ReadMistral(ConfigReader& config, DecoderSpec& spec) {
  LlamaLikeOptions options;
  ReadLlamaLike(config, options, spec);
  spec.ropes = {ReadRope(config, spec, options.theta)};
  const int64_t window = config.IntOr("sliding_window", 0, 1, int64_t{1} << 24);
  for (LayerSpec& layer : spec.layers) layer.window = static_cast<int>(window);
}

}  // namespace plumbline
