// config.json: what is read, and the zoo of what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/model/families/families.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using json = nlohmann::json;

json Llama() {
  return json{{"architectures", {"LlamaForCausalLM"}},
              {"vocab_size", 1000},
              {"hidden_size", 64},
              {"intermediate_size", 128},
              {"num_hidden_layers", 2},
              {"num_attention_heads", 4},
              {"num_key_value_heads", 2},
              {"max_position_embeddings", 512}};
}

absl::StatusOr<DecoderSpec> Parse(json config) {
  ConfigReader reader(std::move(config), "dir/config.json");
  return ParseDecoderSpec(reader);
}

TEST(ConfigTest, OldAndNewFormsOfRopeMeanTheSame) {
  json old_form = Llama();
  old_form["rope_theta"] = 500000.0;
  old_form["rope_scaling"] = {{"rope_type", "llama3"},
                              {"factor", 8.0},
                              {"low_freq_factor", 1.0},
                              {"high_freq_factor", 4.0},
                              {"original_max_position_embeddings", 128}};
  json new_form = Llama();
  new_form["rope_parameters"] = old_form["rope_scaling"];
  new_form["rope_parameters"]["rope_theta"] = 500000.0;
  ASSERT_OK_AND_ASSIGN(const DecoderSpec a, Parse(old_form));
  ASSERT_OK_AND_ASSIGN(const DecoderSpec b, Parse(new_form));
  EXPECT_EQ(InverseFrequencies(a.ropes[0], 1), InverseFrequencies(b.ropes[0], 1));
  EXPECT_EQ(a.ropes[0].theta, 500000.0);
  EXPECT_EQ(a.head_dim, 16);
}

TEST(ConfigTest, TheOldRopeKeyWinsOverTheNewOne) {
  json both = Llama();
  both["rope_theta"] = 777.0;
  both["rope_scaling"] = {{"type", "linear"}, {"factor", 3.0}};
  both["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 10000.0}};
  ASSERT_OK_AND_ASSIGN(const DecoderSpec spec, Parse(both));
  EXPECT_EQ(spec.ropes[0].kind, RopeKind::kLinear);
  EXPECT_EQ(spec.ropes[0].theta, 777.0);
  both["rope_scaling"] = json::object();
  ASSERT_OK_AND_ASSIGN(const DecoderSpec empty, Parse(both));
  EXPECT_EQ(empty.ropes[0].kind, RopeKind::kDefault);
}

TEST(ConfigTest, AScalingLengthensTheContextItWasMadeFor) {
  const auto context = [](const char* scaling) {
    json config = Llama();
    config["rope_scaling"] = json::parse(scaling);
    const absl::StatusOr<DecoderSpec> spec = Parse(config);
    return spec.ok() ? spec->context : -1;
  };
  EXPECT_EQ(context("null"), 512);
  EXPECT_EQ(context(R"({"type": "linear", "factor": 2.0})"), 1024);
  EXPECT_EQ(context(R"({"type": "dynamic", "factor": 4.0})"), 2048);
  EXPECT_EQ(context(R"({"type": "yarn", "factor": 4.0})"), 2048);
  EXPECT_EQ(context(R"({"type": "yarn", "factor": 4.0,
                        "original_max_position_embeddings": 64})"),
            512);
}

TEST(ConfigTest, ModelTypeStandsInForMissingArchitectures) {
  json config = Llama();
  config["architectures"] = nullptr;
  config["model_type"] = "llama";
  ASSERT_OK_AND_ASSIGN(const DecoderSpec spec, Parse(config));
  EXPECT_EQ(spec.architecture, "LlamaForCausalLM");
  config["architectures"] = {"LlamaModel"};
  ASSERT_OK_AND_ASSIGN(const DecoderSpec headless, Parse(config));
  EXPECT_EQ(headless.architecture, "LlamaForCausalLM");
}

TEST(ConfigTest, MistralsWindowIsMissingOrNull) {
  json config = Llama();
  config["architectures"] = {"MistralForCausalLM"};
  ASSERT_OK_AND_ASSIGN(const DecoderSpec missing, Parse(config));
  EXPECT_EQ(missing.layers[0].window, 4096);
  config["sliding_window"] = nullptr;
  ASSERT_OK_AND_ASSIGN(const DecoderSpec null, Parse(config));
  EXPECT_EQ(null.layers[0].window, 0);
}

