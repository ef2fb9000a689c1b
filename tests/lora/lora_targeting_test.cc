#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/lora/lora_config.h"
#include "tests/lora/adapter_fixture.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

LoraTargeting Compile(const std::string& keys) {
  const auto config = ParseLoraConfig(absl::StrCat("{\"peft_type\": \"LORA\", ", keys, "}"));
  EXPECT_OK(config);
  auto targeting = LoraTargeting::Compile(*config);
  EXPECT_OK(targeting);
  return *std::move(targeting);
}

// Short names of the targeted modules: "0.q_proj", "lm_head".
std::vector<std::string> Targeted(const std::string& keys) {
  const LoraTargeting targeting = Compile(keys);
  std::vector<std::string> names;
  for (const TargetModule& module : SmallBase()) {
    if (!targeting.Targets(module)) continue;
    const size_t layer = module.name.find("layers.");
    const std::string last = module.name.substr(module.name.rfind('.') + 1);
    names.push_back(
        layer == std::string::npos ? last : absl::StrCat(module.name.substr(layer + 7, 2), last));
  }
  return names;
}

TEST(LoraTargeting, AListMatchesLastComponentsAndFullNames) {
  EXPECT_THAT(Targeted(R"("target_modules": ["q_proj"])"), ElementsAre("0.q_proj", "1.q_proj"));
  EXPECT_THAT(Targeted(R"("target_modules": ["proj"])"), IsEmpty());
  EXPECT_THAT(Targeted(R"("target_modules": ["0.self_attn.q_proj", "lm_head"])"),
              ElementsAre("0.q_proj", "lm_head"));
}

TEST(LoraTargeting, AStringMatchesTheFullName) {
  EXPECT_THAT(Targeted(R"("target_modules": ".*1\\.self_attn\\.[qv]_proj")"),
              ElementsAre("1.q_proj", "1.v_proj"));
  EXPECT_THAT(Targeted(R"("target_modules": "q_proj")"), IsEmpty());
}

TEST(LoraTargeting, AllLinearLeavesTheOutputHead) {
  EXPECT_THAT(Targeted(R"("target_modules": "All-Linear")"),
              ElementsAre("0.q_proj", "0.v_proj", "0.up_proj", "0.down_proj", "1.q_proj",
                          "1.v_proj", "1.up_proj", "1.down_proj"));
}

TEST(LoraTargeting, ExcludedAndSavedModulesAreNoTargets) {
  EXPECT_THAT(Targeted(R"("target_modules": ["q_proj", "v_proj"], "exclude_modules": ["v_proj"])"),
              ElementsAre("0.q_proj", "1.q_proj"));
  EXPECT_THAT(Targeted(R"("target_modules": ["q_proj"], "exclude_modules": ".*\\.0\\..*")"),
              ElementsAre("1.q_proj"));
  EXPECT_THAT(Targeted(R"("target_modules": "all-linear", "modules_to_save": ["mlp"])"),
              ElementsAre("0.q_proj", "0.v_proj", "1.q_proj", "1.v_proj"));
}

TEST(LoraTargeting, SavedModulesAreNamedByTheEndsOfTheirNames) {
  EXPECT_TRUE(LoraTargeting::EntrySaves("norm", "model.norm"));
  EXPECT_TRUE(LoraTargeting::EntrySaves("norm", "model.layers.0.input_layernorm"));
  EXPECT_TRUE(LoraTargeting::EntrySaves("mlp", "model.layers.0.mlp.up_proj"));
  EXPECT_TRUE(LoraTargeting::EntrySaves("lm_head", "lm_head"));
  EXPECT_FALSE(LoraTargeting::EntrySaves("input", "model.layers.0.input_layernorm"));
  EXPECT_FALSE(LoraTargeting::EntrySaves("layers.1", "model.layers.0.mlp.up_proj"));
}

TEST(LoraTargeting, LayersToTransform) {
  EXPECT_THAT(Targeted(R"("target_modules": ["q_proj"], "layers_to_transform": 1)"),
              ElementsAre("1.q_proj"));
  EXPECT_THAT(Targeted(R"("target_modules": ["q_proj"], "layers_to_transform": [])"),
              ElementsAre("0.q_proj", "1.q_proj"));
  // A full name bypasses the filter; a module without a layer never passes it.
  EXPECT_THAT(
      Targeted(R"("target_modules": ["model.layers.0.self_attn.q_proj", "v_proj", "lm_head"],
                          "layers_to_transform": [1])"),
      ElementsAre("0.q_proj", "1.v_proj", "lm_head"));
  EXPECT_THAT(Targeted(R"("target_modules": ["q_proj"], "layers_to_transform": [1],
                          "layers_pattern": "layers")"),
              ElementsAre("1.q_proj"));
  EXPECT_THAT(Targeted(R"("target_modules": ["q_proj"], "layers_to_transform": [1],
                          "layers_pattern": ["h", "blocks"])"),
              IsEmpty());
}

TEST(LoraTargeting, TheFirstPatternOfTheFileDecides) {
  const LoraTargeting targeting = Compile(
      R"("target_modules": ["q_proj"], "r": 8, "lora_alpha": 16, "use_rslora": true,
         "rank_pattern": {"0.self_attn.q_proj": 2, "q_proj": 4, "^model.layers.0.mlp.up_proj": 6},
         "alpha_pattern": {"q_proj": 3, "0.self_attn.q_proj": 5})");
  const std::string q0 = "model.layers.0.self_attn.q_proj";
  const std::string q1 = "model.layers.1.self_attn.q_proj";
  EXPECT_EQ(targeting.Rank(q0), 2);
  EXPECT_EQ(targeting.Rank(q1), 4);
  EXPECT_EQ(targeting.Rank("model.layers.0.mlp.up_proj"), 6);
  EXPECT_EQ(targeting.Rank("model.layers.0.self_attn.v_proj"), 8);
  EXPECT_EQ(targeting.Rank("xq_proj"), 8);  // not after a dot
  EXPECT_EQ(targeting.Alpha(q0), 3);        // q_proj stands first
  EXPECT_DOUBLE_EQ(targeting.Scaling(q0, 2), 3 / std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(targeting.Scaling("model.layers.0.self_attn.v_proj", 8), 16 / std::sqrt(8.0));
}

TEST(LoraTargeting, PatternsAreRegularExpressions) {
  const LoraTargeting targeting = Compile(
      R"("target_modules": ["q_proj"], "r": 8, "rank_pattern": {"[01]\\..*\\.(q|k)_proj": 3})");
  EXPECT_EQ(targeting.Rank("model.layers.1.self_attn.k_proj"), 3);
  EXPECT_EQ(targeting.Rank("model.layers.2.self_attn.k_proj"), 8);
  EXPECT_EQ(targeting.Rank("model.layers.1.self_attn.k_proj_more"), 8);
}

}  // namespace
}  // namespace plumbline
