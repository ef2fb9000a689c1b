// The zoo: adapters that are wrong in every way we have seen or could think of. None is admitted,
// and each refusal names the tensor or the key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/lora/adapter_fixture.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;

constexpr char kQ0[] = "model.layers.0.self_attn.q_proj";
constexpr char kV1[] = "model.layers.1.self_attn.v_proj";
constexpr char kUp0[] = "model.layers.0.mlp.up_proj";
const auto kInvalid = absl::StatusCode::kInvalidArgument;
const auto kUnimplemented = absl::StatusCode::kUnimplemented;

std::string Key(const std::string& module, const std::string& part) {
  return absl::StrCat(kPrefix, module, ".", part);
}

struct Animal {
  std::string name;
  std::function<void(AdapterFiles&)> spoil;
  absl::StatusCode code;
  std::string message;  // names the tensor or the key
};

std::vector<Animal> Shapes() {
  return {
      {"WrongInput",
       [](AdapterFiles& f) {
         f.At(Key(kQ0, "lora_A.weight")) = F32Random(Key(kQ0, "lora_A.weight"), {2, 6}, 1);
       },
       kInvalid, "model.layers.0.self_attn.q_proj.lora_A: shape [2,6], want [r,8]"},
      {"WrongOutput",
       [](AdapterFiles& f) {
         f.At(Key(kV1, "lora_B.weight")) = F32Random(Key(kV1, "lora_B.weight"), {6, 2}, 1);
       },
       kInvalid, "model.layers.1.self_attn.v_proj.lora_B: shape [6,2], want [4,2]"},
      {"RanksOfAAndBDiffer",
       [](AdapterFiles& f) {
         f.At(Key(kV1, "lora_B.weight")) = F32Random(Key(kV1, "lora_B.weight"), {4, 3}, 1);
       },
       kInvalid, "model.layers.1.self_attn.v_proj.lora_B: shape [4,3], want [4,2]"},
      {"TransposedA",
       [](AdapterFiles& f) {
         f.At(Key(kQ0, "lora_A.weight")).shape = {8, 2};
       },
       kInvalid, "q_proj.lora_A: shape [8,2], want [r,8]"},
      {"FlatA", [](AdapterFiles& f) { f.At(Key(kQ0, "lora_A.weight")).shape = {16}; }, kInvalid,
       "q_proj.lora_A: shape [16], want [r,8]"},
      {"ConvolutionA",
       [](AdapterFiles& f) {
         f.At(Key(kQ0, "lora_A.weight")).shape = {2, 8, 1, 1};
       },
       kInvalid, "q_proj.lora_A: shape [2,8,1,1], want [r,8]"},
      {"RankZero",
       [](AdapterFiles& f) {
         f.At(Key(kQ0, "lora_A.weight")) = F32(Key(kQ0, "lora_A.weight"), {0, 8}, {});
         f.At(Key(kQ0, "lora_B.weight")) = F32(Key(kQ0, "lora_B.weight"), {8, 0}, {});
       },
       kInvalid, "q_proj.lora_A: rank 0"},
      {"RankOfTheConfigurationDiffers", [](AdapterFiles& f) { f.config["r"] = 4; }, kInvalid,
       "q_proj.lora_A: rank 2, adapter_config.json says 4 (r)"},
      {"RankPatternDiffers",
       [](AdapterFiles& f) {
         f.config["rank_pattern"] = {{"v_proj", 8}};
       },
       kInvalid, "v_proj.lora_A: rank 2, adapter_config.json says 8 (rank_pattern)"},
      {"RankPatternMissing",
       [](AdapterFiles& f) {
         f.Remove(Key(kQ0, "lora_A.weight"));
         f.Remove(Key(kQ0, "lora_B.weight"));
         f.AddLora(kQ0, 3, 8, 8, 5);
       },
       kInvalid, "q_proj.lora_A: rank 3, adapter_config.json says 2 (r)"},
  };
}

