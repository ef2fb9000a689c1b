// The families the decoder can be: one file each, one row each in the table of families.cc.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_FAMILIES_FAMILIES_H_
#define PLUMBLINE_CORE_MODEL_FAMILIES_FAMILIES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/config_reader.h"
#include "core/model/decoder_spec.h"

namespace plumbline {

// Reads `directory`/config.json. NotFound: no file. InvalidArgument: a missing or absurd field, by
// file and key. Unimplemented: an architecture or a feature, by name; never half a model.
absl::StatusOr<DecoderSpec> LoadDecoderSpec(const std::string& directory);
absl::StatusOr<DecoderSpec> ParseDecoderSpec(ConfigReader& config);

// "GPT2LMHeadModel", "Gemma2ForCausalLM", ...
std::vector<std::string> SupportedArchitectures();

// ---- one function a family; errors stick to the reader ----
void ReadLlama(ConfigReader& config, DecoderSpec& spec);
void ReadQwen2(ConfigReader& config, DecoderSpec& spec);
void ReadQwen3(ConfigReader& config, DecoderSpec& spec);
void ReadMistral(ConfigReader& config, DecoderSpec& spec);
void ReadGemma2(ConfigReader& config, DecoderSpec& spec);
void ReadGemma3(ConfigReader& config, DecoderSpec& spec);
void ReadPhi3(ConfigReader& config, DecoderSpec& spec);
void ReadSmolLm3(ConfigReader& config, DecoderSpec& spec);
void ReadOlmo2(ConfigReader& config, DecoderSpec& spec);
void ReadGpt2(ConfigReader& config, DecoderSpec& spec);

// ---- what most of them share ----

// Shape, norms by Llama's names, separate q, k, v and gate, up projections, one default layer each,
// silu, 1/√D. `qkv_bias`, `out_bias`: attention's; `tied`: the default where the key is missing.
struct LlamaLikeOptions {
  bool qkv_bias = false;
  bool out_bias = false;
  bool mlp_bias = false;
  bool tied = false;
  double theta = 10000;  // the family's default
  const char* activation_key = "hidden_act";
};
void ReadLlamaLike(ConfigReader& config, const LlamaLikeOptions& options, DecoderSpec& spec);

// "silu", "gelu_pytorch_tanh", "gelu_new", "relu"; others are Unimplemented.
Activation ReadActivation(ConfigReader& config, const char* key, const char* fallback);

// RoPE from rope_parameters (new) or rope_theta and rope_scaling (old). A scaling that goes beyond
// max_position_embeddings lengthens spec.context.
RopeSpec ReadRope(ConfigReader& config, DecoderSpec& spec, double default_theta,
                  bool partial_allowed = false);
// The same from one dictionary of parameters (may be null) and a base.
RopeSpec ReadRopeParameters(ConfigReader& config, ConfigReader* parameters, const DecoderSpec& spec,
                            double theta, bool partial_allowed);

// layer_types where given ("full_attention", "sliding_attention"), else by(i) says whether layer i
// slides; sliding layers get `window`.
void ReadLayerTypes(ConfigReader& config, int64_t window, bool (*slides)(int64_t layer, int64_t n),
                    int64_t parameter, DecoderSpec& spec);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_FAMILIES_FAMILIES_H_
