#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/parallel_for.h"
#include "core/base/status_macros.h"
#include "core/lora/lora_reference_internal.h"
#include "core/model/bf16.h"
#include "core/model/decoder_weights_internal.h"
#include "core/model/layer_walk.h"
#include "core/model/lora_weights_internal.h"

namespace plumbline {
namespace {

at::ScalarType ScalarTypeOf(ComputeType dtype) {
  return dtype == ComputeType::kBfloat16 ? at::kBFloat16 : at::kFloat;
}

std::vector<float> ToVector(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kFloat).contiguous();
  const float* data = flat.const_data_ptr<float>();
  return std::vector<float>(data, data + flat.numel());
}

// fp32 values, rounded to the model's dtype.
std::vector<float> Rounded(const at::Tensor& tensor, ComputeType dtype) {
  return ToVector(tensor.to(ScalarTypeOf(dtype)));
}

template <typename T>
DtypeBuffer PackAs(const at::Tensor& weight) {
  const int64_t n = weight.size(0);
  const int64_t k = weight.size(1);
  const T* data = static_cast<const T*>(weight.const_data_ptr());
  std::vector<const T*> rows;
  for (int64_t i = 0; i < n; ++i) rows.push_back(data + i * k);
  DtypeBuffer panels(PackedElements<T>(n, k) * static_cast<int64_t>(sizeof(T)));
  PackPanels(rows.data(), n, k, reinterpret_cast<T*>(panels.data()), 0, PanelCount(n));
  return panels;
}

// Panels of W [n, k] in `dtype`.
DtypeBuffer PackDtype(const at::Tensor& weight, ComputeType dtype) {
  const at::Tensor cast = weight.to(ScalarTypeOf(dtype)).contiguous();
  return dtype == ComputeType::kBfloat16 ? PackAs<Bf16>(cast) : PackAs<float>(cast);
}

DtypeBuffer Copy(const at::Tensor& rows, ComputeType dtype) {
  const at::Tensor cast = rows.to(ScalarTypeOf(dtype)).contiguous();
  DtypeBuffer copy(static_cast<int64_t>(cast.nbytes()));
  std::memcpy(copy.data(), cast.const_data_ptr(), cast.nbytes());
  return copy;
}

class Packer {
 public:
  Packer(const DecoderSpec& spec, const LoraAdapter& adapter, ComputeType dtype, BaseParameter base,
         PanelArena* arena)
      : spec_(spec), adapter_(adapter), dtype_(dtype), base_(base), arena_(*arena) {}

  // Packs the modules `names` (columns side by side) as one group.
  absl::Status PackGroup(const std::vector<std::string>& names,
                         const std::vector<LinearSpec>& specs, int64_t in, LoraGroup& group) {
    group.in = in;
    std::vector<const float*> stacked;
    int64_t column = 0;
    for (size_t i = 0; i < names.size(); ++i) {
      LoraPart part;
      part.column_begin = column;
      part.columns = specs[i].out;
      column += specs[i].out;
      const ModuleReplacement* replacement = FindReplacement(names[i]);
      if (replacement != nullptr && replacement->weight.defined()) {
        const bool conv1d = replacement->target.kind == TargetKind::kConv1d;
        group.replaced.push_back(
            {part.column_begin, part.columns,
             PackDtype(conv1d ? replacement->weight.t() : replacement->weight, dtype_)});
        bytes_ += group.replaced.back().panels.bytes();
      }
      const auto module = adapter_.modules.find(names[i]);
      if (module == adapter_.modules.end()) continue;
      seen_.insert(names[i]);
      ABSL_RETURN_IF_ERROR(PackModule(module->second, part, stacked));
      part.rank_begin = group.rank;
      group.rank += part.rank;
      group.parts.push_back(std::move(part));
    }
    group.replaces_all = group.replaced.size() == names.size();
    if (group.rank > 0) group.a = PackBranch(std::move(stacked), in, arena_, &fills_);
    bytes_ += group.a.bytes;
    for (const LoraPart& part : group.parts) bytes_ += part.b.bytes;
    max_rank_ = std::max(max_rank_, group.rank);
    return PackBias(names, specs, in, group);
  }

