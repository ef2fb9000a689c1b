#include "tests/model/cuda/random_model.h"

#include <bit>
#include <cmath>
#include <functional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "core/model/bf16.h"

namespace plumbline::cuda {
namespace {

// Cheap and good enough: half a billion of them take a second or two.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  // In [-1, 1).
  float Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<float>(static_cast<int32_t>(state_ >> 32)) * 0x1p-31f;
  }

 private:
  uint64_t state_;
};

uint64_t SeedOf(uint32_t seed, absl::string_view name) {
  uint64_t hash = 14695981039346656037u ^ seed;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

DecoderSpec Base(int64_t layers) {
  DecoderSpec s;
  s.architecture = "Random";
  s.vocabulary = 333;
  s.hidden = 96;
  s.intermediate = 200;
  s.heads = 6;
  s.kv_heads = 2;
  s.head_dim = 24;
  s.context = 512;
  s.layers.assign(static_cast<size_t>(layers), {});
  s.ropes.push_back({});
  s.attention_out = {"self_attn.o_proj", s.hidden, false};
  s.norms.before_attention = "input_layernorm";
  s.norms.before_mlp = "post_attention_layernorm";
  return s;
}

// Everything that follows from the dimensions.
DecoderSpec Finish(DecoderSpec s, bool qkv_bias) {
  s.attention_in = {{"self_attn.q_proj", s.q_width(), qkv_bias},
                    {"self_attn.k_proj", s.kv_width(), qkv_bias},
                    {"self_attn.v_proj", s.kv_width(), qkv_bias}};
  s.attention_out.out = s.hidden;
  if (s.gated_mlp) {
    s.mlp_in = {{"mlp.gate_proj", s.intermediate, false}, {"mlp.up_proj", s.intermediate, false}};
  } else {
    s.mlp_in = {{"mlp.up_proj", s.intermediate, true}};
  }
  s.mlp_out = {"mlp.down_proj", s.hidden, !s.gated_mlp};
  for (RopeSpec& rope : s.ropes) {
    if (rope.dims == 0) rope.dims = s.head_dim;
  }
  s.attention_scale.assign(s.layers.size(), 1.f / std::sqrt(static_cast<float>(s.head_dim)));
  return s;
}

BranchPanels Panels(const std::vector<float>& values, int64_t n, int64_t k, PanelArena& arena) {
  std::vector<const float*> rows;
  for (int64_t i = 0; i < n; ++i) rows.push_back(values.data() + i * k);
  return PackBranch(rows, k, arena);
}

std::vector<float> Values(Numbers& numbers, int64_t n, float scale, float offset) {
  std::vector<float> values(static_cast<size_t>(n));
  for (float& v : values) v = offset + scale * numbers.Next();
  return values;
}

}  // namespace

std::vector<std::pair<std::string, DecoderSpec>> SmallModels() {
  std::vector<std::pair<std::string, DecoderSpec>> models;
  models.emplace_back("llama", Finish(Base(3), false));

  DecoderSpec qwen2 = Base(2);
  qwen2.tied_head = true;
  qwen2.heads = 14;  // seven to a KV head
  models.emplace_back("qwen2", Finish(qwen2, true));

  DecoderSpec qwen3 = Base(2);
  qwen3.head_dim = 128;
  qwen3.qk_norm = QkNorm::kPerHead;
  qwen3.norms.q = "self_attn.q_norm";
  qwen3.norms.k = "self_attn.k_norm";
  models.emplace_back("qwen3", Finish(qwen3, false));

  DecoderSpec gemma2 = Base(3);
  gemma2.norm = NormStyle::kRmsUnitOffset;
  gemma2.activation = Activation::kGeluTanh;
  gemma2.embedding_scale = 9.8f;
  gemma2.attention_softcap = 50;
  gemma2.logit_softcap = 30;
  gemma2.tied_head = true;
  gemma2.head_dim = 256;
  gemma2.layers[0].window = gemma2.layers[2].window = 20;
  gemma2.norms.after_attention = "post_attention_layernorm";
  gemma2.norms.before_mlp = "pre_feedforward_layernorm";
  gemma2.norms.after_mlp = "post_feedforward_layernorm";
  models.emplace_back("gemma2", Finish(gemma2, false));

  DecoderSpec olmo2 = Base(2);
  olmo2.norm = NormStyle::kRmsLateCast;
  olmo2.rope_late_cast = true;
  olmo2.qk_norm = QkNorm::kFullWidth;
  olmo2.norms = {};
  olmo2.norms.after_attention = "post_attention_layernorm";
  olmo2.norms.after_mlp = "post_feedforward_layernorm";
  olmo2.norms.q = "self_attn.q_norm";
  olmo2.norms.k = "self_attn.k_norm";
  models.emplace_back("olmo2", Finish(olmo2, false));

  DecoderSpec phi3 = Base(2);
  phi3.head_dim = 80;
  phi3.heads = 12;
  phi3.kv_heads = 1;  // twelve to a KV head
  phi3.ropes[0].dims = 40;
  phi3.layers[1].rope = -1;
  models.emplace_back("partial rotary", Finish(phi3, false));

  DecoderSpec gpt2 = Base(2);
  gpt2.norm = NormStyle::kLayer;
  gpt2.activation = Activation::kGeluTanh;
  gpt2.gated_mlp = false;
  gpt2.learned_positions = true;
  gpt2.position_embedding = "wpe";
  gpt2.tied_head = true;
  gpt2.heads = gpt2.kv_heads = 4;
  gpt2.ropes.clear();
  for (LayerSpec& layer : gpt2.layers) layer.rope = -1;
  models.emplace_back("gpt2", Finish(gpt2, true));
  return models;
}

