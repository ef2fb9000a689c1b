#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/model/decoder_weights_internal.h"
#include "core/model/layer_walk.h"
#include "core/weights/safetensors_header.h"

namespace plumbline {
namespace {

template <typename T>
constexpr at::ScalarType kScalarType = at::kFloat;
template <>
constexpr at::ScalarType kScalarType<Bf16> = at::kBFloat16;

// fp32 values, rounded to the model's dtype first.
template <typename T>
absl::StatusOr<std::vector<float>> LoadVector(const DecoderSpec& spec, const Checkpoint& checkpoint,
                                              absl::string_view module, absl::string_view parameter,
                                              int64_t n) {
  ABSL_ASSIGN_OR_RETURN(at::Tensor tensor, LoadParameter(spec, checkpoint, module, parameter, {n}));
  tensor = tensor.to(kScalarType<T>).to(at::kFloat).contiguous();
  const float* data = tensor.const_data_ptr<float>();
  return std::vector<float>(data, data + n);
}

template <typename T>
absl::Status LoadNorm(const DecoderSpec& spec, const Checkpoint& checkpoint,
                      const std::string& module, int64_t n, NormWeights& norm) {
  ABSL_ASSIGN_OR_RETURN(norm.weight, LoadVector<T>(spec, checkpoint, module, "weight", n));
  if (spec.norm == NormStyle::kLayer) {
    ABSL_ASSIGN_OR_RETURN(norm.bias, LoadVector<T>(spec, checkpoint, module, "bias", n));
  }
  return absl::OkStatus();
}

template <typename T>
class Loader {
 public:
  Loader(const DecoderSpec& spec, const Checkpoint& checkpoint, ThreadPool& threads)
      : spec_(spec), checkpoint_(checkpoint), threads_(threads) {}

  absl::StatusOr<DecoderWeights<T>> Load() {
    DecoderWeights<T> w;
    if (!spec_.tied_head) {
      ABSL_ASSIGN_OR_RETURN(w.embedding, LoadTable(spec_.embedding, spec_.vocabulary));
    }
    if (spec_.learned_positions) {
      ABSL_ASSIGN_OR_RETURN(w.position_embedding,
                            LoadTable(spec_.position_embedding, spec_.context));
    }
    for (size_t i = 0; i < spec_.layers.size(); ++i) {
      ABSL_ASSIGN_OR_RETURN(LayerWeights<T> layer, LoadLayer(static_cast<int64_t>(i)));
      w.layers.push_back(std::move(layer));
      checkpoint_.DropPages();  // the panels are the copy that counts
    }
    ABSL_RETURN_IF_ERROR(LoadNorm<T>(spec_, checkpoint_, ModuleName(spec_, spec_.final_norm),
                                     spec_.hidden, w.final_norm));
    const std::string head = spec_.tied_head ? ModuleName(spec_, spec_.embedding) : spec_.head;
    ABSL_RETURN_IF_ERROR(
        LoadLinear({head}, {{head, spec_.vocabulary, false}}, spec_.hidden, false, w.head));
    w.bytes = bytes_;
    w.parameters = parameters_;
    return w;
  }

 private:
  absl::StatusOr<at::Tensor> LoadTable(const std::string& name, int64_t rows) {
    ABSL_ASSIGN_OR_RETURN(
        at::Tensor table,
        LoadParameter(spec_, checkpoint_, ModuleName(spec_, name), "weight", {rows, spec_.hidden}));
    parameters_ += table.numel();
    table = table.to(kScalarType<T>).contiguous();
    bytes_ += static_cast<int64_t>(table.nbytes());
    return table;
  }

  absl::StatusOr<LayerWeights<T>> LoadLayer(int64_t index) {
    LayerWeights<T> layer;
    const auto norm = [&](const std::string& name, int64_t n, NormWeights& into) {
      parameters_ += n;
      return LoadNorm<T>(spec_, checkpoint_, LayerModuleName(spec_, index, name), n, into);
    };
    const auto linear = [&](const std::vector<LinearSpec>& parts, int64_t in,
                            PackedLinear<T>& into) {
      std::vector<std::string> names;
      names.reserve(parts.size());
      for (const LinearSpec& part : parts) {
        names.push_back(LayerModuleName(spec_, index, part.name));
      }
      return LoadLinear(names, parts, in, spec_.conv1d, into);
    };
    ABSL_RETURN_IF_ERROR(WalkLayer(spec_, layer, norm, linear));
    return layer;
  }

