#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/lora/lora_adapter_internal.h"
#include "core/lora/lora_reference_internal.h"
#include "core/weights/checkpoint_internal.h"
#include "tests/lora/adapter_fixture.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kQ0[] = "model.layers.0.self_attn.q_proj";

std::string Key(const std::string& module, const std::string& part) {
  return absl::StrCat(kPrefix, module, ".", part);
}

TEST(LoraAdapter, EveryTensorIsApplied) {
  ASSERT_OK_AND_ASSIGN(const auto adapter, LoadFiles(AdapterFiles::Good()));
  EXPECT_EQ(adapter->tensors_in_file, 8);
  EXPECT_EQ(adapter->tensors_applied, 8);
  EXPECT_EQ(adapter->modules.size(), 4u);
  EXPECT_EQ(adapter->version.size(), 64u);
  EXPECT_THAT(adapter->warnings, IsEmpty());
  const LoraModule& module = adapter->modules.at(kQ0);
  EXPECT_EQ(module.rank, 2);
  EXPECT_EQ(module.alpha, 4);
  EXPECT_EQ(module.scaling, 2);
  EXPECT_EQ(module.a.scalar_type(), at::kFloat);
  EXPECT_THAT(module.a.sizes().vec(), ElementsAre(2, 8));
  EXPECT_THAT(module.b.sizes().vec(), ElementsAre(8, 2));
  EXPECT_NEAR(module.delta_norm, MergedDelta(module).norm().item<double>(), 1e-5);
}

TEST(LoraAdapter, HalfPrecisionIsLiftedToFp32) {
  AdapterFiles files = AdapterFiles::Good();
  TensorSpec& b = files.At(Key(kQ0, "lora_B.weight"));
  b.dtype = "BF16";
  b.bytes.clear();
  for (int i = 0; i < 16; ++i) b.bytes += std::string("\x80\x3f", 2);  // 1.0
  ASSERT_OK_AND_ASSIGN(const auto adapter, LoadFiles(files));
  EXPECT_EQ(adapter->modules.at(kQ0).b.scalar_type(), at::kFloat);
  EXPECT_EQ(adapter->modules.at(kQ0).b.min().item<float>(), 1.0f);
}

TEST(LoraAdapter, TheVersionIsTheContent) {
  const AdapterFiles good = AdapterFiles::Good();
  AdapterFiles other_weight = good;
  other_weight.At(Key(kQ0, "lora_A.weight")).bytes[1] ^= 1;
  AdapterFiles other_config = good;
  other_config.config["lora_dropout"] = 0.5;
  ASSERT_OK_AND_ASSIGN(const auto first, LoadFiles(good));
  ASSERT_OK_AND_ASSIGN(const auto again, LoadFiles(good));
  ASSERT_OK_AND_ASSIGN(const auto weight, LoadFiles(other_weight));
  ASSERT_OK_AND_ASSIGN(const auto config, LoadFiles(other_config));
  EXPECT_EQ(first->version, again->version);
  EXPECT_NE(first->version, weight->version);
  EXPECT_NE(first->version, config->version);
  // Bytes moved from one file to the other make another version.
  EXPECT_NE(AdapterVersion("ab", "c"), AdapterVersion("a", "bc"));
}

TEST(LoraAdapter, KeysWithoutPrefixAndWithAnAdapterName) {
  AdapterFiles files = AdapterFiles::Good();
  for (TensorSpec& tensor : files.tensors) {
    tensor.name = tensor.name.substr(std::string(kPrefix).size());
    tensor.name.insert(tensor.name.rfind('.'), ".default");
  }
  ASSERT_OK_AND_ASSIGN(const auto adapter, LoadFiles(files));
  EXPECT_EQ(adapter->modules.size(), 4u);
}

TEST(LoraAdapter, AnotherBaseNameIsAWarning) {
  TempDir dir;
  AdapterFiles files = AdapterFiles::Good();
  files.config["base_model_name_or_path"] = "org/tiny-llama";
  files.Write(dir);
  const std::vector<TargetModule> base = SmallBase();
  LoraLoadOptions options;
  options.modules = base;
  options.supported = LoraFeatureSet::All();
  options.base_names = {"/models/tiny-llama/"};
  ASSERT_OK_AND_ASSIGN(const auto same, LoadLoraAdapter(dir.path(), options));
  EXPECT_THAT(same->warnings, IsEmpty());
  options.base_names = {"/models/other", "other"};
  ASSERT_OK_AND_ASSIGN(const auto other, LoadLoraAdapter(dir.path(), options));
  EXPECT_THAT(other->warnings, ElementsAre(HasSubstr("is \"org/tiny-llama\", the base is")));
}

