// Mistral: Llama with a sliding window on every layer, where the configuration has one. With
// layer_types, transformers reads it as Ministral: a window on the layers that say so.
#include "core/model/families/families.h"

namespace plumbline {

void ReadMistral(ConfigReader& config, DecoderSpec& spec) {
  LlamaLikeOptions options;
  ReadLlamaLike(config, options, spec);
  spec.ropes = {ReadRope(config, spec, options.theta)};
  // null: no window; a missing key means the family's default.
  const int64_t fallback = config.json().contains("sliding_window") ? 0 : 4096;
  const int64_t window = config.IntOr("sliding_window", fallback, 1, int64_t{1} << 24);
  ReadLayerTypes(
      config, window, [](int64_t, int64_t slides) { return slides != 0; }, window > 0, spec);
}

}  // namespace plumbline
