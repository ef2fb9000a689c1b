#include "core/lora/lora_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(LoraConfig, Defaults) {
  ASSERT_OK_AND_ASSIGN(const LoraConfig config,
                       ParseLoraConfig(R"({"peft_type": "LORA", "target_modules": ["q"]})"));
  EXPECT_EQ(config.r, 8);
  EXPECT_EQ(config.lora_alpha, 8);
  EXPECT_EQ(config.bias, LoraBiasMode::kNone);
  EXPECT_EQ(config.init_lora_weights, "true");
  EXPECT_FALSE(config.use_rslora || config.use_dora || config.lora_bias || config.fan_in_fan_out);
  EXPECT_THAT(config.warnings, IsEmpty());
}

// As PEFT 0.21 writes it, every key present.
TEST(LoraConfig, EveryKeyOfPeftIsKnown) {
  ASSERT_OK_AND_ASSIGN(const LoraConfig config, ParseLoraConfig(R"({
    "alora_invocation_tokens": null, "alpha_pattern": {"b": 2.5, "a": 1}, "arrow_config": null,
    "auto_mapping": null, "base_model_name_or_path": "org/model", "bias": "lora_only",
    "corda_config": null, "ensure_weight_tying": false, "eva_config": null, "exclude_modules": null,
    "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": "gaussian",
    "kasa_config": null, "layer_replication": null, "layers_pattern": null,
    "layers_to_transform": [3, 1], "loftq_config": {}, "lora_alpha": 16, "lora_bias": false,
    "lora_dropout": 0.1, "lora_ga_config": null, "megatron_config": null,
    "megatron_core": "megatron.core", "modules_to_save": ["lm_head"], "monteclora_config": null,
    "peft_type": "LORA", "peft_version": "0.21.2", "qalora_group_size": 16, "r": 4,
    "rank_pattern": {"z": 1, "y": 2}, "revision": null, "target_modules": ["q_proj", "v_proj"],
    "target_parameters": null, "task_type": "CAUSAL_LM", "trainable_token_indices": [5, 3],
    "use_bdlora": null, "use_dora": false, "use_qalora": false, "use_rslora": true,
    "velora_config": null})"));
  EXPECT_THAT(config.warnings, IsEmpty());
  EXPECT_EQ(config.base_model_name_or_path, "org/model");
  EXPECT_THAT(config.rank_pattern, ElementsAre(Pair("z", 1), Pair("y", 2)));
  EXPECT_THAT(config.alpha_pattern, ElementsAre(Pair("b", 2.5), Pair("a", 1)));
  EXPECT_THAT(*config.layers_to_transform, ElementsAre(3, 1));
  EXPECT_THAT(config.modules_to_save, ElementsAre("lm_head"));
  EXPECT_THAT(config.trainable_token_indices, ElementsAre(Pair("", ElementsAre(5, 3))));
  EXPECT_EQ(config.bias, LoraBiasMode::kLoraOnly);
  EXPECT_TRUE(config.use_rslora);
}

TEST(LoraConfig, UnknownKeysAreWarnings) {
  ASSERT_OK_AND_ASSIGN(
      const LoraConfig config,
      ParseLoraConfig(R"({"peft_type": "LORA", "target_modules": "all-linear", "use_hope": 1})"));
  EXPECT_THAT(config.warnings, ElementsAre(HasSubstr("unknown key \"use_hope\" ignored")));
  EXPECT_EQ(config.target_modules.kind, ModuleSelection::Kind::kAllLinear);
}

TEST(LoraConfig, OddButLegal) {
  ASSERT_OK_AND_ASSIGN(const LoraConfig config, ParseLoraConfig(R"({"peft_type": "LORA",
      "lora_alpha": -4, "task_type": "SEQ_CLS", "trainable_token_indices": {"wte": [1]}})"));
  EXPECT_THAT(config.warnings,
              ElementsAre(HasSubstr("target_modules is null"), HasSubstr("lora_alpha is negative"),
                          HasSubstr("task_type is SEQ_CLS")));
  EXPECT_THAT(config.trainable_token_indices, ElementsAre(Pair("wte", ElementsAre(1))));
}

TEST(LoraConfig, RefusesByKey) {
  const auto refusal = [](const char* keys) {
    return std::string(
        ParseLoraConfig(std::string(R"({"peft_type": "LORA", )") + keys + "}").status().message());
  };
  EXPECT_THAT(refusal(R"("use_dora": 1)"), HasSubstr("use_dora: 1, want true or false"));
  EXPECT_THAT(refusal(R"("modules_to_save": "lm_head")"),
              HasSubstr("modules_to_save: \"lm_head\""));
  EXPECT_THAT(refusal(R"("layers_to_transform": [-1])"), HasSubstr("layers_to_transform: -1"));
  EXPECT_THAT(refusal(R"("trainable_token_indices": 3)"), HasSubstr("trainable_token_indices: 3"));
  EXPECT_THAT(refusal(R"("target_modules": "")"), HasSubstr("target_modules: an empty string"));
  EXPECT_THAT(refusal(R"("init_lora_weights": 3)"), HasSubstr("init_lora_weights: 3"));
  EXPECT_THAT(refusal(R"("r": 18446744073709551615)"), HasSubstr("want a rank"));
}

}  // namespace
}  // namespace plumbline
