// Loading an adapter into a hosted model: read and validate (core/lora), pack, prove on the device
// with a canary prompt, copy into the store, publish. Nothing is visible before the last step.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/engine/hosted_model_internal.h"
#include "core/engine/torch_guard_internal.h"
#include "core/model/decoder_weights_internal.h"

namespace plumbline {
namespace {

// The time since the last call.
class Stopwatch {
 public:
  absl::Duration Lap() {
    const absl::Time now = absl::Now();
    return now - std::exchange(last_, now);
  }

 private:
  absl::Time last_ = absl::Now();
};

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

// Sequences of their own, with blocks that are not the cache's: the proof works when the cache is
// full.
absl::StatusOr<std::vector<std::vector<float>>> HostedModel::CanaryLogits(
    const std::vector<int32_t>& prompt, absl::Span<const LoraWeights* const> adapters) {
  std::vector<std::vector<float>> logits(adapters.size());
  absl::Status status;
  ABSL_RETURN_IF_ERROR(engine_->RunBetweenSteps([&](Decoder& decoder) {
    status = GuardTorch([&]() -> absl::Status {
      const int64_t blocks_each =
          (static_cast<int64_t>(prompt.size()) + kKvBlockTokens - 1) / kKvBlockTokens;
      const int64_t blocks_all = blocks_each * static_cast<int64_t>(adapters.size());
      ABSL_ASSIGN_OR_RETURN(
          const std::unique_ptr<KvPool> pool,
          KvPool::Create(decoder.kv_layout(), (blocks_all + 1) * decoder.kv_layout().block_bytes(),
                         decoder.kv_memory()));
      std::vector<std::vector<void*>> blocks(adapters.size());
      std::vector<Chunk> chunks(adapters.size());
      for (size_t i = 0; i < adapters.size(); ++i) {
        for (int64_t b = 0; b < blocks_each; ++b) blocks[i].push_back(pool->Take());
        chunks[i].tokens = prompt;
        chunks[i].prompt_length = static_cast<int64_t>(prompt.size());
        chunks[i].blocks = blocks[i];
        chunks[i].adapter = adapters[i];
        chunks[i].first_output = static_cast<int64_t>(prompt.size()) - 1;
      }
      decoder.Forward(chunks);
      const size_t v = static_cast<size_t>(info_.vocabulary);
      std::vector<float> rows(adapters.size() * v);
      decoder.Logits(0, static_cast<int64_t>(adapters.size()), rows.data());
      for (size_t i = 0; i < adapters.size(); ++i) {
        logits[i].assign(rows.begin() + static_cast<std::ptrdiff_t>(i * v),
                         rows.begin() + static_cast<std::ptrdiff_t>((i + 1) * v));
      }
      return absl::OkStatus();
    });
  }));
  ABSL_RETURN_IF_ERROR(status);
  return logits;
}

// One step computes the canary with the adapter and without, side by side; the base's logits must
// be those of before the adapter came.
absl::Status HostedModel::Prove(const LoraAdapter& adapter, const LoraWeights& weights,
                                AdmissionReport& report) {
  std::vector<int32_t> prompt = canary_;
  std::vector<float> before = canary_base_;
  // Trained tokens change nothing until one of them is read.
  if (!adapter.tokens.empty() && !adapter.tokens[0].indices.empty()) {
    prompt.back() = static_cast<int32_t>(adapter.tokens[0].indices[0]);
    ABSL_ASSIGN_OR_RETURN(std::vector<std::vector<float>> base, CanaryLogits(prompt, {nullptr}));
    before = std::move(base[0]);
  }
  ABSL_ASSIGN_OR_RETURN(const std::vector<std::vector<float>> logits,
                        CanaryLogits(prompt, {nullptr, &weights}));
  const std::vector<float>& with = logits[1];
  report.base_restored_bitwise =
      std::memcmp(before.data(), logits[0].data(), before.size() * sizeof(float)) == 0;
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

absl::StatusOr<std::shared_ptr<const LoraAdapter>> HostedModel::Read(
    const std::string& path) const {
  LoraLoadOptions load;
  load.modules = modules_;
  load.supported = SupportedLoraFeatures();
  load.base_names = {info_.options.name, info_.options.path};
  load.base_weight = [this](const TargetModule& module) {
    return LoadModuleParameter(engine_->decoder().spec(), *checkpoint_, module, "weight");
  };
  return LoadLoraAdapter(path, load);
}

absl::StatusOr<AdapterSlots::Weights> HostedModel::Pack(const LoraAdapter& adapter) const {
  const DecoderSpec& spec = engine_->decoder().spec();
  return PackLora(spec, adapter, engine_->decoder().options().dtype,
                  [&](const TargetModule& module, absl::string_view parameter) {
                    return LoadModuleParameter(spec, *checkpoint_, module, parameter);
                  });
}

absl::StatusOr<AdapterSlots::Weights> HostedModel::Repack(const AdapterVersionEntry& entry) const {
  return GuardTorch([&]() -> absl::StatusOr<AdapterSlots::Weights> {
    absl::StatusOr<std::shared_ptr<const LoraAdapter>> adapter = Read(entry.path);
    if (adapter.ok() && (*adapter)->version == entry.version) return Pack(**adapter);
    if (absl::IsResourceExhausted(adapter.status())) return adapter.status();
    return absl::DataLossError(absl::StrCat(
        "adapter version ", entry.version, " was evicted and cannot be packed again: ", entry.path,
        ": ",
        adapter.ok() ? absl::StrCat("the files have changed, their digest is ", (*adapter)->version)
                     : std::string(adapter.status().message()),
        "; load the adapter again"));
  });
}

absl::StatusOr<HostedModel::Entry> HostedModel::Admit(const LoraAdapter& adapter,
                                                      const LoadAdapterOptions& options,
                                                      LoadPhases& phases) {
  Stopwatch watch;
  auto entry = std::make_shared<AdapterVersionEntry>();
  entry->version = adapter.version;
  entry->report = Describe(adapter);
  ABSL_ASSIGN_OR_RETURN(AdapterSlots::Weights weights, Pack(adapter));
  entry->bytes = weights->bytes;
  phases.pack = watch.Lap();
  ABSL_RETURN_IF_ERROR(Prove(adapter, *weights, entry->report));
  phases.prove = watch.Lap();
  ABSL_ASSIGN_OR_RETURN(entry->path, CopyToStore(options.path, adapter.version));
  phases.store = watch.Lap();
  ABSL_RETURN_IF_ERROR(slots_->Offer(entry.get(), options.alias, std::move(weights)));
  entry->slots = slots_;
  return Entry(std::move(entry));
}

// Keeps a copy under the version's name, which is checked: the source may change between the load
// and now.
absl::StatusOr<std::string> HostedModel::CopyToStore(const std::string& path,
                                                     const std::string& version) {
  if (store_ == nullptr) return path;
  if (const auto present = store_->Verify(version); present.ok()) return present->path;
  ABSL_ASSIGN_OR_RETURN(const StoredAdapter stored, store_->Import(path));
  if (stored.version == version) return stored.path;
  return absl::AbortedError(absl::StrCat(path, ": the files changed while they were loaded"));
}

absl::StatusOr<AdapterInfo> HostedModel::LoadAdapter(const LoadAdapterOptions& options) {
  const absl::Time start = absl::Now();
  AdapterRegistry::Publication publication;
  AdapterInfo& info = publication.info;
  Stopwatch watch;
  const absl::Status status = GuardTorch([&]() -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(const std::shared_ptr<const LoraAdapter> adapter, Read(options.path));
    info.phases.read = watch.Lap();
    publication.entry = adapters_.FindVersion(adapter->version);
    if (publication.entry != nullptr) return CopyToStore(options.path, adapter->version).status();
    ABSL_ASSIGN_OR_RETURN(publication.entry, Admit(*adapter, options, info.phases));
    return absl::OkStatus();
  });
  if (!status.ok()) return Annotate(status, absl::StrCat("load adapter \"", options.alias, "\""));
  info.model = info_.options.name;
  info.alias = options.alias;
  info.version = publication.entry->version;
  info.nominal_target = options.nominal_target;
  info.source_path = options.path;
  info.loaded_at = clock_.Now();
  info.load_time = absl::Now() - start;
  info.bytes = publication.entry->bytes;
  info.report = publication.entry->report;
  AdapterInfo result = info;
  result.pins = publication.entry->pins.load();
  result.resident = slots_->IsResident(publication.entry.get());
  watch.Lap();
  adapters_.Publish(std::move(publication));
  result.phases.publish = watch.Lap();
  return result;
}

}  // namespace plumbline