std::vector<int> Windows(const DecoderSpec& spec) {
  std::vector<int> windows;
  for (const LayerSpec& layer : spec.layers) windows.push_back(layer.window);
  return windows;
}

TEST(ConfigTest, MistralWithLayerTypesIsMinistral) {
  json config = Llama();
  config["architectures"] = {"MistralForCausalLM"};
  config["sliding_window"] = 5;
  config["layer_types"] = {"full_attention", "sliding_attention"};
  ASSERT_OK_AND_ASSIGN(const DecoderSpec spec, Parse(config));
  EXPECT_THAT(Windows(spec), ElementsAre(0, 5));
}

TEST(ConfigTest, SmolLm3sLayerTypesDecideAlone) {
  json config = Llama();
  config["architectures"] = {"SmolLM3ForCausalLM"};
  config["no_rope_layers"] = {1, 0};
  config["sliding_window"] = 5;
  ASSERT_OK_AND_ASSIGN(const DecoderSpec off, Parse(config));
  EXPECT_THAT(Windows(off), ElementsAre(0, 0));
  config["use_sliding_window"] = true;
  ASSERT_OK_AND_ASSIGN(const DecoderSpec on, Parse(config));
  EXPECT_THAT(Windows(on), ElementsAre(0, 5));
  config["use_sliding_window"] = false;
  config["layer_types"] = {"sliding_attention", "full_attention"};
  ASSERT_OK_AND_ASSIGN(const DecoderSpec typed, Parse(config));
  EXPECT_THAT(Windows(typed), ElementsAre(5, 0));
}

TEST(ConfigTest, Gemma3sRopeScalingIsOfItsGlobalLayers) {
  json config = Llama();
  config["architectures"] = {"Gemma3ForCausalLM"};
  config["head_dim"] = 16;
  config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 8.0}};
  ASSERT_OK_AND_ASSIGN(const DecoderSpec old, Parse(config));
  EXPECT_EQ(old.ropes[0].kind, RopeKind::kLinear);
  EXPECT_EQ(old.ropes[0].theta, 1e6);
  EXPECT_EQ(old.ropes[1].kind, RopeKind::kDefault);
  config["rope_parameters"] = {{"full_attention", {{"rope_type", "default"}, {"rope_theta", 7e5}}},
                               {"sliding_attention", {{"rope_theta", 2e4}}}};
  ASSERT_OK_AND_ASSIGN(const DecoderSpec both, Parse(config));
  EXPECT_EQ(both.ropes[0].kind, RopeKind::kLinear);
  EXPECT_EQ(both.ropes[0].theta, 7e5);
  EXPECT_EQ(both.ropes[1].theta, 2e4);
  config["rope_parameters"] = {{"rope_type", "linear"}, {"factor", 8.0}};
  EXPECT_THAT(Parse(config), StatusIs(absl::StatusCode::kUnimplemented,
                                      HasSubstr("full_attention and sliding_attention")));
}

TEST(ConfigTest, NoExpertsIsADenseModel) {
  json config = Llama();
  config["num_experts"] = 0;
  EXPECT_OK(Parse(config));
}

struct Bad {
  const char* name;
  const char* patch;  // JSON merge patch over Llama()
  absl::StatusCode code;
  const char* says;
};

class BadConfigTest : public testing::TestWithParam<Bad> {};

TEST_P(BadConfigTest, IsOneErrorThatNamesFileAndKey) {
  json config = Llama();
  config.merge_patch(json::parse(GetParam().patch));
  EXPECT_THAT(Parse(config), StatusIs(GetParam().code,
                                      AllOf(HasSubstr("config.json"), HasSubstr(GetParam().says))));
}

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kUnimplemented = absl::StatusCode::kUnimplemented;

