#include "server/hosting.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/names.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "server/status_conversion.h"
#include "server/utf8.h"

namespace plumbline {
namespace {

absl::Status ModelNotFound(absl::string_view name, const std::vector<ModelInfo>& models) {
  std::vector<std::string> names;
  for (const ModelInfo& model : models) names.push_back(model.options.name);
  return WithReason(absl::NotFoundError(absl::StrCat("model \"", name, "\" is not hosted",
                                                     NamesInstead(name, names))),
                    "MODEL_NOT_FOUND", {{"model", std::string(name)}});
}

// The reason of an error of the engine's LoadModel or LoadAdapter.
absl::Status LoadError(const absl::Status& status, absl::string_view rejected,
                       absl::string_view not_found) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
      return WithReason(status, rejected);
    case absl::StatusCode::kNotFound:
      return WithReason(status, not_found);
    case absl::StatusCode::kUnimplemented:
      return WithReason(status, "UNSUPPORTED");
    case absl::StatusCode::kAlreadyExists:
      return WithReason(status, "MODEL_NAME_IN_USE");
    case absl::StatusCode::kResourceExhausted:
      return WithReason(status, "OUT_OF_MEMORY");
    default:
      return status;
  }
}

ModelRecord RecordOf(const LoadModelOptions& options) {
  ModelRecord record;
  record.name = options.name;
  record.path = options.path;
  record.dtype = options.dtype;
  record.device = options.device;
  record.max_batch = options.max_batch;
  record.kv_cache_bytes = options.kv_cache_bytes;
  return record;
}

LoadModelOptions OptionsOf(const ModelRecord& record) {
  LoadModelOptions options;
  options.name = record.name;
  options.path = record.path;
  options.dtype = record.dtype;
  options.device = record.device;
  options.max_batch = record.max_batch;
  options.kv_cache_bytes = record.kv_cache_bytes;
  return options;
}

}  // namespace

Hosting::Hosting(ModelHost& host, Catalog& catalog, HostingOptions options)
    : host_(host), catalog_(catalog), options_(std::move(options)) {}

LoadModelOptions Hosting::WithDefaults(LoadModelOptions options) const {
  if (options.dtype.empty()) options.dtype = options_.dtype;
  if (options.device.empty()) options.device = options_.device;
  if (options.max_batch == 0) options.max_batch = options_.max_batch;
  if (options.kv_cache_bytes == 0) options.kv_cache_bytes = options_.kv_cache_bytes;
  return options;
}

std::string Hosting::StorePath(absl::string_view version) const {
  return absl::StrCat(options_.adapter_store, "/", version);
}

// ---------------------------------------------------------------- restoring

absl::Status Hosting::Restore(const std::vector<LoadModelOptions>& models,
                              const std::vector<LoadAdapterOptions>& adapters) {
  ABSL_RETURN_IF_ERROR(RestoreModels(models));
  return RestoreAdapters(adapters);
}

absl::Status Hosting::RestoreModels(const std::vector<LoadModelOptions>& flags) {
  ABSL_ASSIGN_OR_RETURN(std::vector<ModelRecord> records, catalog_.ListModels());
  std::set<std::string> asked;
  for (LoadModelOptions flag : flags) {
    flag = WithDefaults(std::move(flag));
    asked.insert(flag.name);
    for (const ModelRecord& record : records) {
      if (record.name == flag.name && OptionsOf(record) != flag) {
        spdlog::warn("model {}: the command line's {} replaces the catalog's {}", flag.name,
                     flag.path, record.path);
      }
    }
    ABSL_RETURN_IF_ERROR(Annotate(LoadModel(flag).status(), absl::StrCat("model ", flag.name)));
  }
  for (const ModelRecord& record : records) {
    if (asked.count(record.name) > 0) continue;
    const absl::StatusOr<ModelInfo> info = host_.LoadModel(OptionsOf(record));
    if (info.ok()) {
      LogLoaded(*info);
      continue;
    }
    spdlog::error("model {}: cannot be restored, its jobs wait: {}", record.name,
                  std::string(info.status().message()));
    absl::MutexLock lock(&mutex_);
    unavailable_[record.name] = info.status();
  }
  return absl::OkStatus();
}

