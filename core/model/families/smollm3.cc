// SmolLM3: Llama without RoPE on every fourth layer.
#include "absl/strings/str_cat.h"
#include "core/model/families/families.h"

namespace plumbline {

void ReadSmolLm3(ConfigReader& config, DecoderSpec& spec) {
  LlamaLikeOptions options;
  options.qkv_bias = options.out_bias = config.BoolOr("attention_bias", false);
  options.mlp_bias = config.BoolOr("mlp_bias", false);
  options.tied = true;
  options.theta = 2000000;
  ReadLlamaLike(config, options, spec);
  spec.ropes = {ReadRope(config, spec, options.theta)};
  const std::vector<int64_t> rotated = config.Ints("no_rope_layers");  // 1: the layer has RoPE
  const int64_t interval = config.IntOr("no_rope_layer_interval", 4, 1, 1024);
  if (!rotated.empty() && rotated.size() < spec.layers.size()) {
    config.Invalid("no_rope_layers",
                   absl::StrCat("has ", rotated.size(), " entries, want ", spec.layers.size()));
    return;
  }
  // layer_types decides alone where it is given, whatever use_sliding_window says.
  const bool sliding = config.BoolOr("use_sliding_window", false);
  const int64_t window = config.IntOr("sliding_window", 0, 1, int64_t{1} << 24);
  ReadLayerTypes(
      config, window, [](int64_t, int64_t) { return false; }, 0, spec);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    const bool rope =
        rotated.empty() ? (static_cast<int64_t>(i) + 1) % interval != 0 : rotated[i] != 0;
    layer.rope = rope ? 0 : -1;
    if (!config.Has("layer_types") && sliding && !rope) layer.window = static_cast<int>(window);
  }
}

}  // namespace plumbline
