// The proof on the device, with adapters made here.
#include "core/engine/canary_internal.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/families/families.h"
#include "tests/engine/tiny_model.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;

class CanaryTest : public ::testing::Test {
 protected:
  CanaryTest() {
    const DecoderSpec spec = *LoadDecoderSpec(kTinyBase);
    checkpoint_ = *Checkpoint::Open(kTinyBase);
    auto threads = std::make_unique<ThreadPool>(2);
    auto decoder = *Decoder::Load(spec, *checkpoint_, {ComputeType::kFloat32, 64}, threads.get());
    auto pool = *KvPool::Create(decoder->kv_layout(), decoder->kv_layout().block_bytes() + 64);
    engine_ = std::make_unique<DeviceEngine>(std::move(threads), std::move(decoder),
                                             std::move(pool), DeviceEngineOptions{});
  }

  // An adapter of rank 2 on one module, all A's values `a`, all B's `b`.
  std::shared_ptr<const LoraWeights> Adapter(const std::string& name, float a, float b) {
    const DecoderSpec& spec = engine_->decoder().spec();
    LoraAdapter adapter;
    for (const TargetModule& target : ModulesOf(spec)) {
      if (target.name != name) continue;
      LoraModule& module = adapter.modules[name];
      module.target = target;
      module.rank = 2;
      module.scaling = 1;
      module.a = at::full({2, target.in_features}, a);
      module.b = at::full({target.out_features, 2}, b);
      module.b.narrow(0, 0, 1).mul_(-1);  // not along a vector of ones
    }
    EXPECT_EQ(adapter.modules.size(), 1u) << name;
    return Packed(adapter);
  }
  std::shared_ptr<const LoraWeights> Packed(const LoraAdapter& adapter) {
    const auto none = [](const TargetModule&, absl::string_view) -> absl::StatusOr<at::Tensor> {
      return absl::InternalError("not asked for");
    };
    return *PackLora(engine_->decoder().spec(), adapter, ComputeType::kFloat32, none);
  }
  // The tiny model's vocabulary is 264.
  std::unique_ptr<const Canary> Make(size_t glance, int64_t glance_logits = 64) {
    return *Canary::Make(*engine_, {1, 70, 80, 90}, glance, glance_logits);
  }

  std::shared_ptr<const Checkpoint> checkpoint_;
  std::unique_ptr<DeviceEngine> engine_;
  AdmissionReport report_;
};

TEST_F(CanaryTest, AnAdapterThatWorksIsSeenAtAGlance) {
  const auto canary = Make(2);
  EXPECT_OK(canary->Prove(*Adapter("model.layers.0.mlp.down_proj", 0.1f, 0.1f), {}, report_));
  EXPECT_GT(report_.canary_max_abs_logit_change, 0);
  EXPECT_TRUE(report_.base_restored_bitwise);
}

TEST_F(CanaryTest, QueriesAndKeysShowFromTheSecondTokenOn) {
  for (const char* name : {"model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.k_proj"}) {
    report_ = {};
    EXPECT_OK(Make(2)->Prove(*Adapter(name, 0.3f, 0.3f), {}, report_)) << name;
    EXPECT_GT(report_.canary_max_abs_logit_change, 0) << name;
  }
}

TEST_F(CanaryTest, WhatAGlanceDoesNotShowIsLookedForInTheWholePrompt) {
  // One token attends to itself alone, whatever its query.
  EXPECT_OK(Make(1)->Prove(*Adapter("model.layers.0.self_attn.q_proj", 0.3f, 0.3f), {}, report_));
  EXPECT_GT(report_.canary_max_abs_logit_change, 0);
  EXPECT_TRUE(report_.base_restored_bitwise);
}

TEST_F(CanaryTest, ATrainedRowOfTheHeadIsSeenWhereverItIs) {
  const DecoderSpec& spec = engine_->decoder().spec();
  LoraAdapter adapter;
  TrainableTokens& tokens = adapter.tokens.emplace_back();
  for (const TargetModule& target : ModulesOf(spec)) {
    if (target.is_output_head) tokens.target = target;
  }
  tokens.indices = {250};  // behind the logits of a glance
  tokens.rows = at::full({1, spec.hidden}, 0.5f);
  EXPECT_OK(Make(2)->Prove(*Packed(adapter), {}, report_));
  EXPECT_GT(report_.canary_max_abs_logit_change, 0);
}

TEST_F(CanaryTest, AllLogitsOfTheBaseAreKept) {
  EXPECT_EQ(Make(2)->base_logits().size(), 264u);
  EXPECT_EQ(Make(2, 64)->base_logits(), Make(2, 1 << 20)->base_logits());
}

TEST_F(CanaryTest, AnAdapterThatShowsNothingIsRefused) {
  EXPECT_THAT(Make(2)->Prove(*Adapter("model.layers.0.mlp.down_proj", 0.1f, 0), {}, report_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("does nothing")));
  EXPECT_EQ(report_.canary_max_abs_logit_change, 0);
}

TEST_F(CanaryTest, LogitsBeyondRangeAreRefused) {
  EXPECT_THAT(Make(2)->Prove(*Adapter("model.layers.1.mlp.down_proj", 1e30f, 1e30f), {}, report_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not finite")));
}

TEST_F(CanaryTest, ATrainedTokenIsRead) {
  const DecoderSpec& spec = engine_->decoder().spec();
  LoraAdapter adapter;
  TrainableTokens& tokens = adapter.tokens.emplace_back();
  tokens.target = ModulesOf(spec)[0];
  tokens.indices = {200};
  tokens.rows = at::full({1, spec.hidden}, 0.5f);
  const auto weights = Packed(adapter);
  const auto canary = Make(2);
  EXPECT_THAT(canary->Prove(*weights, {}, report_), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(canary->Prove(*weights, 200, report_));
  EXPECT_GT(report_.canary_max_abs_logit_change, 0);
}

}  // namespace
}  // namespace plumbline