  // The norm `name`; its weight or its bias alone may be the adapter's.
  absl::Status PackNorm(const std::string& name, int64_t n, NormWeights& norm) {
    const ModuleReplacement* replacement = FindReplacement(name);
    if (replacement == nullptr) return absl::OkStatus();
    const TargetModule module{name, TargetKind::kNorm, n, n, spec_.norm == NormStyle::kLayer};
    ABSL_ASSIGN_OR_RETURN(const at::Tensor weight,
                          Effective(replacement->weight, module, "weight"));
    norm.weight = Rounded(weight, dtype_);
    if (module.has_bias) {
      ABSL_ASSIGN_OR_RETURN(const at::Tensor bias, Effective(replacement->bias, module, "bias"));
      norm.bias = Rounded(bias, dtype_);
    }
    bytes_ += static_cast<int64_t>((norm.weight.size() + norm.bias.size()) * sizeof(float));
    return absl::OkStatus();
  }

  // `scale`: what the family multiplies embeddings with; 0: nothing.
  absl::Status PackEmbedding(const std::string& name, float scale, EmbeddingChange& change) {
    const ModuleReplacement* replacement = FindReplacement(name);
    if (replacement != nullptr) change.table = Copy(replacement->weight, dtype_);
    for (const TrainableTokens& tokens : adapter_.tokens) {
      if (tokens.target.name != name) continue;
      ABSL_RETURN_IF_ERROR(SeeTokens(tokens, name));
      change.trained = Copy(tokens.rows, dtype_);
      for (size_t i = 0; i < tokens.indices.size(); ++i) {
        change.rows[static_cast<int32_t>(tokens.indices[i])] = static_cast<int32_t>(i);
      }
    }
    if (const auto found = adapter_.modules.find(name); found != adapter_.modules.end()) {
      seen_.insert(name);
      const LoraModule& module = found->second;
      change.low_rank.columns = module.target.out_features;
      ABSL_RETURN_IF_ERROR(PackUp(module, change.low_rank));
      if (scale != 0) change.low_rank.scaling *= scale;
      const std::vector<float> a = ToVector(module.a.t());
      change.a = AlignedBuffer<float>(static_cast<int64_t>(a.size()));
      std::copy(a.begin(), a.end(), change.a.data());
      max_rank_ = std::max(max_rank_, module.rank);
    }
    bytes_ +=
        change.table.bytes() + change.trained.bytes() + change.a.bytes() + change.low_rank.b.bytes;
    return absl::OkStatus();
  }

  // Trained rows of the output head, its own or those of the embedding it is tied to.
  absl::Status PackHeadRows(LoraGroup& head) {
    for (const TrainableTokens& tokens : adapter_.tokens) {
      if (tokens.target.name != spec_.head && tokens.tied_module != spec_.head) continue;
      if (!head.rows.columns.empty()) {
        return absl::UnimplementedError(
            absl::StrCat(spec_.head, ": rows trained here and in the embedding it is tied to"));
      }
      ABSL_RETURN_IF_ERROR(SeeTokens(tokens, spec_.head));
      head.rows.columns.assign(tokens.indices.begin(), tokens.indices.end());
      head.rows.panels = PackDtype(tokens.rows, dtype_);
      bytes_ += head.rows.panels.bytes();
    }
    return absl::OkStatus();
  }

  // A module of the adapter that nothing took, or "".
  std::string Forgotten() const {
    for (const auto& [name, module] : adapter_.modules) {
      if (!seen_.contains(name)) return name;
    }
    for (const auto& [name, replacement] : adapter_.replacements) {
      if (!replaced_.contains(name)) return name;
    }
    for (const TrainableTokens& tokens : adapter_.tokens) {
      if (!trained_.contains(tokens.target.name)) return tokens.target.name;
      if (!tokens.tied_module.empty() && tokens.tied_module != spec_.head) {
        return tokens.tied_module;
      }
    }
    return "";
  }

  // Writes the branches' panels and magnitudes, whose places have been taken.
  void Fill(int threads) {
    ParallelFor(static_cast<int64_t>(fills_.size()), threads,
                [this](int64_t i) { fills_[static_cast<size_t>(i)](); });
  }