  // Packs the modules `names` side by side.
  absl::Status LoadLinear(const std::vector<std::string>& names,
                          const std::vector<LinearSpec>& parts, int64_t in, bool conv1d,
                          PackedLinear<T>& into) {
    into.in = in;
    into.out = 0;
    std::vector<at::Tensor> weights;  // [out of the part, in]
    bool any_bias = false;
    for (size_t i = 0; i < parts.size(); ++i) {
      const int64_t out = parts[i].out;
      const std::vector<int64_t> shape =
          conv1d ? std::vector<int64_t>{in, out} : std::vector<int64_t>{out, in};
      ABSL_ASSIGN_OR_RETURN(at::Tensor w,
                            LoadParameter(spec_, checkpoint_, names[i], "weight", shape));
      weights.push_back(conv1d ? w.t() : std::move(w));
      into.out += out;
      any_bias = any_bias || parts[i].bias;
    }
    Pack(weights, into);
    bytes_ += into.panels.bytes();
    parameters_ += into.out * in;
    if (any_bias) return LoadBiases(names, parts, into);
    return absl::OkStatus();
  }

  // Converts a few panels' rows at a time where the checkpoint has another dtype, so that there is
  // never a second copy of a whole matrix.
  void Pack(const std::vector<at::Tensor>& weights, PackedLinear<T>& into) {
    into.panels = AlignedBuffer<T>(PackedElements<T>(into.out, into.in));
    std::vector<const T*> rows(static_cast<size_t>(into.out));
    threads_.Run(PanelCount(into.out), 4, [&](int64_t panel_begin, int64_t panel_end, int) {
      at::set_num_threads(1);          // the other panels have the other threads
      std::vector<at::Tensor> pieces;  // keep what rows point into
      int64_t offset = 0;              // of a weight's first row
      for (const at::Tensor& weight : weights) {
        const int64_t begin = std::max<int64_t>(panel_begin * kPanelColumns - offset, 0);
        const int64_t end = std::min(panel_end * kPanelColumns - offset, weight.size(0));
        if (begin < end) {
          pieces.push_back(weight.narrow(0, begin, end - begin).to(kScalarType<T>).contiguous());
          const T* const data = static_cast<const T*>(pieces.back().const_data_ptr());
          for (int64_t i = begin; i < end; ++i) rows[offset + i] = data + (i - begin) * into.in;
        }
        offset += weight.size(0);
      }
      PackPanels(rows.data(), into.out, into.in, into.panels.data(), panel_begin, panel_end);
    });
  }

  absl::Status LoadBiases(const std::vector<std::string>& names,
                          const std::vector<LinearSpec>& parts, PackedLinear<T>& into) {
    for (size_t i = 0; i < parts.size(); ++i) {
      std::vector<float> bias(parts[i].out, 0.f);
      if (parts[i].bias) {
        ABSL_ASSIGN_OR_RETURN(bias,
                              LoadVector<T>(spec_, checkpoint_, names[i], "bias", parts[i].out));
        parameters_ += parts[i].out;
      }
      into.bias.insert(into.bias.end(), bias.begin(), bias.end());
    }
    return absl::OkStatus();
  }

