// GPT-2: LayerNorm, learned positions, Conv1D weights ([in, out]), one fused c_attn, biases
// everywhere, tied head.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/model/families/families.h"

namespace plumbline {

void ReadGpt2(ConfigReader& config, DecoderSpec& spec) {
  spec.vocabulary = config.Int("vocab_size", 1, int64_t{1} << 24);
  spec.hidden = config.Int("n_embd", 1, int64_t{1} << 20);
  spec.layers.resize(config.Int("n_layer", 1, 1024));
  spec.heads = spec.kv_heads = config.Int("n_head", 1, int64_t{1} << 20);
  spec.context = config.Int("n_positions", 1, int64_t{1} << 24);
  spec.intermediate = config.IntOr("n_inner", 4 * spec.hidden, 1, int64_t{1} << 20);
  if (spec.hidden % spec.heads != 0) {
    config.Invalid("n_head", absl::StrCat(spec.heads, " does not divide n_embd ", spec.hidden));
  }
  spec.head_dim = spec.hidden / spec.heads;
  spec.norm = NormStyle::kLayer;
  spec.norm_epsilon = static_cast<float>(config.NumberOr("layer_norm_epsilon", 1e-5, 0, 1));
  spec.activation = ReadActivation(config, "activation_function", "gelu_new");
  spec.gated_mlp = false;
  spec.tied_head = config.BoolOr("tie_word_embeddings", true);
  spec.conv1d = true;
  spec.learned_positions = true;
  if (config.BoolOr("add_cross_attention", false)) {
    config.Unimplemented("add_cross_attention", "cross attention is not supported");
  }
  const bool scaled = config.BoolOr("scale_attn_weights", true);
  const bool by_layer = config.BoolOr("scale_attn_by_inverse_layer_idx", false);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    spec.layers[i].rope = -1;
    double scale = scaled ? 1 / std::sqrt(static_cast<double>(spec.head_dim)) : 1;
    if (by_layer) scale /= static_cast<double>(i + 1);
    spec.attention_scale.push_back(static_cast<float>(scale));
  }
  spec.prefix = "transformer.";
  spec.layer_list = std::string("h");
  spec.embedding = "wte";
  spec.position_embedding = "wpe";
  spec.final_norm = "ln_f";
  spec.attention_in = {{"attn.c_attn", 3 * spec.hidden, true}};
  spec.attention_out = {"attn.c_proj", spec.hidden, true};
  spec.mlp_in = {{"mlp.c_fc", spec.intermediate, true}};
  spec.mlp_out = {"mlp.c_proj", spec.hidden, true};
  spec.norms.before_attention = "ln_1";
  spec.norms.before_mlp = "ln_2";
}

}  // namespace plumbline