  int64_t bytes() const { return bytes_; }
  int64_t max_rank() const { return max_rank_; }

 private:
  const ModuleReplacement* FindReplacement(const std::string& name) {
    const auto found = adapter_.replacements.find(name);
    if (found == adapter_.replacements.end()) return nullptr;
    replaced_.insert(name);
    return &found->second;
  }

  absl::StatusOr<at::Tensor> Effective(const at::Tensor& own, const TargetModule& module,
                                       absl::string_view parameter) {
    if (own.defined()) return own;
    return base_(module, parameter);
  }

  // Notes that `tokens` found its place on `module`, where PEFT allows nothing beside it.
  absl::Status SeeTokens(const TrainableTokens& tokens, const std::string& module) {
    trained_.insert(tokens.target.name);
    if (adapter_.modules.count(module) == 0) return absl::OkStatus();
    return absl::UnimplementedError(
        absl::StrCat(module, ": trainable_token_indices together with a LoRA"));
  }

  // All biases of a group, if the adapter brings one of them.
  absl::Status PackBias(const std::vector<std::string>& names, const std::vector<LinearSpec>& specs,
                        int64_t in, LoraGroup& group) {
    const bool any = std::any_of(names.begin(), names.end(), [this](const std::string& name) {
      const ModuleReplacement* replacement = FindReplacement(name);
      return replacement != nullptr && replacement->bias.defined();
    });
    if (!any) return absl::OkStatus();
    for (size_t i = 0; i < names.size(); ++i) {
      std::vector<float> bias(static_cast<size_t>(specs[i].out), 0.f);
      if (specs[i].bias) {
        const ModuleReplacement* replacement = FindReplacement(names[i]);
        const TargetModule module{names[i],
                                  spec_.conv1d ? TargetKind::kConv1d : TargetKind::kLinear, in,
                                  specs[i].out, true};
        ABSL_ASSIGN_OR_RETURN(
            const at::Tensor tensor,
            Effective(replacement == nullptr ? at::Tensor() : replacement->bias, module, "bias"));
        bias = Rounded(tensor, dtype_);
      }
      group.bias.insert(group.bias.end(), bias.begin(), bias.end());
    }
    bytes_ += static_cast<int64_t>(group.bias.size() * sizeof(float));
    return absl::OkStatus();
  }

  absl::Status PackModule(const LoraModule& module, LoraPart& part,
                          std::vector<const float*>& stacked) {
    const float* a = module.a.const_data_ptr<float>();
    for (int64_t r = 0; r < module.rank; ++r) stacked.push_back(a + r * module.a.size(1));
    return PackUp(module, part);
  }

  // Everything of a branch but A. DoRA's norms are those of the weight below it: the adapter's own
  // where it brings one.
  absl::Status PackUp(const LoraModule& module, LoraPart& part) {
    part.rank = module.rank;
    part.scaling = static_cast<float>(module.scaling);
    std::vector<const float*> rows;
    const float* b = module.b.const_data_ptr<float>();
    for (int64_t c = 0; c < part.columns; ++c) rows.push_back(b + c * module.rank);
    part.b = PackBranch(std::move(rows), module.rank, arena_, &fills_);
    if (module.lora_bias.defined()) part.lora_bias = ToVector(module.lora_bias);
    if (!module.magnitude.defined()) return absl::OkStatus();
    const ModuleReplacement* replacement = FindReplacement(module.target.name);
    const ModuleReplacement none;
    const ModuleReplacement& own = replacement == nullptr ? none : *replacement;
    ABSL_ASSIGN_OR_RETURN(const at::Tensor weight, Effective(own.weight, module.target, "weight"));
    PackMagnitude(module, weight, part);
    if (module.target.has_bias) {
      ABSL_ASSIGN_OR_RETURN(const at::Tensor bias, Effective(own.bias, module.target, "bias"));
      part.base_bias = Rounded(bias, dtype_);
    }
    return absl::OkStatus();
  }