std::vector<Animal> Names() {
  return {
      {"MisspeltModule",
       [](AdapterFiles& f) {
         f.At(Key(kQ0, "lora_A.weight")).name =
             Key("model.layers.0.self_attn.q_porj", "lora_A.weight");
       },
       kInvalid, "q_porj\" (did it mean \"model.layers.0.self_attn.q_proj\"?)"},
      {"ALayerTheBaseLacks",
       [](AdapterFiles& f) { f.AddLora("model.layers.17.self_attn.q_proj", 2, 8, 8, 5); }, kInvalid,
       "the base has no module \"model.layers.17.self_attn.q_proj\""},
      {"OfAnotherArchitecture",
       [](AdapterFiles& f) { f.AddLora("transformer.h.0.attn.c_attn", 2, 8, 8, 5); }, kInvalid,
       "no module \"transformer.h.0.attn.c_attn\": made for another base?"},
      {"AWithoutB", [](AdapterFiles& f) { f.Remove(Key(kQ0, "lora_B.weight")); }, kInvalid,
       "model.layers.0.self_attn.q_proj.lora_B: missing"},
      {"BWithoutA", [](AdapterFiles& f) { f.Remove(Key(kV1, "lora_A.weight")); }, kInvalid,
       "model.layers.1.self_attn.v_proj.lora_A: missing"},
      {"TargetedModuleMissing",
       [](AdapterFiles& f) {
         f.Remove(Key(kV1, "lora_A.weight"));
         f.Remove(Key(kV1, "lora_B.weight"));
       },
       kInvalid, "model.layers.1.self_attn.v_proj.lora_A: missing, adapter_config.json targets"},
      {"ModuleNotTargeted", [](AdapterFiles& f) { f.AddLora(kUp0, 2, 8, 12, 5); }, kInvalid,
       "up_proj.lora_A.weight\": adapter_config.json does not target this module"},
      {"ModuleExcluded", [](AdapterFiles& f) { f.config["exclude_modules"] = {"v_proj"}; },
       kInvalid, "v_proj.lora_A.weight\": adapter_config.json does not target this module"},
      {"LayerNotTransformed", [](AdapterFiles& f) { f.config["layers_to_transform"] = {0}; },
       kInvalid,
       "model.layers.1.self_attn.q_proj.lora_A.weight\": adapter_config.json does not target"},
      {"TargetModulesNameNothing",
       [](AdapterFiles& f) {
         f.config["target_modules"] = {"wq", "wv"};
       },
       kInvalid, "adapter_config.json does not target this module"},
      {"RegexMatchesNothing", [](AdapterFiles& f) { f.config["target_modules"] = "q_proj"; },
       kInvalid, "does not target this module"},
      {"MixedPrefixes",
       [](AdapterFiles& f) {
         f.At(Key(kQ0, "lora_B.weight")).name = absl::StrCat(kQ0, ".lora_B.weight");
       },
       kInvalid, "tensor \"model.layers.0.self_attn.q_proj.lora_B.weight\": lacks the prefix"},
      {"TwoAdaptersInOneFile",
       [](AdapterFiles& f) {
         f.At(Key(kQ0, "lora_A.weight")).name = Key(kQ0, "lora_A.first.weight");
         f.At(Key(kQ0, "lora_B.weight")).name = Key(kQ0, "lora_B.second.weight");
       },
       kInvalid, "of adapter \"second\", tensors before it of adapter \"first\""},
      {"TensorOfNoKnownName",
       [](AdapterFiles& f) { f.tensors.push_back(F32Random(Key(kQ0, "magic"), {2}, 1)); }, kInvalid,
       "q_proj.magic\": not a key of a PEFT LoRA adapter"},
      {"TensorWithoutModule",
       [](AdapterFiles& f) {
         f.tensors.push_back(F32Random("lora_A.weight", {2, 8}, 1));
       },
       kInvalid, "tensor \"lora_A.weight\": not a key"},
      {"LoraOnANorm",
       [](AdapterFiles& f) {
         f.config["target_modules"] = {"q_proj", "v_proj", "norm"};
         f.AddLora("model.norm", 2, 8, 8, 5);
       },
       kInvalid, "model.norm.lora_A.weight\": LoRA on a norm module"},
      {"EmbeddingPartsOnALinear",
       [](AdapterFiles& f) {
         f.tensors.push_back(F32Random(Key(kQ0, "lora_embedding_A"), {2, 8}, 1));
       },
       kInvalid, "q_proj.lora_embedding_A\": lora_embedding_A has no place on this module"},
      {"LinearPartsOnAnEmbedding",
       [](AdapterFiles& f) {
         f.config["target_modules"] = {"q_proj", "v_proj", "embed_tokens"};
         f.AddLora("model.embed_tokens", 2, 16, 8, 5);
       },
       kInvalid, "model.embed_tokens.lora_embedding_A: missing"},
      {"OptimizerState",
       [](AdapterFiles& f) {
         f.tensors.push_back(F32Random(Key(kQ0, "lora_A.weight.exp_avg"), {2, 8}, 1));
       },
       kInvalid, "exp_avg\": not a key"},
      {"WholeWeightNobodyAskedFor",
       [](AdapterFiles& f) {
         f.tensors.push_back(F32Random(Key(kUp0, "weight"), {12, 8}, 1));
       },
       kInvalid,
       "up_proj.weight\": a whole weight, adapter_config.json's modules_to_save does not"},
      {"BaseLayerWithoutLora",
       [](AdapterFiles& f) {
         f.tensors.push_back(F32Random(Key(kUp0, "base_layer.weight"), {12, 8}, 1));
       },
       kInvalid, "up_proj.base_layer.weight\": the module has no LoRA"},
      {"BareWeightBesideLora",
       [](AdapterFiles& f) {
         f.tensors.push_back(F32Random(Key(kQ0, "weight"), {8, 8}, 1));
       },
       kInvalid, "q_proj.weight\": the module has a LoRA"},
  };
}

