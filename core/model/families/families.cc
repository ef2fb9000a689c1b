#include "core/model/families/families.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/weights/safetensors_header.h"

namespace plumbline {
namespace {

// Limits on what a configuration may claim: above every model there is.
constexpr int64_t kMaxWidth = int64_t{1} << 20;
constexpr int64_t kMaxVocabulary = int64_t{1} << 24;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxContext = int64_t{1} << 24;

struct Family {
  const char* architecture;
  const char* headless;    // transformers' name of the model without its head
  const char* model_type;  // what AutoModelForCausalLM goes by
  void (*read)(ConfigReader&, DecoderSpec&);
};

constexpr Family kFamilies[] = {
    {"GPT2LMHeadModel", "GPT2Model", "gpt2", ReadGpt2},
    {"Gemma2ForCausalLM", "Gemma2Model", "gemma2", ReadGemma2},
    {"Gemma3ForCausalLM", "Gemma3TextModel", "gemma3_text", ReadGemma3},
    {"LlamaForCausalLM", "LlamaModel", "llama", ReadLlama},
    {"MistralForCausalLM", "MistralModel", "mistral", ReadMistral},
    {"Olmo2ForCausalLM", "Olmo2Model", "olmo2", ReadOlmo2},
    {"Phi3ForCausalLM", "Phi3Model", "phi3", ReadPhi3},
    {"Qwen2ForCausalLM", "Qwen2Model", "qwen2", ReadQwen2},
    {"Qwen3ForCausalLM", "Qwen3Model", "qwen3", ReadQwen3},
    {"SmolLM3ForCausalLM", "SmolLM3Model", "smollm3", ReadSmolLm3},
};

// By `architectures`, and by `model_type` where a configuration lacks them, as transformers'
// AutoModelForCausalLM does. Null: an error is recorded.
const Family* FindFamily(ConfigReader& config) {
  const std::vector<std::string> names = config.Strings("architectures");
  const std::string type = config.StringOr("model_type", "");
  if (!config.status().ok()) return nullptr;
  if (names.size() > 1 || (names.empty() && type.empty())) {
    config.Invalid("architectures", "want a list of one name");
    return nullptr;
  }
  const Family* found = nullptr;
  const Family* typed = nullptr;
  for (const Family& family : kFamilies) {
    if (type == family.model_type) typed = &family;
    if (!names.empty() && (names[0] == family.architecture || names[0] == family.headless)) {
      found = &family;
    }
  }
  if (found != nullptr && typed != nullptr && found != typed) {
    config.Invalid("architectures", absl::StrCat("\"", names[0], "\", and model_type is \"", type,
                                                 "\": they must name one family"));
    return nullptr;
  }
  if (names.empty()) found = typed;
  if (found == nullptr) {
    config.Unimplemented(
        names.empty() ? "model_type" : "architectures",
        absl::StrCat("\"", names.empty() ? type : names[0], "\" is not supported; there are ",
                     absl::StrJoin(SupportedArchitectures(), ", ")));
  }
  return found;
}

// Features that would change the forward pass and that no family here has.
void RefuseForeignFeatures(ConfigReader& config) {
  if (config.Has("quantization_config")) {
    config.Unimplemented("quantization_config", kQuantisedRefused);
  }
  if (config.Has("compression_config")) {
    config.Unimplemented("compression_config",
                         "compressed checkpoints are not supported; use the original one");
  }
  for (const char* key : {"num_local_experts", "num_experts", "n_routed_experts"}) {
    if (config.IntOr(key, 0, 0, kMaxWidth) > 0) {
      config.Unimplemented(key, "mixture-of-experts models are not supported");
    }
  }
  if (config.BoolOr("is_encoder_decoder", false)) {
    config.Unimplemented("is_encoder_decoder", "encoder-decoder models are not supported");
  }
}

RopeKind ReadRopeKind(ConfigReader& parameters) {
  std::string kind = parameters.StringOr("rope_type", parameters.StringOr("type", "default"));
  if (kind == "default") return RopeKind::kDefault;
  if (kind == "linear") return RopeKind::kLinear;
  if (kind == "dynamic") return RopeKind::kDynamic;
  if (kind == "yarn") return RopeKind::kYarn;
  if (kind == "llama3") return RopeKind::kLlama3;
  if (kind == "longrope" || kind == "su") return RopeKind::kLongRope;
  parameters.Unimplemented("rope_type", absl::StrCat("unknown kind \"", kind, "\""));
  return RopeKind::kDefault;
}

double YarnScale(double factor, double mscale) {
  return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1;
}

void ReadYarn(ConfigReader& p, RopeSpec& rope) {
  rope.beta_fast = p.NumberOr("beta_fast", 32, 1e-3, 1e6);
  rope.beta_slow = p.NumberOr("beta_slow", 1, 1e-3, 1e6);
  rope.truncate = p.BoolOr("truncate", true);
  const double mscale = p.NumberOr("mscale", 0, 0, 100);
  const double mscale_all = p.NumberOr("mscale_all_dim", 0, 0, 100);
  const double inferred = mscale != 0 && mscale_all != 0
                              ? YarnScale(rope.factor, mscale) / YarnScale(rope.factor, mscale_all)
                              : YarnScale(rope.factor, 1);
  rope.attention_factor = p.NumberOr("attention_factor", inferred, 0, 100);
}

void ReadLongRope(ConfigReader& p, RopeSpec& rope) {
  rope.short_factor = p.Floats("short_factor");
  rope.long_factor = p.Floats("long_factor");
  const size_t want = static_cast<size_t>(rope.dims / 2);
  if (rope.short_factor.size() != want) {
    p.Invalid("short_factor",
              absl::StrCat("has ", rope.short_factor.size(), " values, want ", want));
  }
  if (rope.long_factor.size() != want) {
    p.Invalid("long_factor", absl::StrCat("has ", rope.long_factor.size(), " values, want ", want));
  }
  const double inferred =
      rope.factor <= 1 ? 1
                       : std::sqrt(1 + std::log(rope.factor) /
                                           std::log(static_cast<double>(rope.original_context)));
  rope.attention_factor = p.NumberOr("attention_factor", inferred, 0, 100);
}

// What the scaling is for: these kinds are added to a configuration whose max_position_embeddings
// stays the trained length. (transformers has no limit, vLLM multiplies as here.)
int64_t ScaledContext(const RopeSpec& rope, int64_t context) {
  double scaled = 0;
  if (rope.kind == RopeKind::kLinear || rope.kind == RopeKind::kDynamic) {
    scaled = rope.factor * static_cast<double>(context);
  } else if (rope.kind == RopeKind::kYarn) {
    scaled = rope.factor * static_cast<double>(rope.original_context);
  }
  scaled = std::min(scaled, static_cast<double>(kMaxContext));
  return std::max(context, static_cast<int64_t>(scaled));
}

}  // namespace

std::vector<std::string> SupportedArchitectures() {
  std::vector<std::string> names;
  for (const Family& family : kFamilies) names.push_back(family.architecture);
  return names;
}

absl::StatusOr<DecoderSpec> LoadDecoderSpec(const std::string& directory) {
  absl::StatusOr<ConfigReader> config = ConfigReader::Open(absl::StrCat(directory, "/config.json"));
  if (absl::IsNotFound(config.status()) &&
      std::filesystem::exists(absl::StrCat(directory, "/adapter_config.json"))) {
    return absl::FailedPreconditionError(absl::StrCat(
        directory, ": a PEFT adapter and not a model: load its base, then this with LoadAdapter"));
  }
  ABSL_RETURN_IF_ERROR(config.status());
  return ParseDecoderSpec(*config);
}

absl::StatusOr<DecoderSpec> ParseDecoderSpec(ConfigReader& config) {
  const Family* family = FindFamily(config);
  if (family == nullptr) return config.status();
  RefuseForeignFeatures(config);
  DecoderSpec spec;
  spec.architecture = family->architecture;
  family->read(config, spec);
  ABSL_RETURN_IF_ERROR(config.status());
  return spec;
}

Activation ReadActivation(ConfigReader& config, const char* key, const char* fallback) {
  const std::string name = config.StringOr(key, fallback);
  if (name == "silu" || name == "swish") return Activation::kSilu;
  if (name == "gelu_pytorch_tanh" || name == "gelu_new") return Activation::kGeluTanh;
  if (name == "relu") return Activation::kRelu;
  config.Unimplemented(key, absl::StrCat("activation \"", name, "\" is not supported"));
  return Activation::kSilu;
}

RopeSpec ReadRopeParameters(ConfigReader& config, ConfigReader* parameters, const DecoderSpec& spec,
                            double theta, bool partial_allowed) {
  RopeSpec rope;
  rope.theta = theta;
  rope.max_position = spec.context;
  double partial = config.NumberOr("partial_rotary_factor", 1, 1e-3, 1);
  if (parameters != nullptr) {
    ConfigReader& p = *parameters;
    rope.kind = ReadRopeKind(p);
    rope.theta = p.NumberOr("rope_theta", theta, 1, 1e12);
    partial = p.NumberOr("partial_rotary_factor", partial, 1e-3, 1);
  }
  if (partial != 1 && !partial_allowed) {
    config.Unimplemented("partial_rotary_factor", "this family rotates whole heads");
  }
  rope.dims = static_cast<int64_t>(static_cast<double>(spec.head_dim) * partial);
  if (rope.dims < 2 || rope.dims % 2 != 0) {
    config.Invalid("head_dim",
                   absl::StrCat("RoPE wants an even number of dimensions, got ", rope.dims));
    rope.dims = 2;
  }
  if (parameters == nullptr || rope.kind == RopeKind::kDefault) return rope;
  ConfigReader& p = *parameters;
  // Phi-3 keeps the pretraining length outside of the dictionary, and there it wins.
  const int64_t original = config.IntOr("original_max_position_embeddings", 0, 1, kMaxContext);
  rope.original_context =
      original != 0 ? original
                    : p.IntOr("original_max_position_embeddings", spec.context, 1, kMaxContext);
  const bool inferred =
      (rope.kind == RopeKind::kLongRope || rope.kind == RopeKind::kYarn) && !p.Has("factor");
  rope.factor = inferred
                    ? static_cast<double>(spec.context) / static_cast<double>(rope.original_context)
                    : p.Number("factor", 1e-3, 1e6);
  if (rope.kind == RopeKind::kDynamic && rope.dims <= 2) {
    p.Invalid("rope_type", "dynamic wants more than 2 rotated dimensions");
  }
  if (rope.kind == RopeKind::kYarn) ReadYarn(p, rope);
  if (rope.kind == RopeKind::kLongRope) ReadLongRope(p, rope);
  if (rope.kind == RopeKind::kLlama3) {
    rope.low_freq_factor = p.Number("low_freq_factor", 1e-3, 1e6);
    rope.high_freq_factor = p.Number("high_freq_factor", 1e-3, 1e6);
    if (rope.high_freq_factor <= rope.low_freq_factor) {
      p.Invalid("high_freq_factor", "must be greater than low_freq_factor");
    }
  }
  return rope;
}

RopeSpec ReadRope(ConfigReader& config, DecoderSpec& spec, double default_theta,
                  bool partial_allowed) {
  const double theta = config.NumberOr("rope_theta", default_theta, 1, 1e12);
  // The old name wins where both stand, as in transformers; an empty one counts as none.
  std::optional<ConfigReader> parameters = config.Object("rope_scaling");
  if (!parameters || parameters->json().empty()) parameters = config.Object("rope_parameters");
  RopeSpec rope =
      ReadRopeParameters(config, parameters ? &*parameters : nullptr, spec, theta, partial_allowed);
  if (parameters) config.Absorb(*parameters);
  spec.context = ScaledContext(rope, spec.context);
  return rope;
}

void ReadLayerTypes(ConfigReader& config, int64_t window, bool (*slides)(int64_t, int64_t),
                    int64_t parameter, DecoderSpec& spec) {
  const std::vector<std::string> types = config.Strings("layer_types");
  if (!types.empty() && types.size() != spec.layers.size()) {
    config.Invalid("layer_types",
                   absl::StrCat("has ", types.size(), " entries, want ", spec.layers.size()));
    return;
  }
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    bool sliding = slides(static_cast<int64_t>(i), parameter);
    if (!types.empty()) {
      sliding = types[i] == "sliding_attention";
      if (!sliding && types[i] != "full_attention") {
        config.Unimplemented("layer_types", absl::StrCat("\"", types[i], "\" is not supported"));
        return;
      }
    }
    if (sliding && window <= 0) {
      config.Invalid("sliding_window", "missing, and layer_types has sliding layers");
      return;
    }
    spec.layers[i].window = sliding ? static_cast<int>(window) : 0;
  }
}