  // DoRA's m', in pieces to be computed later: each reads so many rows of the base's weight.
  void PackMagnitude(const LoraModule& module, const at::Tensor& weight, LoraPart& part) {
    constexpr int64_t kElements = int64_t{1} << 18;  // about a megabyte in fp32
    constexpr int64_t kFewest = 16;  // of a weight that lies transposed, so many share a cache line
    const int64_t outputs = module.b.size(0);
    const int64_t rows = std::max(kFewest, kElements / module.a.size(1));
    part.magnitude.resize(static_cast<size_t>(outputs));
    for (int64_t begin = 0; begin < outputs; begin += rows) {
      const int64_t count = std::min(rows, outputs - begin);
      float* const to = part.magnitude.data() + begin;  // stays where it is when the part moves
      fills_.push_back([&module, weight, begin, count, to] {
        at::set_num_threads(1);  // the other pieces have the other threads
        const at::Tensor scale = DoraScaleOf(module, weight, begin, count).contiguous();
        std::copy_n(scale.const_data_ptr<float>(), count, to);
      });
    }
  }

  const DecoderSpec& spec_;
  const LoraAdapter& adapter_;
  const ComputeType dtype_;
  BaseParameter base_;
  PanelArena& arena_;
  PanelFills fills_;
  absl::flat_hash_set<std::string> seen_, replaced_, trained_;  // module names that found a place
  int64_t bytes_ = 0;
  int64_t max_rank_ = 0;
};

// Of all branches in fp32, but for what panels are padded with.
int64_t BranchBytes(const LoraAdapter& adapter) {
  int64_t elements = 0;
  for (const auto& [name, module] : adapter.modules) {
    elements += module.a.numel() + module.b.numel();
  }
  return elements * static_cast<int64_t>(sizeof(float));
}

absl::Status PackLayer(const DecoderSpec& spec, int64_t index, Packer& packer, LoraLayer& layer) {
  const auto norm = [&](const std::string& name, int64_t n, NormWeights& into) {
    return packer.PackNorm(LayerModuleName(spec, index, name), n, into);
  };
  const auto linear = [&](const std::vector<LinearSpec>& parts, int64_t in, LoraGroup& group) {
    std::vector<std::string> names;
    names.reserve(parts.size());
    for (const LinearSpec& part : parts) names.push_back(LayerModuleName(spec, index, part.name));
    return packer.PackGroup(names, parts, in, group);
  };
  return WalkLayer(spec, layer, norm, linear);
}

}  // namespace

LoraFeatureSet SupportedLoraFeatures() { return LoraFeatureSet::All(); }

absl::StatusOr<std::shared_ptr<const LoraWeights>> PackLora(const DecoderSpec& spec,
                                                            const LoraAdapter& adapter,
                                                            ComputeType dtype, BaseParameter base,
                                                            int threads) {
  auto weights = std::make_shared<LoraWeights>();
  weights->version = adapter.version;
  weights->layers.resize(spec.layers.size());
  weights->arena = PanelArena(BranchBytes(adapter));
  Packer packer(spec, adapter, dtype, base, &weights->arena);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    ABSL_RETURN_IF_ERROR(PackLayer(spec, static_cast<int64_t>(i), packer, weights->layers[i]));
  }
  ABSL_RETURN_IF_ERROR(packer.PackEmbedding(
      ModuleName(spec, spec.embedding), RoundTo(dtype, spec.embedding_scale), weights->embedding));
  if (spec.learned_positions) {
    ABSL_RETURN_IF_ERROR(packer.PackEmbedding(ModuleName(spec, spec.position_embedding), 0,
                                              weights->position_embedding));
  }
  ABSL_RETURN_IF_ERROR(
      packer.PackNorm(ModuleName(spec, spec.final_norm), spec.hidden, weights->final_norm));
  ABSL_RETURN_IF_ERROR(packer.PackGroup({spec.head}, {{spec.head, spec.vocabulary, false}},
                                        spec.hidden, weights->head));
  ABSL_RETURN_IF_ERROR(packer.PackHeadRows(weights->head));
  if (const std::string forgotten = packer.Forgotten(); !forgotten.empty()) {
    return absl::UnimplementedError(
        absl::StrCat(forgotten, ": the engine cannot apply an adapter to this module"));
  }
  packer.Fill(threads);
  weights->max_rank = packer.max_rank();
  weights->bytes = packer.bytes();
  return std::shared_ptr<const LoraWeights>(std::move(weights));
}

}  // namespace plumbline
