// Loading an adapter into a hosted model: read and validate (core/lora), pack, prove on the device
// with a canary prompt, copy into the store, publish. Nothing is visible before the last step.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/engine/adapter_store.h"
#include "core/engine/hosted_model_internal.h"
#include "core/engine/torch_guard_internal.h"
#include "core/model/decoder_weights_internal.h"

namespace plumbline {
namespace {

constexpr int64_t kCanaryBlocks = 2;  // 48 tokens

AdmissionReport Describe(const LoraAdapter& adapter) {
  AdmissionReport report;
  report.version = adapter.version;
  report.tensors_in_file = adapter.tensors_in_file;
  report.tensors_applied = adapter.tensors_applied;
  report.rslora = adapter.config.use_rslora;
  report.dora = adapter.config.use_dora;
  report.warnings = adapter.warnings;
  for (const auto& [name, module] : adapter.modules) {
    AppliedModule applied;
    applied.module = name;
    applied.rank = static_cast<int>(module.rank);
    applied.alpha = module.alpha;
    applied.scaling = module.scaling;
    applied.in_features = module.target.in_features;
    applied.out_features = module.target.out_features;
    applied.kind = module.target.kind == TargetKind::kEmbedding ? "embedding" : "linear";
    applied.delta_norm = module.delta_norm;
    report.modules.push_back(std::move(applied));
  }
  for (const auto& [name, replacement] : adapter.replacements) {
    AppliedModule applied;
    applied.module = name;
    applied.in_features = replacement.target.in_features;
    applied.out_features = replacement.target.out_features;
    applied.kind = replacement.weight.defined() ? "replacement" : "bias";
    report.modules.push_back(std::move(applied));
  }
  for (const TrainableTokens& tokens : adapter.tokens) {
    AppliedModule applied;
    applied.module = tokens.target.name;
    applied.in_features = tokens.target.in_features;
    applied.out_features = tokens.target.out_features;
    applied.kind = "tokens";
    report.modules.push_back(std::move(applied));
  }
  return report;
}

}  // namespace

// A sequence of its own, with blocks that are not the cache's: the proof works when the cache is
// full.
absl::StatusOr<std::vector<float>> HostedModel::CanaryLogits(const LoraWeights* adapter) {
  std::vector<float> logits(static_cast<size_t>(info_.vocabulary));
  absl::Status status;
  ABSL_RETURN_IF_ERROR(engine_->RunBetweenSteps([&](Decoder& decoder) {
    status = GuardTorch([&]() -> absl::Status {
      ABSL_ASSIGN_OR_RETURN(
          const std::unique_ptr<KvPool> pool,
          KvPool::Create(decoder.kv_layout(),
                         (kCanaryBlocks + 1) * decoder.kv_layout().block_bytes(),
                         decoder.kv_memory()));
      std::vector<void*> blocks;
      for (size_t t = 0; t < canary_.size(); t += kKvBlockTokens) blocks.push_back(pool->Take());
      Chunk chunk;
      chunk.blocks = blocks;
      chunk.adapter = adapter;
      const int64_t count = static_cast<int64_t>(canary_.size());
      const int64_t step = decoder.options().max_rows;
      for (int64_t begin = 0; begin < count; begin += step) {
        const int64_t n = std::min(step, count - begin);
        chunk.tokens = absl::MakeConstSpan(canary_).subspan(begin, n);
        chunk.position = begin;
        chunk.prompt_length = count;
        chunk.first_output = begin + n == count ? n - 1 : n;
        decoder.Forward({&chunk, 1});
      }
      decoder.Logits(0, 1, logits.data());
      return absl::OkStatus();
    });
  }));
  ABSL_RETURN_IF_ERROR(status);
  return logits;
}

absl::Status HostedModel::Prove(const LoraWeights& weights, AdmissionReport& report) {
  ABSL_ASSIGN_OR_RETURN(const std::vector<float> before, CanaryLogits(nullptr));
  ABSL_ASSIGN_OR_RETURN(const std::vector<float> with, CanaryLogits(&weights));
  ABSL_ASSIGN_OR_RETURN(const std::vector<float> after, CanaryLogits(nullptr));
  report.base_restored_bitwise =
      std::memcmp(before.data(), after.data(), before.size() * sizeof(float)) == 0;
  for (size_t i = 0; i < with.size(); ++i) {
    if (!std::isfinite(with[i])) {
      return absl::InvalidArgumentError(
          "the canary prompt's logits are not finite with this adapter: it holds NaN, infinite or "
          "absurdly large values");
    }
    report.canary_max_abs_logit_change = std::max(
        report.canary_max_abs_logit_change, std::fabs(static_cast<double>(with[i]) - before[i]));
  }
  if (report.canary_max_abs_logit_change == 0) {
    return absl::InvalidArgumentError(
        "the canary prompt's logits are the base's own: the adapter does nothing (is lora_B all "
        "zeros, as before training?)");
  }
  if (!report.base_restored_bitwise) {
    return absl::InternalError("the base's logits changed while the adapter was resident");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const AdapterVersionEntry>> HostedModel::Admit(
    const LoraAdapter& adapter) {
  const DecoderSpec& spec = engine_->decoder().spec();
  auto entry = std::make_shared<AdapterVersionEntry>();
  entry->version = adapter.version;
  entry->report = Describe(adapter);
  const auto base = [&](const TargetModule& module, absl::string_view parameter) {
    return LoadModuleParameter(spec, *checkpoint_, module, parameter);
  };
  ABSL_ASSIGN_OR_RETURN(entry->weights,
                        PackLora(spec, adapter, engine_->decoder().options().dtype, base));
  ABSL_RETURN_IF_ERROR(Prove(*entry->weights, entry->report));
  return std::shared_ptr<const AdapterVersionEntry>(std::move(entry));
}

// Keeps a copy under the version's name, which is checked: the source may change between the load
// and now.
absl::Status HostedModel::CopyToStore(const std::string& path, const std::string& version) {
  if (host_.adapter_store_dir.empty()) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<AdapterStore> store,
                        AdapterStore::Open(host_.adapter_store_dir));
  ABSL_ASSIGN_OR_RETURN(const StoredAdapter stored, store->Import(path));
  if (stored.version == version) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat(path, ": the files changed while they were loaded"));
}

absl::StatusOr<AdapterInfo> HostedModel::LoadAdapter(const LoadAdapterOptions& options) {
  const absl::Time start = absl::Now();
  const auto context = [&](const absl::Status& status) {
    return Annotate(status, absl::StrCat("load adapter \"", options.alias, "\""));
  };
  LoraLoadOptions load;
  load.modules = modules_;
  load.supported = SupportedLoraFeatures();
  load.base_names = {info_.options.name, info_.options.path};
  load.base_weight = [this](const TargetModule& module) {
    return LoadModuleParameter(engine_->decoder().spec(), *checkpoint_, module, "weight");
  };
  AdapterRegistry::Publication publication;
  const absl::Status status = GuardTorch([&]() -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(const std::shared_ptr<const LoraAdapter> adapter,
                          LoadLoraAdapter(options.path, load));
    publication.entry = adapters_.FindVersion(adapter->version);
    if (publication.entry == nullptr) {
      ABSL_ASSIGN_OR_RETURN(publication.entry, Admit(*adapter));
    }
    return CopyToStore(options.path, adapter->version);
  });
  if (!status.ok()) return context(status);
  AdapterInfo& info = publication.info;
  info.model = info_.options.name;
  info.alias = options.alias;
  info.version = publication.entry->version;
  info.nominal_target = options.nominal_target;
  info.source_path = options.path;
  info.loaded_at = clock_.Now();
  info.load_time = absl::Now() - start;
  info.bytes = publication.entry->weights->bytes;
  info.report = publication.entry->report;
  AdapterInfo result = info;
  result.pins = publication.entry->pins.load();
  adapters_.Publish(std::move(publication));
  return result;
}

}  // namespace plumbline
