#include <ATen/core/Tensor.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/lora/lora_reference_internal.h"
#include "core/model/decoder_weights_internal.h"
#include "core/model/lora_weights_internal.h"

namespace plumbline {
namespace {

std::vector<float> ToVector(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kFloat).contiguous();
  const float* data = flat.const_data_ptr<float>();
  return std::vector<float>(data, data + flat.numel());
}

AlignedBuffer<float> Pack(const std::vector<const float*>& rows, int64_t k) {
  const int64_t n = static_cast<int64_t>(rows.size());
  AlignedBuffer<float> panels(PackedElements<float>(n, k));
  PackPanels(rows.data(), n, k, 1, panels.data(), 0, PanelCount(n));
  return panels;
}

class Packer {
 public:
  Packer(const LoraAdapter& adapter, BaseParameter base) : adapter_(adapter), base_(base) {}

  // Packs the modules `names` (columns side by side) as one group.
  absl::Status PackGroup(const std::vector<std::string>& names,
                         const std::vector<LinearSpec>& specs, int64_t in, LoraGroup& group) {
    group.in = in;
    std::vector<at::Tensor> held;
    std::vector<const float*> stacked;
    int64_t column = 0;
    for (size_t i = 0; i < names.size(); ++i) {
      LoraPart part;
      part.column_begin = column;
      part.columns = specs[i].out;
      column += specs[i].out;
      const auto module = adapter_.modules.find(names[i]);
      const auto replacement = adapter_.replacements.find(names[i]);
      if (module == adapter_.modules.end() && replacement == adapter_.replacements.end()) continue;
      if (module != adapter_.modules.end()) {
        seen_.insert(names[i]);
        ABSL_RETURN_IF_ERROR(PackModule(module->second, part, held, stacked));
      }
      if (replacement != adapter_.replacements.end()) {
        return absl::UnimplementedError(
            absl::StrCat(names[i], ": replaced modules are not supported yet"));
      }
      part.rank_begin = group.rank;
      group.rank += part.rank;
      group.parts.push_back(std::move(part));
    }
    if (group.rank > 0) group.a = Pack(stacked, in);
    bytes_ += group.a.bytes();
    for (const LoraPart& part : group.parts) bytes_ += part.b.bytes();
    max_rank_ = std::max(max_rank_, group.rank);
    return absl::OkStatus();
  }

  // A module of the adapter that no group took, or "".
  std::string Forgotten() const {
    for (const auto& [name, module] : adapter_.modules) {
      if (!seen_.contains(name)) return name;
    }
    for (const auto& [name, replacement] : adapter_.replacements) {
      if (!seen_.contains(name)) return name;
    }
    for (const TrainableTokens& tokens : adapter_.tokens) return tokens.target.name;
    return "";
  }

  int64_t bytes() const { return bytes_; }
  int64_t max_rank() const { return max_rank_; }

 private:
  absl::Status PackModule(const LoraModule& module, LoraPart& part, std::vector<at::Tensor>& held,
                          std::vector<const float*>& stacked) {
    part.rank = module.rank;
    part.scaling = static_cast<float>(module.scaling);
    const at::Tensor a = module.a.to(at::kFloat).contiguous();
    const at::Tensor b = module.b.to(at::kFloat).contiguous();
    held.push_back(a);
    const float* a_data = a.const_data_ptr<float>();
    for (int64_t r = 0; r < module.rank; ++r) stacked.push_back(a_data + r * a.size(1));
    std::vector<const float*> rows;
    const float* b_data = b.const_data_ptr<float>();
    for (int64_t c = 0; c < part.columns; ++c) rows.push_back(b_data + c * module.rank);
    part.b = Pack(rows, module.rank);
    if (module.lora_bias.defined()) part.lora_bias = ToVector(module.lora_bias);
    if (module.magnitude.defined()) {
      ABSL_ASSIGN_OR_RETURN(at::Tensor weight, base_(module.target, "weight"));
      part.magnitude = ToVector(DoraScale(module, weight));
      if (module.target.has_bias) {
        ABSL_ASSIGN_OR_RETURN(at::Tensor bias, base_(module.target, "bias"));
        part.base_bias = ToVector(bias);
      }
    }
    return absl::OkStatus();
  }

  const LoraAdapter& adapter_;
  BaseParameter base_;
  absl::flat_hash_set<std::string> seen_;
  int64_t bytes_ = 0;
  int64_t max_rank_ = 0;
};

}  // namespace

LoraFeatureSet SupportedLoraFeatures() {
  return {LoraFeature::kLinear, LoraFeature::kConv1d, LoraFeature::kOutputHead, LoraFeature::kDora,
          LoraFeature::kLoraBias};
}

absl::StatusOr<std::shared_ptr<const LoraWeights>> PackLora(const DecoderSpec& spec,
                                                            const LoraAdapter& adapter,
                                                            BaseParameter base) {
  auto weights = std::make_shared<LoraWeights>();
  weights->version = adapter.version;
  weights->layers.resize(spec.layers.size());
  Packer packer(adapter, base);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    LoraLayer& layer = weights->layers[i];
    const auto pack = [&](const std::vector<LinearSpec>& parts, int64_t in, LoraGroup& group) {
      std::vector<std::string> names;
      for (const LinearSpec& part : parts) {
        names.push_back(LayerModuleName(spec, static_cast<int64_t>(i), part.name));
      }
      return packer.PackGroup(names, parts, in, group);
    };
    ABSL_RETURN_IF_ERROR(pack(spec.attention_in, spec.hidden, layer.attention_in));
    ABSL_RETURN_IF_ERROR(pack({spec.attention_out}, spec.q_width(), layer.attention_out));
    ABSL_RETURN_IF_ERROR(pack(spec.mlp_in, spec.hidden, layer.mlp_in));
    ABSL_RETURN_IF_ERROR(pack({spec.mlp_out}, spec.intermediate, layer.mlp_out));
  }
  ABSL_RETURN_IF_ERROR(packer.PackGroup({spec.head}, {{spec.head, spec.vocabulary, false}},
                                        spec.hidden, weights->head));
  if (const std::string forgotten = packer.Forgotten(); !forgotten.empty()) {
    return absl::UnimplementedError(
        absl::StrCat(forgotten, ": the engine cannot apply an adapter to this module"));
  }
  weights->max_rank = packer.max_rank();
  weights->bytes = packer.bytes();
  return std::shared_ptr<const LoraWeights>(std::move(weights));
}

}  // namespace plumbline
