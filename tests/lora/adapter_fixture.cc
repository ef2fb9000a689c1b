#include "tests/lora/adapter_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

bool IsNamed(const TensorSpec& tensor, const std::string& name) {
  return tensor.name == name || tensor.name == absl::StrCat(kPrefix, name);
}

}  // namespace

std::vector<TargetModule> SmallBase() {
  std::vector<TargetModule> base = {{"model.embed_tokens", TargetKind::kEmbedding, 16, 8}};
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = absl::StrCat("model.layers.", layer, ".");
    base.push_back({prefix + "input_layernorm", TargetKind::kNorm, 8, 8});
    base.push_back({prefix + "self_attn.q_proj", TargetKind::kLinear, 8, 8, /*has_bias=*/true});
    base.push_back({prefix + "self_attn.v_proj", TargetKind::kLinear, 8, 4});
    base.push_back({prefix + "mlp.up_proj", TargetKind::kLinear, 8, 12});
    base.push_back({prefix + "mlp.down_proj", TargetKind::kLinear, 12, 8});
  }
  base.push_back({"model.norm", TargetKind::kNorm, 8, 8});
  base.push_back({"lm_head", TargetKind::kLinear, 8, 16, false, /*is_output_head=*/true});
  return base;
}

std::vector<TargetModule> TiedBase() {
  std::vector<TargetModule> base = SmallBase();
  base.back().tied_to = "model.embed_tokens";
  return base;
}

AdapterFiles AdapterFiles::Good() {
  AdapterFiles files;
  files.config = {{"alpha_pattern", nlohmann::ordered_json::object()},
                  {"base_model_name_or_path", "small"},
                  {"bias", "none"},
                  {"fan_in_fan_out", false},
                  {"inference_mode", true},
                  {"init_lora_weights", true},
                  {"layers_pattern", nullptr},
                  {"layers_to_transform", nullptr},
                  {"lora_alpha", 4},
                  {"lora_dropout", 0.0},
                  {"modules_to_save", nullptr},
                  {"peft_type", "LORA"},
                  {"r", 2},
                  {"rank_pattern", nlohmann::ordered_json::object()},
                  {"target_modules", {"q_proj", "v_proj"}},
                  {"task_type", "CAUSAL_LM"},
                  {"use_dora", false},
                  {"use_rslora", false}};
  for (int layer = 0; layer < 2; ++layer) {
    const std::string attention = absl::StrCat("model.layers.", layer, ".self_attn.");
    files.AddLora(attention + "q_proj", 2, 8, 8, 10 * layer + 1);
    files.AddLora(attention + "v_proj", 2, 8, 4, 10 * layer + 3);
  }
  return files;
}

void AdapterFiles::AddLora(const std::string& module, int64_t rank, int64_t in, int64_t out,
                           uint32_t seed) {
  tensors.push_back(F32Random(absl::StrCat(kPrefix, module, ".lora_A.weight"), {rank, in}, seed));
  tensors.push_back(
      F32Random(absl::StrCat(kPrefix, module, ".lora_B.weight"), {out, rank}, seed + 1));
}

TensorSpec& AdapterFiles::At(const std::string& name) {
  for (TensorSpec& tensor : tensors) {
    if (IsNamed(tensor, name)) return tensor;
  }
  ADD_FAILURE() << "no tensor " << name;
  return tensors.front();
}

void AdapterFiles::Remove(const std::string& name) {
  const auto end = std::remove_if(tensors.begin(), tensors.end(),
                                  [&name](const TensorSpec& t) { return IsNamed(t, name); });
  EXPECT_NE(end, tensors.end()) << "no tensor " << name;
  tensors.erase(end, tensors.end());
}

void AdapterFiles::Write(const TempDir& dir) const {
  dir.Write("adapter_config.json", config.dump(2));
  dir.Write("adapter_model.safetensors", SafetensorsBytes(tensors));
}

absl::StatusOr<std::shared_ptr<const LoraAdapter>> LoadFrom(const std::string& dir,
                                                            const std::vector<TargetModule>& base,
                                                            LoraFeatureSet supported) {
  LoraLoadOptions options;
  options.modules = base;
  options.supported = supported;
  return LoadLoraAdapter(dir, options);
}

absl::StatusOr<std::shared_ptr<const LoraAdapter>> LoadFiles(const AdapterFiles& files,
                                                             const std::vector<TargetModule>& base,
                                                             LoraFeatureSet supported) {
  TempDir dir;
  files.Write(dir);
  return LoadFrom(dir.path(), base, supported);
}

}  // namespace plumbline