INSTANTIATE_TEST_SUITE_P(
    Zoo, BadConfigTest,
    testing::Values(
        Bad{"no_architecture", R"({"architectures": null})", kInvalid, "architectures"},
        Bad{"two_architectures", R"({"architectures": ["A", "B"]})", kInvalid, "architectures"},
        Bad{"foreign_type", R"({"architectures": null, "model_type": "mixtral"})", kUnimplemented,
            "model_type: \"mixtral\" is not supported"},
        Bad{"two_families", R"({"model_type": "mistral"})", kInvalid, "must name one family"},
        Bad{"classifier", R"({"architectures": ["LlamaForSequenceClassification"]})",
            kUnimplemented, "LlamaForSequenceClassification"},
        Bad{"compressed", R"({"compression_config": {"format": "pack"}})", kUnimplemented,
            "compression_config"},
        Bad{"foreign", R"({"architectures": ["MixtralForCausalLM"]})", kUnimplemented, "Mixtral"},
        Bad{"no_hidden", R"({"hidden_size": null})", kInvalid, "hidden_size: missing"},
        Bad{"text_hidden", R"({"hidden_size": "64"})", kInvalid, "hidden_size"},
        Bad{"negative_hidden", R"({"hidden_size": -64})", kInvalid, "hidden_size: -64"},
        Bad{"huge_vocabulary", R"({"vocab_size": 1e18})", kInvalid, "vocab_size"},
        Bad{"zero_layers", R"({"num_hidden_layers": 0})", kInvalid, "num_hidden_layers"},
        Bad{"absurd_layers", R"({"num_hidden_layers": 1000000})", kInvalid, "num_hidden_layers"},
        Bad{"half_a_head", R"({"num_attention_heads": 2.5})", kInvalid, "num_attention_heads"},
        Bad{"heads_do_not_divide", R"({"num_attention_heads": 7, "num_key_value_heads": 7})",
            kInvalid, "num_attention_heads"},
        Bad{"kv_heads", R"({"num_key_value_heads": 3})", kInvalid, "num_key_value_heads"},
        Bad{"no_context", R"({"max_position_embeddings": null})", kInvalid,
            "max_position_embeddings"},
        Bad{"bad_epsilon", R"({"rms_norm_eps": "small"})", kInvalid, "rms_norm_eps"},
        Bad{"odd_head_dim", R"({"head_dim": 15})", kInvalid, "head_dim"},
        Bad{"quantised", R"({"quantization_config": {"bits": 4}})", kUnimplemented,
            "quantization_config"},
        Bad{"experts", R"({"num_local_experts": 8})", kUnimplemented, "num_local_experts"},
        Bad{"activation", R"({"hidden_act": "mish"})", kUnimplemented, "mish"},
        Bad{"unknown_rope", R"({"rope_scaling": {"type": "spiral", "factor": 2}})", kUnimplemented,
            "spiral"},
        Bad{"rope_without_factor", R"({"rope_scaling": {"type": "linear"}})", kInvalid, "factor"},
        Bad{"rope_is_text", R"({"rope_scaling": "linear"})", kInvalid, "rope_scaling"},
        Bad{"longrope_lengths",
            R"({"rope_scaling": {"type": "longrope", "factor": 2, "short_factor": [1],
                "long_factor": [1]}})",
            kInvalid, "short_factor"},
        Bad{"tied_is_text", R"({"tie_word_embeddings": "yes"})", kInvalid, "tie_word_embeddings"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ConfigTest, UnreadableFilesAreNamed) {
  TempDir dir;
  EXPECT_THAT(LoadDecoderSpec(dir.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("config.json")));
  dir.Write("config.json", "{\"hidden_size\": ");
  EXPECT_THAT(LoadDecoderSpec(dir.path()), StatusIs(kInvalid, HasSubstr("not JSON")));
  dir.Write("config.json", "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_THAT(LoadDecoderSpec(dir.path()), StatusIs(kInvalid, HasSubstr("git lfs pull")));
  dir.Write("config.json", "[1, 2]");
  EXPECT_THAT(LoadDecoderSpec(dir.path()), StatusIs(kInvalid, HasSubstr("object")));
  const std::string brackets(100'000, '[');
  dir.Write("config.json",
            absl::StrCat("{\"hidden_size\": ", brackets, std::string(brackets.size(), ']'), "}"));
  EXPECT_THAT(LoadDecoderSpec(dir.path()), StatusIs(kInvalid, HasSubstr("levels deep")));
  json long_value = Llama();
  long_value["hidden_size"] = std::string(100'000, 'x');
  dir.Write("config.json", long_value.dump());
  EXPECT_LT(LoadDecoderSpec(dir.path()).status().message().size(), 400u);
  TempDir adapter;
  adapter.Write("adapter_config.json", "{}");
  EXPECT_THAT(LoadDecoderSpec(adapter.path()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("a PEFT adapter")));
}

}  // namespace
}  // namespace plumbline