absl::Status Hosting::RestoreAdapters(const std::vector<LoadAdapterOptions>& flags) {
  ABSL_ASSIGN_OR_RETURN(std::vector<AdapterRecord> records, catalog_.ListAdapters(""));
  for (const AdapterRecord& record : records) {
    const bool asked = std::any_of(flags.begin(), flags.end(), [&](const LoadAdapterOptions& f) {
      return f.model == record.model && f.alias == record.alias;
    });
    if (!asked) RestoreAdapter(record).IgnoreError();  // logged
  }
  for (const LoadAdapterOptions& flag : flags) {
    const absl::StatusOr<LoadedAdapter> loaded = LoadAdapter(flag);
    if (!loaded.ok()) {
      return Annotate(loaded.status(), absl::StrCat("adapter ", flag.model, "/", flag.alias));
    }
    for (const AdapterRecord& record : records) {
      if (record.model == flag.model && record.alias == flag.alias &&
          record.version != loaded->info.version) {
        spdlog::warn("adapter {}/{}: the command line's version {} replaces the catalog's {}",
                     flag.model, flag.alias, loaded->info.version, record.version);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Hosting::RestoreAdapter(const AdapterRecord& record) {
  Remember(record.version, record.source_path);
  if (!host_.GetModel(record.model).ok()) return absl::OkStatus();  // said already
  LoadAdapterOptions options;
  options.model = record.model;
  options.alias = record.alias;
  options.path = record.store_path;
  options.nominal_target = record.nominal_target;
  const absl::StatusOr<AdapterInfo> info = host_.LoadAdapter(options);
  absl::Status status = info.status();
  if (info.ok() && info->version != record.version) {
    host_.UnloadAdapter(record.model, record.alias).IgnoreError();
    status = absl::DataLossError(absl::StrCat("the copy in ", record.store_path, " is version ",
                                              info->version, ", the catalog says ", record.version,
                                              ": unloaded"));
  }
  if (!status.ok()) {
    spdlog::error("adapter {}/{}: cannot be restored: {}", record.model, record.alias,
                  std::string(status.message()));
  }
  return status;
}

// What Restore left out because the model was not there.
absl::Status Hosting::RestoreAdaptersOf(ModelInfo& model) {
  ABSL_ASSIGN_OR_RETURN(const std::vector<AdapterRecord> records,
                        catalog_.ListAdapters(model.options.name));
  for (const AdapterRecord& record : records) {
    const absl::Status restored = RestoreAdapter(record);
    if (restored.ok()) continue;
    model.warnings.push_back(absl::StrCat("adapter \"", record.alias, "\" could not be restored: ",
                                          restored.message(), "; load it again with LoadAdapter"));
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------- changes

absl::StatusOr<ModelInfo> Hosting::LoadModel(LoadModelOptions options) {
  options = WithDefaults(std::move(options));
  const bool was_hosted = host_.GetModel(options.name).ok();
  absl::StatusOr<ModelInfo> info = host_.LoadModel(options);
  if (!info.ok()) return LoadError(info.status(), "MODEL_REJECTED", "PATH_NOT_FOUND");
  const absl::Status recorded = catalog_.PutModel(RecordOf(options));
  if (!recorded.ok()) {
    if (!was_hosted) host_.UnloadModel(options.name).IgnoreError();
    return Annotate(recorded, absl::StrCat("record model \"", options.name, "\""));
  }
  if (!was_hosted) LogLoaded(*info);
  bool was_unavailable = false;
  {
    absl::MutexLock lock(&mutex_);
    was_unavailable = unavailable_.erase(options.name) > 0;
  }
  if (was_unavailable) ABSL_RETURN_IF_ERROR(RestoreAdaptersOf(*info));
  return info;
}

absl::Status Hosting::UnloadModel(absl::string_view name) {
  const absl::Status status = host_.UnloadModel(name);
  bool was_unavailable = false;
  {
    absl::MutexLock lock(&mutex_);
    was_unavailable = unavailable_.erase(std::string(name)) > 0;
  }
  if (absl::IsNotFound(status) && !was_unavailable) return ModelNotFound(name, ListModels());
  if (absl::IsFailedPrecondition(status)) {
    return WithReason(status, "MODEL_IN_USE", {{"model", std::string(name)}});
  }
  if (!status.ok() && !was_unavailable) return status;
  const absl::Status forgotten = catalog_.DeleteModel(name);
  return absl::IsNotFound(forgotten) ? absl::OkStatus() : forgotten;
}

absl::StatusOr<LoadedAdapter> Hosting::LoadAdapter(const LoadAdapterOptions& options) {
  ABSL_RETURN_IF_ERROR(GetModel(options.model).status());
  LoadedAdapter loaded;
  loaded.previous_version = CurrentVersion(options.model, options.alias);
  absl::StatusOr<AdapterInfo> info = host_.LoadAdapter(options);
  if (!info.ok()) return LoadError(info.status(), "ADAPTER_REJECTED", "PATH_NOT_FOUND");
  loaded.info = *std::move(info);
  AdapterRecord record;
  record.model = options.model;
  record.alias = options.alias;
  record.version = loaded.info.version;
  record.nominal_target = options.nominal_target;
  record.source_path = options.path;
  record.store_path = StorePath(loaded.info.version);
  const absl::Status recorded = catalog_.PutAdapter(record);
  if (!recorded.ok()) {
    UndoLoad(options, loaded.previous_version);
    return Annotate(recorded, absl::StrCat("record adapter \"", options.alias, "\""));
  }
  LogLoaded(loaded.info);
  return loaded;
}

void Hosting::LogLoaded(const AdapterInfo& info) const {
  const absl::StatusOr<ModelInfo> model = host_.GetModel(info.model);
  const AdapterMemoryStats slots = model.ok() ? model->adapters : AdapterMemoryStats();
  spdlog::info(
      "adapter {}/{}: version {} published after {:.0f} ms, {} modules; {} adapters packed, {} "
      "of them in use, {} bytes; {} evictions and {} packed again since start",
      info.model, info.alias, info.version.substr(0, 12),
      absl::ToDoubleMilliseconds(info.load_time), info.report.modules.size(), slots.resident,
      slots.pinned, slots.bytes, slots.evictions, slots.repacks);
  for (const std::string& warning : info.report.warnings)
    spdlog::warn("adapter {}/{}: {}", info.model, info.alias, ToValidUtf8(warning));
}

void Hosting::LogLoaded(const ModelInfo& info) const {
  const EngineStats stats = StatsOf(info.options.name);
  spdlog::info(
      "model {}: {} from {}, {} parameters, loaded in {:.1f} s; {}, {}, {}; {} bytes of "
      "weights, {} bytes planned for a KV cache of {} tokens, {} slots, context {}, {} threads",
      info.options.name, info.architecture, info.options.path, info.parameters,
      absl::ToDoubleSeconds(info.load_time), info.numerics.device, info.numerics.dtype,
      info.numerics.mode, info.weight_bytes, info.kv_cache_bytes, stats.kv_tokens_capacity,
      info.options.max_batch, info.context_length, info.threads);
  for (const std::string& warning : info.warnings)
    spdlog::warn("model {}: {}", info.options.name, ToValidUtf8(warning));
}

// What could not be recorded is not published: the alias goes back to what it was.
void Hosting::UndoLoad(LoadAdapterOptions options, absl::string_view previous_version) {
  if (previous_version.empty()) {
    host_.UnloadAdapter(options.model, options.alias).IgnoreError();
    return;
  }
  const absl::StatusOr<AdapterRecord> record =
      catalog_.GetAdapterVersion(options.model, previous_version);
  options.path = StorePath(previous_version);
  options.nominal_target = record.ok() ? record->nominal_target : "";
  const absl::Status undone = host_.LoadAdapter(options).status();
  if (!undone.ok()) {
    spdlog::error("adapter {}/{}: cannot go back to version {}: {}", options.model, options.alias,
                  std::string(previous_version), std::string(undone.message()));
  }
}

absl::Status Hosting::UnloadAdapter(absl::string_view model, absl::string_view alias) {
  ABSL_RETURN_IF_ERROR(GetModel(model).status());
  const absl::Status status = host_.UnloadAdapter(model, alias);
  if (!status.ok()) {
    return absl::IsNotFound(status)
               ? WithReason(status, "ADAPTER_NOT_FOUND", {{"adapter", std::string(alias)}})
               : status;
  }
  const absl::Status forgotten = catalog_.DeleteAlias(model, alias);
  return absl::IsNotFound(forgotten) ? absl::OkStatus() : forgotten;
}

absl::Status Hosting::Collect() {
  ABSL_ASSIGN_OR_RETURN(std::vector<AdapterRecord> gone, catalog_.CollectAdapterVersions());
  if (gone.empty()) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(std::vector<ModelRecord> models, catalog_.ListModels());
  for (const AdapterRecord& record : gone) {
    // Another model may have the same content.
    const bool needed = std::any_of(models.begin(), models.end(), [&](const ModelRecord& model) {
      return catalog_.GetAdapterVersion(model.name, record.version).ok();
    });
    if (needed) continue;
    std::error_code error;
    std::filesystem::remove_all(StorePath(record.version), error);
    spdlog::info("adapter version {}: nothing needs it, its copy is removed", record.version);
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------- reading

EngineStats Hosting::StatsOf(absl::string_view model) const {
  for (const auto& [name, stats] : host_.Stats()) {
    if (model == absl::string_view(name)) return stats;
  }
  return EngineStats();
}

absl::StatusOr<ModelInfo> Hosting::GetModel(absl::string_view name) const {
  absl::StatusOr<ModelInfo> info = host_.GetModel(name);
  if (info.ok() || !absl::IsNotFound(info.status())) return info;
  absl::Status why;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = unavailable_.find(name);
    if (it != unavailable_.end()) why = it->second;
  }
  if (why.ok()) return ModelNotFound(name, ListModels());
  return WithReason(absl::UnavailableError(absl::StrCat("model \"", name,
                                                        "\" could not be restored: ", why.message(),
                                                        "; load it again with LoadModel")),
                    "MODEL_NOT_LOADED", {{"model", std::string(name)}});
}

absl::StatusOr<std::vector<AdapterInfo>> Hosting::ListAdapters(absl::string_view model) const {
  if (!model.empty()) ABSL_RETURN_IF_ERROR(GetModel(model).status());
  std::vector<AdapterInfo> adapters = host_.ListAdapters(model);
  for (AdapterInfo& adapter : adapters) adapter = WithSource(std::move(adapter));
  return adapters;
}

absl::StatusOr<AdapterInfo> Hosting::GetAdapter(absl::string_view model,
                                                absl::string_view alias) const {
  ABSL_ASSIGN_OR_RETURN(std::vector<AdapterInfo> adapters, ListAdapters(model));
  std::vector<std::string> names;
  for (AdapterInfo& adapter : adapters) {
    if (adapter.alias == alias || adapter.version == alias) return std::move(adapter);
    if (!adapter.alias.empty()) names.push_back(adapter.alias);
  }
  return WithReason(absl::NotFoundError(absl::StrCat("model \"", model, "\" has no adapter \"",
                                                     alias, "\"", NamesInstead(alias, names))),
                    "ADAPTER_NOT_FOUND", {{"adapter", std::string(alias)}});
}

std::string Hosting::CurrentVersion(absl::string_view model, absl::string_view alias) const {
  for (const AdapterInfo& adapter : host_.ListAdapters(model)) {
    if (adapter.alias == alias) return adapter.version;
  }
  return "";
}

void Hosting::Remember(absl::string_view version, absl::string_view source_path) {
  absl::MutexLock lock(&mutex_);
  sources_[std::string(version)] = std::string(source_path);
}

AdapterInfo Hosting::WithSource(AdapterInfo info) const {
  if (info.source_path != StorePath(info.version)) return info;
  absl::MutexLock lock(&mutex_);
  const auto it = sources_.find(info.version);
  if (it != sources_.end()) info.source_path = it->second;
  return info;
}

// ---------------------------------------------------------------- pinning

absl::StatusOr<std::shared_ptr<LanguageModel>> Hosting::Pin(absl::string_view model,
                                                            absl::string_view adapter) {
  absl::StatusOr<std::shared_ptr<LanguageModel>> pinned = host_.Pin(model, adapter);
  if (absl::IsResourceExhausted(pinned.status())) {
    return WithReason(pinned.status(), "ADAPTER_SLOTS_IN_USE", {{"adapter", std::string(adapter)}});
  }
  if (pinned.ok() || !absl::IsNotFound(pinned.status())) return pinned;
  ABSL_RETURN_IF_ERROR(GetModel(model).status());
  if (IsSha256Hex(adapter)) {
    const absl::StatusOr<AdapterRecord> record = catalog_.GetAdapterVersion(model, adapter);
    if (record.ok()) return PinStoredVersion(*record);
    if (!absl::IsNotFound(record.status())) return record.status();
  }
  return WithReason(pinned.status(), "ADAPTER_NOT_FOUND", {{"adapter", std::string(adapter)}});
}

// The engine loads under an alias only: a passing one, which goes as soon as the version is held.
absl::StatusOr<std::shared_ptr<LanguageModel>> Hosting::PinStoredVersion(
    const AdapterRecord& record) {
  Remember(record.version, record.source_path);
  LoadAdapterOptions options;
  options.model = record.model;
  options.alias = absl::StrCat("restoring.", record.version.substr(0, 16));
  options.path = record.store_path;
  options.nominal_target = record.nominal_target;
  const absl::StatusOr<AdapterInfo> info = host_.LoadAdapter(options);
  if (!info.ok()) {
    return WithReason(Annotate(info.status(), absl::StrCat("adapter version ", record.version)),
                      "ADAPTER_NOT_FOUND", {{"adapter", record.version}});
  }
  const absl::StatusOr<std::shared_ptr<LanguageModel>> holder =
      host_.Pin(record.model, options.alias);
  host_.UnloadAdapter(record.model, options.alias).IgnoreError();
  ABSL_RETURN_IF_ERROR(holder.status());
  return host_.Pin(record.model, record.version);
}

}  // namespace plumbline
