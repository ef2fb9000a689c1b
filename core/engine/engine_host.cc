#include "core/engine/engine_host.h"

#include <ATen/Parallel.h>

#include <map>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/names.h"
#include "core/base/status_macros.h"
#include "core/engine/hosted_model_internal.h"

namespace plumbline {
namespace {

class EngineModelHost : public ModelHost {
 public:
  EngineModelHost(const EngineHostOptions& options, const Clock& clock)
      : options_(options), clock_(clock) {}

  ~EngineModelHost() override {
    std::map<std::string, std::shared_ptr<HostedModel>> models;
    {
      absl::MutexLock lock(&mutex_);
      models.swap(models_);
    }
    for (auto& [name, model] : models) model->Stop();
  }

  absl::StatusOr<ModelInfo> LoadModel(const LoadModelOptions& options) override {
    if (!IsLowerName(options.name)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "model name \"", options.name, "\": want [a-z0-9][a-z0-9_.-]*, 64 characters at most"));
    }
    {
      absl::MutexLock lock(&mutex_);
      // A second load of the same name waits for the first.
      const auto not_loading = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return !loading_.contains(options.name);
      };
      mutex_.Await(absl::Condition(&not_loading));
      if (const auto it = models_.find(options.name); it != models_.end()) {
        if (it->second->requested() == options) return it->second->info();
        return absl::AlreadyExistsError(
            absl::StrCat("model \"", options.name,
                         "\" is loaded from another path or with other options: unload it first"));
      }
      loading_.insert(options.name);
    }
    absl::StatusOr<std::shared_ptr<HostedModel>> model =
        HostedModel::Load(options, options_, clock_);
    absl::MutexLock lock(&mutex_);
    loading_.erase(options.name);
    if (!model.ok()) return model.status();
    models_[options.name] = *model;
    return (*model)->info();
  }

  absl::Status UnloadModel(absl::string_view name) override {
    std::shared_ptr<HostedModel> model;
    {
      absl::MutexLock lock(&mutex_);
      const auto it = models_.find(std::string(name));
      if (it == models_.end()) return Missing(name);
      if (it->second->pins() > 0) {
        return absl::FailedPreconditionError(
            absl::StrCat("model \"", name, "\" is in use by ", it->second->pins(), " holders"));
      }
      model = std::move(it->second);
      models_.erase(it);
    }
    model->Stop();
    return absl::OkStatus();
  }

  std::vector<ModelInfo> ListModels() const override {
    absl::MutexLock lock(&mutex_);
    std::vector<ModelInfo> list;
    for (const auto& [name, model] : models_) list.push_back(model->info());
    return list;
  }

  absl::StatusOr<ModelInfo> GetModel(absl::string_view name) const override {
    ABSL_ASSIGN_OR_RETURN(const std::shared_ptr<HostedModel> model, Find(name));
    return model->info();
  }

  absl::StatusOr<AdapterInfo> LoadAdapter(const LoadAdapterOptions& options) override {
    if (!IsAlias(options.alias)) {
      return absl::InvalidArgumentError(
          absl::StrCat("adapter alias \"", options.alias,
                       "\": want [A-Za-z0-9][A-Za-z0-9_.-]*, 64 characters at most"));
    }
    ABSL_ASSIGN_OR_RETURN(const std::shared_ptr<HostedModel> model, Find(options.model));
    return model->LoadAdapter(options);
  }

  absl::Status UnloadAdapter(absl::string_view model_name, absl::string_view alias) override {
    ABSL_ASSIGN_OR_RETURN(const std::shared_ptr<HostedModel> model, Find(model_name));
    return model->UnloadAdapter(alias);
  }

  std::vector<AdapterInfo> ListAdapters(absl::string_view model_name) const override {
    std::vector<AdapterInfo> list;
    for (const auto& [name, model] : Models()) {
      if (!model_name.empty() && model_name != absl::string_view(name)) continue;
      std::vector<AdapterInfo> more = model->ListAdapters();
      list.insert(list.end(), std::make_move_iterator(more.begin()),
                  std::make_move_iterator(more.end()));
    }
    return list;
  }

  std::vector<std::pair<std::string, EngineStats>> Stats() const override {
    std::vector<std::pair<std::string, EngineStats>> list;
    for (const auto& [name, model] : Models()) list.emplace_back(name, model->stats());
    return list;
  }

  absl::StatusOr<std::shared_ptr<LanguageModel>> Pin(absl::string_view model_name,
                                                     absl::string_view adapter) override {
    std::shared_ptr<HostedModel> model;
    std::shared_ptr<const void> hold;
    {
      // Under the lock: a model that is being unloaded cannot be pinned any more.
      absl::MutexLock lock(&mutex_);
      const auto it = models_.find(std::string(model_name));
      if (it == models_.end()) return Missing(model_name);
      model = it->second;
      hold = model->HoldPin();
    }
    return model->Pin(adapter);
  }

 private:
  std::map<std::string, std::shared_ptr<HostedModel>> Models() const {
    absl::MutexLock lock(&mutex_);
    return models_;
  }

  absl::StatusOr<std::shared_ptr<HostedModel>> Find(absl::string_view name) const {
    absl::MutexLock lock(&mutex_);
    const auto it = models_.find(std::string(name));
    if (it == models_.end()) return Missing(name);
    return it->second;
  }

  absl::Status Missing(absl::string_view name) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    std::vector<std::string> names;
    for (const auto& [known, model] : models_) names.push_back(known);
    return absl::NotFoundError(
        absl::StrCat("no model \"", name, "\" is loaded", NamesInstead(name, names)));
  }

  const EngineHostOptions options_;
  const Clock& clock_;
  mutable absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<HostedModel>> models_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> loading_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<ModelHost> CreateEngineHost(const EngineHostOptions& options, const Clock& clock) {
  // LibTorch only helps to load. The decoder has threads of its own, which LibTorch's would
  // disturb: they spin for a while after each operation.
  at::set_num_threads(1);
  return std::make_unique<EngineModelHost>(options, clock);
}

}  // namespace plumbline