  const DecoderSpec& spec_;
  const Checkpoint& checkpoint_;
  ThreadPool& threads_;
  int64_t bytes_ = 0;
  int64_t parameters_ = 0;
};

// Under what name the checkpoint has a parameter: it may lack the prefix.
std::string NameIn(const DecoderSpec& spec, const Checkpoint& checkpoint, const std::string& name) {
  absl::string_view bare = name;
  if (!checkpoint.Contains(name) && absl::ConsumePrefix(&bare, spec.prefix) &&
      checkpoint.Contains(bare)) {
    return std::string(bare);
  }
  return name;
}

}  // namespace

std::string LayerModuleName(const DecoderSpec& spec, int64_t layer, absl::string_view name) {
  return absl::StrCat(spec.prefix, spec.layer_list, ".", layer, ".", name);
}

std::string ModuleName(const DecoderSpec& spec, absl::string_view name) {
  return absl::StrCat(spec.prefix, name);
}

absl::StatusOr<at::Tensor> LoadParameter(const DecoderSpec& spec, const Checkpoint& checkpoint,
                                         absl::string_view module, absl::string_view parameter,
                                         absl::Span<const int64_t> shape) {
  const std::string name = absl::StrCat(module, ".", parameter);
  const std::string found = NameIn(spec, checkpoint, name);
  absl::StatusOr<at::Tensor> tensor = checkpoint.Load(found, shape);
  if (!tensor.ok()) {
    return absl::IsNotFound(tensor.status()) ? absl::InvalidArgumentError(tensor.status().message())
                                             : tensor.status();
  }
  if (!tensor->is_floating_point()) {
    return absl::UnimplementedError(absl::StrCat(checkpoint.directory(), ": ", found, ": dtype ",
                                                 DTypeName(checkpoint.info(found)->dtype), ": ",
                                                 kQuantisedRefused));
  }
  return tensor;
}

absl::Status SettleTiedHead(const Checkpoint& checkpoint, DecoderSpec& spec) {
  const std::string name = absl::StrCat(spec.head, ".weight");
  if (!spec.tied_head || !checkpoint.Contains(name)) return absl::OkStatus();
  const std::string embedding = ModuleName(spec, spec.embedding);
  ABSL_ASSIGN_OR_RETURN(const at::Tensor head, checkpoint.Load(name));
  ABSL_ASSIGN_OR_RETURN(const at::Tensor table, LoadParameter(spec, checkpoint, embedding, "weight",
                                                              {spec.vocabulary, spec.hidden}));
  spec.tied_head = head.scalar_type() == table.scalar_type() && head.equal(table);
  checkpoint.DropPages();
  return absl::OkStatus();
}

absl::StatusOr<at::Tensor> LoadModuleParameter(const DecoderSpec& spec,
                                               const Checkpoint& checkpoint,
                                               const TargetModule& module,
                                               absl::string_view parameter) {
  const std::vector<int64_t> shape =
      parameter == "weight" ? WeightShape(module) : std::vector<int64_t>{module.out_features};
  const std::string& name = module.tied_to.empty() ? module.name : module.tied_to;
  return LoadParameter(spec, checkpoint, name, parameter, shape);
}

template <typename T>
absl::StatusOr<DecoderWeights<T>> LoadDecoderWeights(const DecoderSpec& spec,
                                                     const Checkpoint& checkpoint,
                                                     ThreadPool& threads) {
  absl::StatusOr<DecoderWeights<T>> weights = Loader<T>(spec, checkpoint, threads).Load();
  checkpoint.DropPages();
  return weights;
}

template absl::StatusOr<DecoderWeights<float>> LoadDecoderWeights<float>(const DecoderSpec&,
                                                                         const Checkpoint&,
                                                                         ThreadPool&);
template absl::StatusOr<DecoderWeights<Bf16>> LoadDecoderWeights<Bf16>(const DecoderSpec&,
                                                                       const Checkpoint&,
                                                                       ThreadPool&);

std::vector<TargetModule> ModulesOf(const DecoderSpec& spec) {
  std::vector<TargetModule> modules;
  const bool layer_norm = spec.norm == NormStyle::kLayer;
  modules.push_back({ModuleName(spec, spec.embedding), TargetKind::kEmbedding, spec.vocabulary,
                     spec.hidden, false});
  if (spec.learned_positions) {
    modules.push_back({ModuleName(spec, spec.position_embedding), TargetKind::kEmbedding,
                       spec.context, spec.hidden, false});
  }
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const int64_t index = static_cast<int64_t>(i);
    std::vector<TargetModule> norms;  // behind the linears: what errors name first stays the same
    const auto norm = [&](const std::string& name, int64_t n, const NormWeights&) {
      norms.push_back({LayerModuleName(spec, index, name), TargetKind::kNorm, n, n, layer_norm});
      return absl::OkStatus();
    };
    const auto linear = [&](const std::vector<LinearSpec>& parts, int64_t in,
                            const PackedLinear<float>&) {
      for (const LinearSpec& part : parts) {
        modules.push_back({LayerModuleName(spec, index, part.name),
                           spec.conv1d ? TargetKind::kConv1d : TargetKind::kLinear, in, part.out,
                           part.bias});
      }
      return absl::OkStatus();
    };
    LayerWeights<float> none;
    WalkLayer(spec, none, norm, linear).IgnoreError();  // neither fails
    modules.insert(modules.end(), norms.begin(), norms.end());
  }
  modules.push_back(
      {ModuleName(spec, spec.final_norm), TargetKind::kNorm, spec.hidden, spec.hidden, layer_norm});
  TargetModule head{spec.head, TargetKind::kLinear, spec.hidden, spec.vocabulary, false};
  head.is_output_head = true;
  if (spec.tied_head) head.tied_to = ModuleName(spec, spec.embedding);
  modules.push_back(std::move(head));
  return modules;
}

std::vector<std::string> UnusedTensors(const DecoderSpec& spec, const Checkpoint& checkpoint) {
  absl::flat_hash_set<std::string> used;
  for (const TargetModule& module : ModulesOf(spec)) {
    used.insert(absl::StrCat(module.name, ".weight"));
    if (module.has_bias) used.insert(absl::StrCat(module.name, ".bias"));
  }
  std::vector<std::string> unused;
  for (const std::string& name : checkpoint.names()) {
    const bool buffer = absl::EndsWith(name, ".rotary_emb.inv_freq") ||
                        (spec.conv1d && (absl::EndsWith(name, ".attn.bias") ||
                                         absl::EndsWith(name, ".attn.masked_bias")));
    if (!buffer && !used.contains(name) && !used.contains(absl::StrCat(spec.prefix, name))) {
      unused.push_back(name);
    }
  }
  return unused;
}

}  // namespace plumbline