std::vector<Animal> Values() {
  const auto with_value = [](float value) {
    return [value](AdapterFiles& f) {
      std::memcpy(&f.At(Key(kV1, "lora_B.weight")).bytes[12], &value, sizeof(value));
    };
  };
  return {
      {"NaN", with_value(std::numeric_limits<float>::quiet_NaN()), kInvalid,
       "v_proj.lora_B.weight\": holds NaN or infinity"},
      {"Infinity", with_value(std::numeric_limits<float>::infinity()), kInvalid,
       "v_proj.lora_B.weight\": holds NaN or infinity"},
      {"MinusInfinity", with_value(-std::numeric_limits<float>::infinity()), kInvalid,
       "v_proj.lora_B.weight\": holds NaN or infinity"},
      {"ProductOverflows", with_value(3e38f), kInvalid, "v_proj: lora_B times lora_A is beyond"},
      {"F64BeyondF32",
       [](AdapterFiles& f) {
         TensorSpec& b = f.At(Key(kV1, "lora_B.weight"));
         const std::vector<double> values(8, 1e300);
         b.dtype = "F64";
         b.bytes.assign(reinterpret_cast<const char*>(values.data()), 64);
       },
       kInvalid, "v_proj.lora_B: holds a value beyond fp32's range"},
      {"EveryBZero",
       [](AdapterFiles& f) {
         for (TensorSpec& tensor : f.tensors) {
           if (absl::StrContains(tensor.name, "lora_B"))
             tensor.bytes.assign(tensor.bytes.size(), '\0');
         }
       },
       kInvalid,
       "q_proj.lora_B: all zero, nor does any other module change anything: the adapter "
       "has no effect"},
      {"EveryAZero",
       [](AdapterFiles& f) {
         for (TensorSpec& tensor : f.tensors) {
           if (absl::StrContains(tensor.name, "lora_A"))
             tensor.bytes.assign(tensor.bytes.size(), '\0');
         }
       },
       kInvalid, "q_proj.lora_A: all zero, nor does any other module"},
      {"EveryProductZero",  // rank 2: A has only its first row, B only its second column
       [](AdapterFiles& f) {
         for (TensorSpec& tensor : f.tensors) {
           const bool a = absl::StrContains(tensor.name, "lora_A");
           if (!a && !absl::StrContains(tensor.name, "lora_B")) continue;
           const size_t value =
               tensor.bytes.size() / static_cast<size_t>(tensor.shape[0] * tensor.shape[1]);
           const size_t columns = static_cast<size_t>(tensor.shape[1]) * value;
           for (size_t i = 0; i < tensor.bytes.size(); ++i) {
             const bool gone = a ? i >= columns : i % columns < value;
             if (gone) tensor.bytes[i] = '\0';
           }
         }
       },
       kInvalid, "q_proj: lora_B times lora_A is zero, nor does any other module"},
      {"IntegerTensor", [](AdapterFiles& f) { f.At(Key(kQ0, "lora_A.weight")).dtype = "I32"; },
       kInvalid, "q_proj.lora_A.weight\": dtype I32, want a floating-point one"},
      {"QuantisedTensor",
       [](AdapterFiles& f) {
         f.tensors.push_back({Key(kQ0, "lora_A.weight2"), "F8_E4M3", {2}, "ab"});
       },
       kUnimplemented, "dtype F8_E4M3: quantised"},
      {"NoTensors", [](AdapterFiles& f) { f.tensors.clear(); }, kInvalid, "holds no tensor"},
  };
}