void ReadLlamaLike(ConfigReader& config, const LlamaLikeOptions& options, DecoderSpec& spec) {
  spec.vocabulary = config.Int("vocab_size", 1, kMaxVocabulary);
  spec.hidden = config.Int("hidden_size", 1, kMaxWidth);
  spec.intermediate = config.Int("intermediate_size", 1, kMaxWidth);
  spec.heads = config.Int("num_attention_heads", 1, kMaxWidth);
  spec.kv_heads = config.IntOr("num_key_value_heads", spec.heads, 1, kMaxWidth);
  spec.context = config.Int("max_position_embeddings", 1, kMaxContext);
  spec.layers.resize(config.Int("num_hidden_layers", 1, kMaxLayers));
  if (!config.Has("head_dim") && spec.hidden % spec.heads != 0) {
    config.Invalid("num_attention_heads",
                   absl::StrCat(spec.heads, " does not divide hidden_size ", spec.hidden));
  }
  spec.head_dim = config.IntOr("head_dim", spec.hidden / spec.heads, 1, 4096);
  if (spec.head_dim < 1) config.Invalid("hidden_size", "smaller than num_attention_heads");
  if (spec.heads % spec.kv_heads != 0) {
    config.Invalid("num_key_value_heads", absl::StrCat(spec.kv_heads, " does not divide ",
                                                       "num_attention_heads ", spec.heads));
  }
  spec.norm_epsilon = static_cast<float>(config.NumberOr("rms_norm_eps", 1e-6, 0, 1));
  spec.activation = ReadActivation(config, options.activation_key, "silu");
  spec.tied_head = config.BoolOr("tie_word_embeddings", options.tied);
  spec.attention_scale.assign(
      spec.layers.size(), static_cast<float>(1 / std::sqrt(static_cast<double>(spec.head_dim))));
  spec.attention_in = {{"self_attn.q_proj", spec.q_width(), options.qkv_bias},
                       {"self_attn.k_proj", spec.kv_width(), options.qkv_bias},
                       {"self_attn.v_proj", spec.kv_width(), options.qkv_bias}};
  spec.attention_out = {"self_attn.o_proj", spec.hidden, options.out_bias};
  spec.mlp_in = {{"mlp.gate_proj", spec.intermediate, options.mlp_bias},
                 {"mlp.up_proj", spec.intermediate, options.mlp_bias}};
  spec.mlp_out = {"mlp.down_proj", spec.hidden, options.mlp_bias};
  spec.norms.before_attention = "input_layernorm";
  spec.norms.before_mlp = "post_attention_layernorm";
}

}  // namespace plumbline
