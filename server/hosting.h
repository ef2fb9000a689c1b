// What the server hosts, kept the same in two places: the engine has it in memory, the catalog
// remembers it for the next process. Every change goes through here: first the engine (it may
// refuse), then the catalog.
//
// It also pins: a version that is not in memory any more but whose copy lies in the store (a job of
// the last process pinned it before its alias moved on) is loaded again when it is asked for.
#ifndef PLUMBLINE_SERVER_HOSTING_H_
#define PLUMBLINE_SERVER_HOSTING_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/engine/model_host.h"
#include "core/jobs/catalog.h"

namespace plumbline {

struct HostingOptions {
  // Taken where a request leaves them open.
  std::string dtype = "auto";
  std::string device = "cpu";
  int max_batch = 0;
  int64_t kv_cache_bytes = 0;
  // Where the engine keeps its copies of adapters: <adapter_store>/<version>/.
  std::string adapter_store;
};

struct LoadedAdapter {
  AdapterInfo info;
  std::string previous_version;  // what the alias pointed to before; empty: nothing
};

// Reading and Pin are thread-safe. The changing calls (Restore, Load*, Unload*, Collect) come from
// one thread at a time, so that engine and catalog see them in one order: the services run them on
// an executor of one thread. Errors carry reasons (docs/api.md).
class Hosting : public ModelProvider {
 public:
  // `host` and `catalog` must outlive it.
  Hosting(ModelHost& host, Catalog& catalog, HostingOptions options);

  // Brings back what the catalog lists, reconciled with what the command line asks for: the command
  // line wins, with a line in the log. What only the catalog asks for and cannot be loaded is
  // logged and left out; jobs that need it wait. An error of the command line's own is returned.
  absl::Status Restore(const std::vector<LoadModelOptions>& models,
                       const std::vector<LoadAdapterOptions>& adapters);

  // A model that could not be restored comes back with its adapters of the catalog; the warnings
  // name those that cannot.
  absl::StatusOr<ModelInfo> LoadModel(LoadModelOptions options);
  absl::Status UnloadModel(absl::string_view name);
  absl::StatusOr<LoadedAdapter> LoadAdapter(const LoadAdapterOptions& options);
  absl::Status UnloadAdapter(absl::string_view model, absl::string_view alias);
  // Removes copies of versions that no alias and no unfinished job needs.
  absl::Status Collect();

  std::vector<ModelInfo> ListModels() const { return host_.ListModels(); }
  absl::StatusOr<ModelInfo> GetModel(absl::string_view name) const;
  // As of now; all 0 for a model that is not hosted.
  EngineStats StatsOf(absl::string_view model) const;
  // Of one model (NotFound if there is none of that name), or of all when `model` is empty.
  absl::StatusOr<std::vector<AdapterInfo>> ListAdapters(absl::string_view model) const;
  // By alias or version.
  absl::StatusOr<AdapterInfo> GetAdapter(absl::string_view model, absl::string_view alias) const;

  // NotFound (MODEL_NOT_FOUND, ADAPTER_NOT_FOUND). Unavailable (MODEL_NOT_LOADED) for a model that
  // the catalog has but that could not be restored. May load a version: blocks.
  absl::StatusOr<std::shared_ptr<LanguageModel>> Pin(absl::string_view model,
                                                     absl::string_view adapter) override;

 private:
  LoadModelOptions WithDefaults(LoadModelOptions options) const;
  absl::Status RestoreModels(const std::vector<LoadModelOptions>& flags);
  absl::Status RestoreAdapters(const std::vector<LoadAdapterOptions>& flags);
  absl::Status RestoreAdapter(const AdapterRecord& record);
  absl::Status RestoreAdaptersOf(ModelInfo& model);
  absl::StatusOr<std::shared_ptr<LanguageModel>> PinStoredVersion(const AdapterRecord& record);
  void UndoLoad(LoadAdapterOptions options, absl::string_view previous_version);
  void LogLoaded(const AdapterInfo& info) const;
  void LogLoaded(const ModelInfo& info) const;
  std::string CurrentVersion(absl::string_view model, absl::string_view alias) const;
  std::string StorePath(absl::string_view version) const;
  void Remember(absl::string_view version, absl::string_view source_path);
  AdapterInfo WithSource(AdapterInfo info) const;

  ModelHost& host_;
  Catalog& catalog_;
  const HostingOptions options_;
  mutable absl::Mutex mutex_;
  // Why a model of the catalog is not there, by name.
  std::map<std::string, absl::Status, std::less<>> unavailable_ ABSL_GUARDED_BY(mutex_);
  // Where versions that were loaded from the store came from at first.
  std::map<std::string, std::string, std::less<>> sources_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_HOSTING_H_