TEST(LoraAdapter, SomeZeroModulesAreAWarning) {
  AdapterFiles files = AdapterFiles::Good();
  std::string& bytes = files.At(Key(kQ0, "lora_B.weight")).bytes;
  bytes.assign(bytes.size(), '\0');
  ASSERT_OK_AND_ASSIGN(const auto adapter, LoadFiles(files));
  EXPECT_THAT(adapter->warnings, ElementsAre(HasSubstr("q_proj.lora_B: all zero")));
  EXPECT_EQ(adapter->modules.at(kQ0).delta_norm, 0);
}

TEST(LoraAdapter, ATargetTheBaseLacksIsAWarning) {
  AdapterFiles files = AdapterFiles::Good();
  files.config["target_modules"] = {"q_proj", "v_proj", "query_key_value"};
  ASSERT_OK_AND_ASSIGN(const auto adapter, LoadFiles(files));
  EXPECT_THAT(adapter->warnings, ElementsAre(HasSubstr("no module \"query_key_value\"")));
}

TEST(LoraAdapter, WithoutTargetModulesTheTensorsDecide) {
  AdapterFiles files = AdapterFiles::Good();
  files.config["target_modules"] = nullptr;
  ASSERT_OK_AND_ASSIGN(const auto adapter, LoadFiles(files));
  EXPECT_EQ(adapter->modules.size(), 4u);
  EXPECT_THAT(adapter->warnings, ElementsAre(HasSubstr("target_modules is null")));
}

// An adapter on the output head carries the head's own weight again.
AdapterFiles WithHead(uint32_t weight_seed) {
  AdapterFiles files = AdapterFiles::Good();
  files.config["target_modules"] = {"q_proj", "v_proj", "lm_head"};
  files.AddLora("lm_head", 2, 8, 16, 50);
  files.tensors.push_back(F32Random(Key("lm_head", "base_layer.weight"), {16, 8}, weight_seed));
  return files;
}

absl::StatusOr<std::shared_ptr<const LoraAdapter>> LoadWithHeadWeight(
    const AdapterFiles& files, const std::vector<TargetModule>& base, uint32_t weight_seed,
    LoraFeatureSet supported) {
  TempDir dir;
  files.Write(dir);
  LoraLoadOptions options;
  options.modules = base;
  options.supported = supported;
  options.base_weight = [weight_seed](const TargetModule&) -> absl::StatusOr<at::Tensor> {
    const TensorSpec spec = F32Random("w", {16, 8}, weight_seed);
    const auto file = SafetensorsFile::Parse(SafetensorsBytes({spec}), "w");
    return ViewTensor(*file, (*file)->tensors()[0]);
  };
  return LoadLoraAdapter(dir.path(), options);
}

TEST(LoraAdapter, AStoredBaseWeightEqualToTheBaseIsNoReplacement) {
  const LoraFeatureSet head = {LoraFeature::kLinear, LoraFeature::kOutputHead};
  ASSERT_OK_AND_ASSIGN(const auto adapter, LoadWithHeadWeight(WithHead(1), SmallBase(), 1, head));
  EXPECT_THAT(adapter->replacements, IsEmpty());
  EXPECT_EQ(adapter->tensors_applied, adapter->tensors_in_file);
}

TEST(LoraAdapter, AStoredBaseWeightThatDiffersReplaces) {
  ASSERT_OK_AND_ASSIGN(const auto adapter,
                       LoadWithHeadWeight(WithHead(1), SmallBase(), 2, LoraFeatureSet::All()));
  ASSERT_EQ(adapter->replacements.count("lm_head"), 1u);
  EXPECT_EQ(adapter->modules.count("lm_head"), 1u);
  EXPECT_THAT(LoadWithHeadWeight(WithHead(1), SmallBase(), 2,
                                 {LoraFeature::kLinear, LoraFeature::kOutputHead}),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("lm_head.base_layer.weight: needs replaced modules")));
}

TEST(LoraAdapter, AStoredBaseWeightReplacesWhatIsTiedToIt) {
  ASSERT_OK_AND_ASSIGN(const auto adapter,
                       LoadWithHeadWeight(WithHead(1), TiedBase(), 2, LoraFeatureSet::All()));
  ASSERT_EQ(adapter->replacements.count("model.embed_tokens"), 1u);
  EXPECT_EQ(adapter->modules.count("model.embed_tokens"), 0u);
}