std::vector<Animal> OtherMethods() {
  const auto type = [](const char* name) {
    return [name](AdapterFiles& f) { f.config["peft_type"] = name; };
  };
  const auto tensor = [](const char* part) {
    return [part](AdapterFiles& f) { f.tensors.push_back(F32Random(Key(kQ0, part), {2, 8}, 1)); };
  };
  const auto init = [](const char* name) {
    return [name](AdapterFiles& f) { f.config["init_lora_weights"] = name; };
  };
  std::vector<Animal> animals = {
      {"LohaTensor", tensor("hada_w1_a"), kInvalid, "\"hada_w1_a\" belongs to LoHa"},
      {"LokrTensor", tensor("lokr_w1"), kInvalid, "\"lokr_w1\" belongs to LoKr"},
      {"Ia3Tensor", tensor("ia3_l"), kInvalid, "\"ia3_l\" belongs to IA3"},
      {"VeraTensor", tensor("vera_lambda_b"), kInvalid, "\"vera_lambda_b\" belongs to VeRA"},
      {"AdaloraTensor", tensor("lora_E"), kInvalid, "\"lora_E\" belongs to AdaLoRA"},
      {"AdaloraA", tensor("lora_A"), kInvalid, "q_proj.lora_A\": not a key"},
      {"NoPeftType", [](AdapterFiles& f) { f.config.erase("peft_type"); }, kInvalid,
       "peft_type: is missing"},
  };
  for (const char* name : {"LOHA", "LOKR", "IA3", "ADALORA", "VERA", "PROMPT_TUNING", "lora"}) {
    animals.push_back({absl::StrCat("Type", name), type(name), kUnimplemented,
                       absl::StrCat("peft_type: \"", name, "\" is not supported")});
  }
  for (const char* name : {"pissa", "pissa_niter_16", "olora", "loftq", "corda", "lora_ga"}) {
    animals.push_back(
        {absl::StrCat("Raw", name), init(name), kUnimplemented,
         absl::StrCat("init_lora_weights: \"", name, "\" changed the base's weights")});
  }
  animals.push_back({"UnknownInit", init("sorcery"), kUnimplemented,
                     "init_lora_weights: unknown initialisation \"sorcery\""});
  return animals;
}