DecoderSpec HalfBillion() {
  DecoderSpec s = Base(24);
  s.vocabulary = 151936;
  s.hidden = 896;
  s.intermediate = 4864;
  s.heads = 14;
  s.kv_heads = 2;
  s.head_dim = 64;
  s.context = 4096;
  s.ropes[0].theta = 1e6;
  s.tied_head = true;
  return Finish(s, true);
}

absl::StatusOr<HostMatrix> RandomSource::Matrix(absl::string_view module, int64_t rows,
                                                int64_t columns, bool transposed,
                                                ComputeType dtype) {
  Numbers numbers(SeedOf(seed_, module));
  const size_t count = static_cast<size_t>(rows * columns);
  const float scale = std::sqrt(3.f / static_cast<float>(columns));
  if (dtype == ComputeType::kBfloat16) {
    auto values = std::make_shared<std::vector<uint16_t>>(count);
    for (uint16_t& v : *values) {
      v = static_cast<uint16_t>(std::bit_cast<uint32_t>(RoundToBf16(scale * numbers.Next())) >> 16);
    }
    return HostMatrix{values->data(), values};
  }
  auto values = std::make_shared<std::vector<float>>(count);
  for (float& v : *values) v = scale * numbers.Next();
  return HostMatrix{values->data(), values};
}

absl::StatusOr<std::vector<float>> RandomSource::Vector(absl::string_view module,
                                                        absl::string_view parameter, int64_t n,
                                                        ComputeType dtype) {
  Numbers numbers(SeedOf(seed_, absl::StrCat(module, ".", parameter)));
  std::vector<float> values = Values(numbers, n, 0.3f, parameter == "weight" ? 1.f : 0.f);
  for (float& v : values) v = RoundTo(dtype, v);
  return values;
}

std::shared_ptr<const LoraWeights> RandomAdapter(const DecoderSpec& spec, int64_t rank, bool dora,
                                                 uint32_t seed) {
  Numbers numbers(seed + 17);
  auto lora = std::make_shared<LoraWeights>();
  lora->version = absl::StrCat("random ", rank, " ", dora, " ", seed);
  const auto fill = [&](const std::vector<LinearSpec>& parts, int64_t in, LoraGroup& group) {
    group.in = in;
    int64_t column = 0;
    for (const LinearSpec& linear : parts) {
      LoraPart part;
      part.rank_begin = group.rank;
      part.rank = rank;
      part.column_begin = column;
      part.columns = linear.out;
      part.scaling = 2;
      part.b = Panels(Values(numbers, linear.out * rank, 0.05f, 0), linear.out, rank, lora->arena);
      if (dora) {
        part.magnitude = Values(numbers, linear.out, 0.1f, 1);
        if (linear.bias) part.base_bias = Values(numbers, linear.out, 0.3f, 0);
      }
      group.rank += rank;
      column += linear.out;
      lora->bytes += part.b.bytes;
      group.parts.push_back(std::move(part));
    }
    group.a = Panels(Values(numbers, group.rank * in, 1 / std::sqrt(static_cast<float>(in)), 0),
                     group.rank, in, lora->arena);
    lora->bytes += group.a.bytes;
    lora->max_rank = std::max(lora->max_rank, group.rank);
  };
  lora->layers.resize(spec.layers.size());
  for (LoraLayer& layer : lora->layers) {
    fill(spec.attention_in, spec.hidden, layer.attention_in);
    fill({spec.attention_out}, spec.q_width(), layer.attention_out);
    fill(spec.mlp_in, spec.hidden, layer.mlp_in);
    fill({spec.mlp_out}, spec.intermediate, layer.mlp_out);
  }
  return lora;
}

}  // namespace plumbline::cuda