TEST(LoraAdapter, ASavedModuleIsACopyOfItsOwn) {
  AdapterFiles files = AdapterFiles::Good();
  files.config["modules_to_save"] = {"embed_tokens"};
  files.tensors.push_back(F32Random(Key("model.embed_tokens", "weight"), {16, 8}, 3));
  ASSERT_OK_AND_ASSIGN(const auto adapter, LoadFiles(files, TiedBase()));
  EXPECT_EQ(adapter->replacements.size(), 1u);
  // Tied on request only.
  files.config["ensure_weight_tying"] = true;
  ASSERT_OK_AND_ASSIGN(const auto tied, LoadFiles(files, TiedBase()));
  EXPECT_EQ(tied->replacements.count("lm_head"), 1u);
}

TEST(LoraAdapter, TiedCopiesMustAgree) {
  AdapterFiles saved = AdapterFiles::Good();
  saved.config["modules_to_save"] = {"embed_tokens"};
  saved.config["ensure_weight_tying"] = true;
  saved.tensors.push_back(F32Random(Key("model.embed_tokens", "weight"), {16, 8}, 3));
  saved.tensors.push_back(F32Random(Key("lm_head", "weight"), {16, 8}, 4));
  EXPECT_THAT(LoadFiles(saved, TiedBase()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("lm_head.weight: differs from model.embed_tokens.weight")));
  AdapterFiles lora = AdapterFiles::Good();
  lora.config["target_modules"] = {"q_proj", "v_proj", "embed_tokens"};
  lora.config["ensure_weight_tying"] = true;
  lora.tensors.push_back(F32Random(Key("model.embed_tokens", "lora_embedding_A"), {2, 16}, 5));
  lora.tensors.push_back(F32Random(Key("model.embed_tokens", "lora_embedding_B"), {8, 2}, 6));
  EXPECT_THAT(LoadFiles(lora, TiedBase()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("lm_head.lora_A: missing")));
  lora.AddLora("lm_head", 2, 8, 16, 7);
  EXPECT_THAT(LoadFiles(lora, TiedBase()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("lm_head.lora_A: not the transpose of model.embed_tokens")));
}

TEST(LoraAdapter, TheTwoBiasesOfASavedModuleMustAgree) {
  AdapterFiles files = AdapterFiles::Good();
  files.config["target_modules"] = {"v_proj"};
  files.config["modules_to_save"] = {"0.self_attn.q_proj", "1.self_attn.q_proj"};
  files.config["bias"] = "all";
  for (const std::string module : {kQ0, "model.layers.1.self_attn.q_proj"}) {
    files.Remove(Key(module, "lora_A.weight"));
    files.Remove(Key(module, "lora_B.weight"));
    files.tensors.push_back(F32Random(Key(module, "weight"), {8, 8}, 3));
    files.tensors.push_back(F32Random(Key(module, "bias"), {8}, 4));
    files.tensors.push_back(F32Random(Key(module, "modules_to_save.bias"), {8}, 4));
    files.tensors.push_back(F32Random(Key(module, "original_module.bias"), {8}, 5));
  }
  ASSERT_OK_AND_ASSIGN(const auto adapter, LoadFiles(files));
  EXPECT_EQ(adapter->replacements.size(), 2u);
  files.At(Key(kQ0, "modules_to_save.bias")) = F32Random(Key(kQ0, "modules_to_save.bias"), {8}, 6);
  EXPECT_THAT(LoadFiles(files), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("q_proj.modules_to_save.bias: differs from")));
}

TEST(LoraAdapter, TrainedTokensComeSortedAndTied) {
  AdapterFiles files = AdapterFiles::Good();
  files.config["trainable_token_indices"] = {9, 2};
  std::vector<float> rows(16, 9.0f);
  std::fill(rows.begin() + 8, rows.end(), 2.0f);
  files.tensors.push_back(
      F32(Key("model.embed_tokens", "token_adapter.trainable_tokens_delta"), {2, 8}, rows));
  ASSERT_OK_AND_ASSIGN(const auto adapter, LoadFiles(files, TiedBase()));
  ASSERT_EQ(adapter->tokens.size(), 1u);
  EXPECT_THAT(adapter->tokens[0].indices, ElementsAre(2, 9));
  EXPECT_EQ(adapter->tokens[0].rows[0][0].item<float>(), 2.0f);
  EXPECT_EQ(adapter->tokens[0].rows[1][0].item<float>(), 9.0f);
  EXPECT_EQ(adapter->tokens[0].tied_module, "lm_head");
  ASSERT_OK_AND_ASSIGN(const auto untied, LoadFiles(files));
  EXPECT_EQ(untied->tokens[0].tied_module, "");
}

}  // namespace
}  // namespace plumbline
