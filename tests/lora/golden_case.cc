#include "tests/lora/golden_case.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/strict_json.h"
#include "core/lora/lora_adapter_internal.h"
#include "core/lora/lora_reference_internal.h"
#include "core/weights/checkpoint_internal.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using Tensors = std::map<std::string, at::Tensor>;  // "<module>/<what>"

const std::map<std::string, TargetKind> kKinds = {{"linear", TargetKind::kLinear},
                                                  {"conv1d", TargetKind::kConv1d},
                                                  {"embedding", TargetKind::kEmbedding},
                                                  {"norm", TargetKind::kNorm}};

std::vector<TargetModule> ReadBase(const std::string& path) {
  std::vector<TargetModule> base;
  const auto rows = ParseStrictJson(ReadFileOrDie(path));
  EXPECT_OK(rows);
  if (!rows.ok()) return base;
  for (const auto& row : *rows) {
    TargetModule module;
    module.name = row["name"].get<std::string>();
    module.kind = kKinds.at(row["kind"].get<std::string>());
    module.in_features = row["in"].get<int64_t>();
    module.out_features = row["out"].get<int64_t>();
    module.has_bias = row["has_bias"].get<bool>();
    module.is_output_head = row["is_output_head"].get<bool>();
    module.tied_to = row["tied_to"].get<std::string>();
    base.push_back(module);
  }
  return base;
}

Tensors ReadTensors(const std::string& path) {
  Tensors tensors;
  const auto file = SafetensorsFile::Open(path);
  EXPECT_OK(file);
  if (!file.ok()) return tensors;
  for (const TensorInfo& info : (*file)->tensors()) tensors[info.name] = ViewTensor(*file, info);
  return tensors;
}

void ExpectClose(const at::Tensor& ours, const at::Tensor& theirs, const std::string& what) {
  ASSERT_EQ(ours.sizes(), theirs.sizes()) << what;
  const double range = theirs.abs().max().item<double>();
  const double difference = (ours - theirs).abs().max().item<double>();
  EXPECT_LE(difference, 1e-5 * range) << what;
}

const at::Tensor Get(const Tensors& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  return found == tensors.end() ? at::Tensor() : found->second;
}

// Output and delta of one LoRA module; returns tensors compared.
int ExpectModule(const LoraModule& module, const Tensors& expected) {
  const std::string& name = module.target.name;
  const at::Tensor x = Get(expected, name + "/x");
  const at::Tensor base = Get(expected, name + "/base");
  const at::Tensor weight = Get(expected, name + "/weight");
  EXPECT_TRUE(x.defined()) << name << ": PEFT has no LoRA here";
  if (!x.defined()) return 0;
  const at::Tensor y = module.target.kind == TargetKind::kEmbedding
                           ? ApplyEmbeddingReference(base, x, module, 1, weight)
                           : ApplyReference(base, x, module, weight, Get(expected, name + "/bias"));
  ExpectClose(y, Get(expected, name + "/y"), name + "/y");
  const at::Tensor delta = Get(expected, name + "/delta");
  if (!delta.defined()) return 1;
  const at::Tensor ours = MergedDelta(module);
  ExpectClose(ours, delta, name + "/delta");
  EXPECT_NEAR(module.delta_norm, delta.norm().item<double>(),
              1e-4 * delta.norm().item<double>() + 1e-6)
      << name;
  return 2;
}

// What the adapter makes of one "<module>/replaced_…"; undefined when it does not replace it.
at::Tensor Replaced(const LoraAdapter& adapter, const std::string& module, const std::string& what,
                    const at::Tensor& theirs) {
  const auto found = adapter.replacements.find(module);
  if (found != adapter.replacements.end()) {
    return what == "replaced_weight" ? found->second.weight : found->second.bias;
  }
  for (const TrainableTokens& tokens : adapter.tokens) {
    if (tokens.target.name != module && tokens.tied_module != module) continue;
    // The golden holds the whole table: our rows put over it must change nothing.
    return at::index_copy(theirs, 0, at::tensor(tokens.indices, at::kLong), tokens.rows);
  }
  return {};
}

}  // namespace

int ExpectEqualsPeft(const std::string& folder) {
  SCOPED_TRACE(folder);
  const std::vector<TargetModule> base = ReadBase(folder + "/base.json");
  const Tensors expected = ReadTensors(folder + "/expected.safetensors");
  LoraLoadOptions options;
  options.modules = base;
  options.supported = LoraFeatureSet::All();
  const auto adapter = LoadLoraAdapter(folder, options);
  EXPECT_OK(adapter);
  if (!adapter.ok()) return 0;
  EXPECT_EQ((*adapter)->tensors_applied, (*adapter)->tensors_in_file);
  int compared = 0;
  for (const auto& [name, module] : (*adapter)->modules) compared += ExpectModule(module, expected);
  std::set<std::string> adapted;
  for (const auto& [key, theirs] : expected) {
    const size_t slash = key.rfind('/');
    const std::string module = key.substr(0, slash);
    const std::string what = key.substr(slash + 1);
    if (what == "x") adapted.insert(module);
    if (what != "replaced_weight" && what != "replaced_bias") continue;
    const at::Tensor ours = Replaced(**adapter, module, what, theirs);
    EXPECT_TRUE(ours.defined()) << key << ": not replaced";
    if (ours.defined()) ExpectClose(ours, theirs, key);
    ++compared;
  }
  EXPECT_EQ(adapted.size(), (*adapter)->modules.size());
  return compared;
}

}  // namespace plumbline