std::vector<Animal> Configurations() {
  const auto set = [](const char* key, nlohmann::ordered_json value) {
    return [key, value](AdapterFiles& f) { f.config[key] = value; };
  };
  using Json = nlohmann::ordered_json;
  return {
      {"RankOfABillion", set("r", 1'000'000'000), kInvalid, "r: 1000000000, want a rank from 1"},
      {"RankZeroConfigured", set("r", 0), kInvalid, "r: 0, want a rank"},
      {"NegativeRank", set("r", -8), kInvalid, "r: -8, want a rank"},
      {"FractionalRank", set("r", 2.5), kInvalid, "r: 2.5, want a rank"},
      {"RankAString", set("r", "2"), kInvalid, "r: \"2\", want a rank"},
      {"AlphaZero", set("lora_alpha", 0), kInvalid,
       "lora_alpha: 0: the adapter would have no effect"},
      {"AlphaAbsurd", set("lora_alpha", 1e30), kInvalid, "lora_alpha: 1e+30, want a number up to"},
      {"AlphaNull", set("lora_alpha", nullptr), kInvalid, "lora_alpha: null, want a number"},
      {"RankPatternZero", set("rank_pattern", {{"q_proj", 0}}), kInvalid,
       "rank_pattern[\"q_proj\"]: 0, want a rank"},
      {"RankPatternAList", set("rank_pattern", Json::array({1})), kInvalid,
       "rank_pattern: [1], want an object"},
      {"RankPatternNotARegex", set("rank_pattern", {{"q_proj(", 2}}), kInvalid,
       "rank_pattern: \"q_proj(\" is not a regular expression"},
      {"LookAhead", set("target_modules", "(?!model.layers.1).*q_proj"), kUnimplemented,
       "target_modules: regular expression \"(?!model.layers.1).*q_proj\": (?! is not supported"},
      {"TargetModulesANumber", set("target_modules", 7), kInvalid,
       "target_modules: 7, want a list"},
      {"TargetModulesOfNumbers", set("target_modules", Json::array({7})), kInvalid,
       "target_modules: 7 in the list, want a name"},
      {"BiasUnknown", set("bias", "some"), kInvalid, "bias: \"some\", want none, all or lora_only"},
      {"BiasesPromised", set("bias", "lora_only"), kInvalid,
       "q_proj.base_layer.bias: missing, adapter_config.json says bias lora_only"},
      {"DoraPromised", set("use_dora", true), kInvalid,
       "q_proj.lora_magnitude_vector: missing, adapter_config.json says use_dora true"},
      {"DoraUnannounced",
       [](AdapterFiles& f) {
         f.tensors.push_back(F32Random(Key(kQ0, "lora_magnitude_vector"), {8}, 1));
       },
       kInvalid, "q_proj.lora_magnitude_vector: present, adapter_config.json says use_dora false"},
      {"LoraBiasPromised", set("lora_bias", true), kInvalid, "q_proj.lora_B.bias: missing"},
      {"LoraBiasUnannounced",
       [](AdapterFiles& f) { f.tensors.push_back(F32Random(Key(kQ0, "lora_B.bias"), {8}, 1)); },
       kInvalid, "q_proj.lora_B.bias: present, adapter_config.json says lora_bias false"},
      {"DoraWithLoraBias",
       [](AdapterFiles& f) { f.config["use_dora"] = f.config["lora_bias"] = true; }, kInvalid,
       "lora_bias: cannot be used with use_dora"},
      {"BiasUnannounced",
       [](AdapterFiles& f) { f.tensors.push_back(F32Random(Key(kQ0, "base_layer.bias"), {8}, 1)); },
       kInvalid, "q_proj.base_layer.bias: a base bias, adapter_config.json says bias none"},
      {"BiasTheBaseLacks",
       [](AdapterFiles& f) {
         f.config["bias"] = "all";
         f.tensors.push_back(F32Random(Key(kV1, "base_layer.bias"), {4}, 1));
       },
       kInvalid, "v_proj.base_layer.bias: the base's module has no bias"},
      {"SavedModuleMissing", set("modules_to_save", Json::array({"lm_head"})), kInvalid,
       "lm_head.weight: missing, adapter_config.json's modules_to_save names this module"},
      {"SavedModuleUnknown", set("modules_to_save", Json::array({"score"})), kInvalid,
       "modules_to_save: the base has no module \"score\""},
      {"SavedModuleOfAnotherShape",
       [](AdapterFiles& f) {
         f.config["modules_to_save"] = {"lm_head"};
         f.tensors.push_back(F32Random("base_model.model.lm_head.weight", {18, 8}, 1));
       },
       kInvalid, "lm_head.weight: shape [18,8], want [16,8]: trained on a resized vocabulary"},
      {"TrainedTokensMissing", set("trainable_token_indices", Json::array({1, 2})), kInvalid,
       "model.embed_tokens.token_adapter.trainable_tokens_delta: missing"},
      {"TrainedTokensUnannounced",
       [](AdapterFiles& f) {
         f.tensors.push_back(F32Random(
             Key("model.embed_tokens", "token_adapter.trainable_tokens_delta"), {1, 8}, 1));
       },
       kInvalid,
       "trainable_tokens_delta: adapter_config.json's trainable_token_indices does not name"},
      {"TokenBeyondTheVocabulary",
       [](AdapterFiles& f) {
         f.config["trainable_token_indices"] = {16};
         f.tensors.push_back(F32Random(
             Key("model.embed_tokens", "token_adapter.trainable_tokens_delta"), {1, 8}, 1));
       },
       kInvalid, "trainable_token_indices: token 16, the base's vocabulary is 16"},
      {"TokenTwice", set("trainable_token_indices", Json::array({3, 3})), kInvalid,
       "trainable_token_indices: token 3 stands twice"},
      {"LayersWithARegex",
       [](AdapterFiles& f) {
         f.config["target_modules"] = ".*(q|v)_proj";
         f.config["layers_to_transform"] = {0};
       },
       kInvalid, "layers_to_transform: cannot be used when target_modules is a string"},
      {"LayersPatternAlone", set("layers_pattern", "layers"), kInvalid,
       "layers_pattern: needs layers_to_transform"},
      {"InvocationTokens", set("alora_invocation_tokens", Json::array({1})), kUnimplemented,
       "alora_invocation_tokens: [1] is not supported"},
      {"Qalora", set("use_qalora", true), kUnimplemented, "use_qalora: true is not supported"},
      {"BdLora", set("use_bdlora", Json{{"nblocks", 2}}), kUnimplemented, "use_bdlora:"},
      {"Arrow", set("arrow_config", Json{{"top_k", 2}}), kUnimplemented, "arrow_config:"},
      {"Kasa", set("kasa_config", Json{{"beta", 1}}), kUnimplemented, "kasa_config:"},
      {"Velora", set("velora_config", Json{{"scale", 1}}), kUnimplemented, "velora_config:"},
      {"Monteclora", set("monteclora_config", Json{{"num_samples", 8}}), kUnimplemented,
       "monteclora_config:"},
      {"LayerReplication", set("layer_replication", Json::array({Json::array({0, 1})})),
       kUnimplemented, "layer_replication: [[0,1]] is not supported"},
      {"TargetParameters", set("target_parameters", Json::array({"experts.w"})), kUnimplemented,
       "target_parameters: [\"experts.w\"] is not supported"},
      {"Megatron", set("megatron_config", Json{{"a", 1}}), kUnimplemented, "megatron_config:"},
  };
}

void ExpectRefused(const std::vector<Animal>& animals) {
  for (const Animal& animal : animals) {
    SCOPED_TRACE(animal.name);
    AdapterFiles files = AdapterFiles::Good();
    animal.spoil(files);
    EXPECT_THAT(LoadFiles(files), StatusIs(animal.code, HasSubstr(animal.message)));
  }
}

TEST(AdapterZoo, TheUnspoiltOneIsAdmitted) { EXPECT_OK(LoadFiles(AdapterFiles::Good())); }
TEST(AdapterZoo, Shapes) { ExpectRefused(Shapes()); }
TEST(AdapterZoo, Names) { ExpectRefused(Names()); }
TEST(AdapterZoo, Values) { ExpectRefused(Values()); }
TEST(AdapterZoo, OtherMethods) { ExpectRefused(OtherMethods()); }
TEST(AdapterZoo, Configurations) { ExpectRefused(Configurations()); }

// Whole files that are no adapter.
struct BadFiles {
  std::string name;
  std::function<void(const TempDir&)> spoil;
  absl::StatusCode code;
  std::string message;
};

TEST(AdapterZoo, Files) {
  const std::string good = SafetensorsBytes(AdapterFiles::Good().tensors);
  const auto tensors = [](std::string bytes) {
    return [bytes](const TempDir& dir) { dir.Write("adapter_model.safetensors", bytes); };
  };
  const auto config = [](std::string text) {
    return [text](const TempDir& dir) { dir.Write("adapter_config.json", text); };
  };
  const auto remove = [](std::string name) {
    return [name](const TempDir& dir) { std::remove(dir.Join(name).c_str()); };
  };
  const std::string header =
      R"({"base_model.model.a.lora_A.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("base_model.model.a.lora_A.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  const std::vector<BadFiles> zoo = {
      {"EmptyFile", tensors(""), kInvalid, "adapter_model.safetensors: the file is empty"},
      {"Truncated", tensors(good.substr(0, good.size() - 4)), kInvalid, "a truncated file?"},
      {"TruncatedHeader", tensors(good.substr(0, 60)), kInvalid, "truncated or not safetensors"},
      {"TrailingBytes", tensors(absl::StrCat(good, "1234")), kInvalid, "belong to none"},
      {"Pickle", tensors(absl::StrCat("\x80\x04\x95", std::string(60, 'x'))), kInvalid, "pickle"},
      {"ZipArchive", tensors(absl::StrCat("PK\x03\x04", std::string(60, 'x'))), kInvalid, "zip"},
      {"HtmlPage", tensors("<!DOCTYPE html><html>404</html>"), kInvalid, "an HTML page"},
      {"GitLfsPointer", tensors("version https://git-lfs.github.com/spec/v1\n"), kInvalid,
       "a git-lfs pointer"},
      {"DuplicateTensor", tensors(RawSafetensors(header, "1234")), kInvalid,
       "tensor \"base_model.model.a.lora_A.weight\" stands twice"},
      {"OverlappingOffsets",
       tensors(RawSafetensors(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                              R"("y":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                              std::string(12, 'x'))),
       kInvalid, "\"y\": data_offsets [4,12] overlap tensor \"x\""},
      {"RankOfABillionOnDisk",
       tensors(RawSafetensors(
           R"({"base_model.model.a.lora_A.weight":{"dtype":"F32","shape":[1000000000,8],"data_offsets":[0,8]}})",
           std::string(8, 'x'))),
       kInvalid, "F32 [1000000000,8] needs 32000000000"},
      {"NoTensorFile", remove("adapter_model.safetensors"), absl::StatusCode::kNotFound,
       "adapter_model.safetensors"},
      {"OnlyAPickleFile",
       [](const TempDir& dir) {
         std::remove(dir.Join("adapter_model.safetensors").c_str());
         dir.Write("adapter_model.bin", "\x80\x02");
       },
       absl::StatusCode::kFailedPrecondition, "only pickled weights (adapter_model.bin)"},
      {"NoConfig", remove("adapter_config.json"), absl::StatusCode::kNotFound,
       "no adapter_config.json"},
      {"ACheckpoint",
       [](const TempDir& dir) {
         std::remove(dir.Join("adapter_config.json").c_str());
         dir.Write("config.json", "{}");
       },
       absl::StatusCode::kNotFound, "a model's checkpoint, not a PEFT adapter"},
      {"AdapterInASubfolder",
       [](const TempDir& dir) {
         std::remove(dir.Join("adapter_config.json").c_str());
         dir.Write("second/adapter_config.json", "{}");
       },
       absl::StatusCode::kNotFound, "/second\" meant?"},
      {"ConfigNotJson", config("{r: 8}"), kInvalid, "adapter_config.json: not JSON"},
      {"ConfigAList", config("[]"), kInvalid, "adapter_config.json: not a JSON object"},
      {"ConfigKeyTwice", config(R"({"peft_type": "LORA", "r": 2, "r": 4})"), kInvalid,
       "key \"r\" stands twice"},
      {"ConfigEmpty", config(""), kInvalid, "adapter_config.json: not JSON"},
      {"ConfigTooLarge", config(std::string(5 << 20, ' ')), absl::StatusCode::kResourceExhausted,
       "the limit is 4194304"},
  };
  for (const BadFiles& bad : zoo) {
    SCOPED_TRACE(bad.name);
    TempDir dir;
    AdapterFiles::Good().Write(dir);
    bad.spoil(dir);
    EXPECT_THAT(LoadFrom(dir.path(), SmallBase()), StatusIs(bad.code, HasSubstr(bad.message)));
  }
  EXPECT_THAT(LoadFrom("/no/such/adapter", SmallBase()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such/adapter")));
}

TEST(AdapterZoo, HoldsEnoughKinds) {
  EXPECT_GE(Shapes().size() + Names().size() + Values().size() + OtherMethods().size() +
                Configurations().size(),
            90u);
}

// What the forward cannot apply is refused by the feature's name, whatever else is right.
TEST(AdapterZoo, FeaturesTheEngineLacks) {
  const LoraFeatureSet linear = {LoraFeature::kLinear};
  EXPECT_OK(LoadFiles(AdapterFiles::Good(), SmallBase(), linear));
  EXPECT_THAT(LoadFiles(AdapterFiles::Good(), SmallBase(), {}),
              StatusIs(kUnimplemented, HasSubstr("q_proj.lora_A: needs LoRA on a linear module")));
  AdapterFiles head = AdapterFiles::Good();
  head.config["target_modules"] = {"q_proj", "v_proj", "lm_head"};
  head.AddLora("lm_head", 2, 8, 16, 9);
  EXPECT_OK(LoadFiles(head));
  EXPECT_THAT(LoadFiles(head, SmallBase(), linear),
              StatusIs(kUnimplemented, HasSubstr("lm_head.lora_A: needs LoRA on the output head")));
  AdapterFiles tokens = AdapterFiles::Good();
  tokens.config["trainable_token_indices"] = {3};
  tokens.tensors.push_back(
      F32Random(Key("model.embed_tokens", "token_adapter.trainable_tokens_delta"), {1, 8}, 1));
  EXPECT_OK(LoadFiles(tokens));
  EXPECT_THAT(LoadFiles(tokens, SmallBase(), linear),
              StatusIs(kUnimplemented, HasSubstr("needs trainable_token_indices")));
}

}  // namespace
}  // namespace plumbline
