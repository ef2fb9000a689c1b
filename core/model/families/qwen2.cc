// Qwen2 and Qwen2.5: q, k and v have biases, o has none; upper layers may slide.
#include "core/model/families/families.h"

namespace plumbline {

void ReadQwen2(ConfigReader& config, DecoderSpec& spec) {
  LlamaLikeOptions options;
  options.qkv_bias = true;
  ReadLlamaLike(config, options, spec);
  spec.ropes = {ReadRope(config, spec, options.theta)};
  const int64_t layers = static_cast<int64_t>(spec.layers.size());
  const bool sliding = config.BoolOr("use_sliding_window", false);
  const int64_t window = config.IntOr("sliding_window", 4096, 1, int64_t{1} << 24);
  const int64_t first = sliding ? config.IntOr("max_window_layers", 28, 0, 1024) : layers;
  ReadLayerTypes(
      config, sliding ? window : 0, [](int64_t layer, int64_t n) { return layer >= n; }, first,
      spec);
}

}  // namespace plumbline
