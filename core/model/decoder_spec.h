// What a decoder is, as data: everything in which one model family differs from another. A family
// (families/*.cc) turns a config.json into a DecoderSpec; the decoder (decoder_internal.h) is
// written once, against this struct. Adding a family: docs/adding-a-model.md.
//
// Dimensions, as in the papers: V vocabulary, E hidden, F intermediate, L layers, H heads,
// G KV heads, D head_dim.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_DECODER_SPEC_H_
#define PLUMBLINE_CORE_MODEL_DECODER_SPEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/kernels/kernels.h"
#include "core/model/rope.h"

namespace plumbline {

// A linear layer by its name below the decoder layer, e.g. "self_attn.q_proj".
struct LinearSpec {
  std::string name;
  int64_t out = 0;
  bool bias = false;
};

// Norms of a layer by name below it; empty: the family has none there.
struct NormNames {
  std::string before_attention;
  std::string after_attention;  // on attention's output, before it joins the residual
  std::string before_mlp;
  std::string after_mlp;
  std::string q, k;  // on queries and keys, before RoPE
};

// Of weights, activations and the KV cache.
enum class ComputeType { kFloat32, kBfloat16 };

enum class QkNorm {
  kNone,
  kPerHead,    // over each head's D values: Qwen3, Gemma 3
  kFullWidth,  // over the whole projection: OLMo2
};

struct LayerSpec {
  int window = 0;  // a query sees this many positions, itself included; 0: all before it
  int rope = 0;    // index into DecoderSpec::ropes; -1: no rotation
};

struct DecoderSpec {
  std::string architecture;  // "LlamaForCausalLM"
  int64_t vocabulary = 0;    // V
  int64_t hidden = 0;        // E
  int64_t intermediate = 0;  // F
  int64_t heads = 0;         // H
  int64_t kv_heads = 0;      // G; divides H
  int64_t head_dim = 0;      // D
  int64_t context = 0;       // tokens of prompt + response
  std::vector<LayerSpec> layers;
  std::vector<RopeSpec> ropes;
  // A response that grows beyond this length is computed anew at that token, prompt included, as
  // transformers' generate does with Phi-3, whose rotation changes there; 0: never.
  int64_t restart_beyond = 0;
  bool rope_late_cast = false;  // rotate in fp32, round once: OLMo2

  NormStyle norm = NormStyle::kRms;
  float norm_epsilon = 1e-6f;
  QkNorm qk_norm = QkNorm::kNone;

  Activation activation = Activation::kSilu;
  bool gated_mlp = true;  // down(act(gate) * up); else down(act(up))

  float embedding_scale = 0;           // embeddings × this, rounded to the dtype first; 0: none
  std::vector<float> attention_scale;  // of scores, by layer: 1/√D, or what the family says
  float attention_softcap = 0;
  float logit_softcap = 0;

  bool tied_head = false;          // the output head is the embedding
  bool conv1d = false;             // linear weights are stored [in, out]: GPT-2
  bool learned_positions = false;  // position embeddings [context, E] are added: GPT-2

  // Names in the checkpoint, which are also PEFT's module names.
  std::string prefix = "model.";  // of everything but the head; the checkpoint may lack it
  std::string layer_list = "layers";
  std::string embedding = "embed_tokens";
  std::string position_embedding;
  std::string final_norm = "norm";
  std::string head = "lm_head";
  std::vector<LinearSpec> attention_in;  // q, k, v in this order, or one fused; outputs lie side by
                                         // side: [q | k | v]
  LinearSpec attention_out;
  std::vector<LinearSpec> mlp_in;  // gate, up; one fused; or up alone
  LinearSpec mlp_out;
  NormNames norms;

  int64_t q_width() const { return heads * head_dim; }
  int64_t kv_width() const { return kv_heads * head_dim; }
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_DECODER_SPEC_H_
