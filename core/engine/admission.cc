// Loading an adapter into a hosted model: read and check (core/lora), pack, prove on the device
// with a canary prompt, copy into the store, publish. Nothing is visible before the last step.
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/engine/admission_notes.h"
#include "core/engine/hosted_model_internal.h"
#include "core/model/decoder_weights_internal.h"
#include "core/weights/torch_guard_internal.h"

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
    applied.kind = module.target.kind == TargetKind::kEmbedding ? AppliedKind::kEmbedding
                                                                : AppliedKind::kLinear;
    applied.delta_norm = module.delta_norm;
    report.modules.push_back(std::move(applied));
  }
  for (const auto& [name, replacement] : adapter.replacements) {
    AppliedModule applied;
    applied.module = name;
    applied.in_features = replacement.target.in_features;
    applied.out_features = replacement.target.out_features;
    applied.kind = replacement.weight.defined() ? AppliedKind::kReplacement : AppliedKind::kBias;
    report.modules.push_back(std::move(applied));
  }
  for (const TrainableTokens& tokens : adapter.tokens) {
    AppliedModule applied;
    applied.module = tokens.target.name;
    applied.in_features = tokens.target.in_features;
    applied.out_features = tokens.target.out_features;
    applied.kind = AppliedKind::kTokens;
    report.modules.push_back(std::move(applied));
  }
  return report;
}

}  // namespace

absl::Status HostedModel::Prove(const LoraAdapter& adapter, const LoraWeights& weights,
                                AdmissionReport& report) const {
  std::optional<int32_t> trained;
  if (!adapter.tokens.empty() && !adapter.tokens[0].indices.empty()) {
    trained = static_cast<int32_t>(adapter.tokens[0].indices[0]);
  }
  return canary_->Prove(weights, trained, report);
}

absl::StatusOr<std::shared_ptr<const LoraAdapter>> HostedModel::Check(
    AdapterBytes files, const std::string& path) const {
  ABSL_RETURN_IF_ERROR(checkpoint_->CheckUnchanged());
  LoraLoadOptions load;
  load.modules = modules_;
  load.supported = SupportedLoraFeatures();
  load.base_names = {info_.options.name, info_.options.path};
  load.threads = info_.threads;
  load.base_weight = [this](const TargetModule& module) {
    return LoadModuleParameter(engine_->decoder().spec(), *checkpoint_, module, "weight");
  };
  return CheckLoraAdapter(std::move(files), path, load);
}

absl::StatusOr<AdapterSlots::Weights> HostedModel::Pack(const LoraAdapter& adapter) const {
  ABSL_RETURN_IF_ERROR(checkpoint_->CheckUnchanged());
  const DecoderSpec& spec = engine_->decoder().spec();
  return PackLora(
      spec, adapter, engine_->decoder().options().dtype,
      [&](const TargetModule& module, absl::string_view parameter) {
        return LoadModuleParameter(spec, *checkpoint_, module, parameter);
      },
      info_.threads);
}

absl::StatusOr<AdapterSlots::Weights> HostedModel::Repack(const AdapterVersionEntry& entry) const {
  const auto lost = [&](absl::string_view why) {
    return absl::DataLossError(absl::StrCat("adapter version ", entry.version,
                                            " was evicted and cannot be packed again: ", entry.path,
                                            ": ", why, "; load the adapter again"));
  };
  return GuardTorch([&]() -> absl::StatusOr<AdapterSlots::Weights> {
    absl::StatusOr<AdapterBytes> files = ReadAdapterFiles(entry.path);
    if (absl::IsResourceExhausted(files.status())) return files.status();
    if (!files.ok()) return lost(files.status().message());
    if (files->version != entry.version) {
      return lost(absl::StrCat("the files have changed, their digest is ", files->version));
    }
    absl::StatusOr<std::shared_ptr<const LoraAdapter>> adapter =
        Check(*std::move(files), entry.path);
    if (adapter.ok()) return Pack(**adapter);
    if (absl::IsResourceExhausted(adapter.status())) return adapter.status();
    return lost(adapter.status().message());
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
  const absl::Status proved = Prove(adapter, *weights, entry->report);
  if (absl::IsInvalidArgument(proved) && entry->report.canary_max_abs_logit_change == 0)
    return NameIdleModules(proved, entry->report);
  ABSL_RETURN_IF_ERROR(proved);
  WarnOfRoundingNoise(canary_->base_logits(), info_.numerics.dtype, entry->report);
  phases.prove = watch.Lap();
  ABSL_ASSIGN_OR_RETURN(entry->path, CopyToStore(adapter, options.path));
  phases.store = watch.Lap();
  ABSL_RETURN_IF_ERROR(slots_->Offer(entry.get(), options.alias, std::move(weights)));
  entry->slots = slots_;
  return Entry(std::move(entry));
}

absl::StatusOr<std::string> HostedModel::CopyToStore(const LoraAdapter& adapter,
                                                     const std::string& path) {
  if (store_ == nullptr) return path;
  ABSL_ASSIGN_OR_RETURN(
      const StoredAdapter stored,
      store_->Import(adapter.version, adapter.config_json, adapter.file->bytes()));
  return stored.path;
}

absl::StatusOr<AdapterInfo> HostedModel::LoadAdapter(const LoadAdapterOptions& options) {
  const absl::Time start = absl::Now();
  AdapterRegistry::Publication publication;
  AdapterInfo& info = publication.info;
  std::shared_ptr<const LoraAdapter> adapter;  // freed when all is done
  Stopwatch watch;
  const absl::Status status = GuardTorch([&]() -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(AdapterBytes files, ReadAdapterFiles(options.path));
    info.phases.read = watch.Lap();
    publication.entry = adapters_.FindVersion(files.version);
    ABSL_ASSIGN_OR_RETURN(adapter, Check(std::move(files), options.path));
    info.phases.check = watch.Lap();
    if (publication.entry != nullptr) return CopyToStore(*adapter, options.path).status();
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
