// What a checkpoint's tensors may be: their types, and a head beside tied embeddings.
#include "core/model/decoder_weights_internal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class DecoderWeightsTest : public testing::Test {
 protected:
  DecoderWeightsTest() {
    spec_.vocabulary = 3;
    spec_.hidden = 2;
    spec_.tied_head = true;
  }

  std::shared_ptr<const Checkpoint> Open(const std::vector<TensorSpec>& tensors) {
    std::ofstream(directory_.path() + "/model.safetensors", std::ios::binary)
        << SafetensorsBytes(tensors);
    auto checkpoint = Checkpoint::Open(directory_.path());
    EXPECT_OK(checkpoint.status());
    return *std::move(checkpoint);
  }

  TempDir directory_;
  DecoderSpec spec_;
};

TEST_F(DecoderWeightsTest, IntegersAreRefusedByName) {
  const auto checkpoint = Open({{"model.embed_tokens.weight", "I8", {3, 2}, std::string(6, '\1')}});
  EXPECT_THAT(
      LoadParameter(spec_, *checkpoint, "model.embed_tokens", "weight", {3, 2}),
      StatusIs(absl::StatusCode::kUnimplemented, AllOf(HasSubstr("model.embed_tokens.weight"),
                                                       HasSubstr("I8"), HasSubstr("quantised"))));
}

TEST_F(DecoderWeightsTest, TheNamesMayLackThePrefix) {
  const auto checkpoint = Open({F32("embed_tokens.weight", {3, 2}, {1, 2, 3, 4, 5, 6})});
  EXPECT_OK(LoadParameter(spec_, *checkpoint, "model.embed_tokens", "weight", {3, 2}).status());
  EXPECT_THAT(
      LoadParameter(spec_, *checkpoint, "model.norm", "weight", {2}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no tensor \"model.norm.weight\"")));
}

TEST_F(DecoderWeightsTest, AHeadOfItsOwnIsNotTied) {
  const TensorSpec embedding = F32("model.embed_tokens.weight", {3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_OK(SettleTiedHead(*Open({embedding}), spec_));
  EXPECT_TRUE(spec_.tied_head);
  EXPECT_OK(
      SettleTiedHead(*Open({embedding, F32("lm_head.weight", {3, 2}, {1, 2, 3, 4, 5, 6})}), spec_));
  EXPECT_TRUE(spec_.tied_head);
  EXPECT_OK(
      SettleTiedHead(*Open({embedding, F32("lm_head.weight", {3, 2}, {1, 2, 3, 4, 5, 7})}), spec_));
  EXPECT_FALSE(spec_.tied_head);
}

TEST_F(DecoderWeightsTest, ModulesAreAllThatHaveParameters) {
  spec_.layers.resize(1);
  spec_.intermediate = 6;
  spec_.heads = spec_.kv_heads = 1;
  spec_.head_dim = 2;
  spec_.attention_in = {{"self_attn.qkv_proj", 6, true}};
  spec_.attention_out = {"self_attn.o_proj", 2, false};
  spec_.mlp_in = {{"mlp.gate_proj", 6, false}, {"mlp.up_proj", 6, false}};
  spec_.mlp_out = {"mlp.down_proj", 2, false};
  spec_.norms.before_attention = "input_layernorm";
  spec_.norms.after_mlp = "post_layernorm";
  const auto kind = [](const TargetModule& m) {
    return m.kind == TargetKind::kLinear      ? "linear"
           : m.kind == TargetKind::kEmbedding ? "embedding"
           : m.kind == TargetKind::kNorm      ? "norm"
                                              : "conv1d";
  };
  std::vector<std::string> modules;
  for (const TargetModule& m : ModulesOf(spec_)) {
    modules.push_back(absl::StrCat(m.name, " ", kind(m), " ", m.in_features, "x", m.out_features,
                                   m.has_bias ? " bias" : "", m.tied_to.empty() ? "" : " = ",
                                   m.tied_to));
  }
  EXPECT_THAT(
      modules,
      ElementsAre(
          "model.embed_tokens embedding 3x2", "model.layers.0.self_attn.qkv_proj linear 2x6 bias",
          "model.layers.0.self_attn.o_proj linear 2x2", "model.layers.0.mlp.gate_proj linear 2x6",
          "model.layers.0.mlp.up_proj linear 2x6", "model.layers.0.mlp.down_proj linear 6x2",
          "model.layers.0.input_layernorm norm 2x2", "model.layers.0.post_layernorm norm 2x2",
          "model.norm norm 2x2", "lm_head linear 2x3 = model.embed_tokens"));
}

}  // namespace
}  // namespace plumbline
