// A ModelHost for tests: no model, but the bookkeeping of one. A "checkpoint" is any folder with a
// file config.json; an "adapter" any folder with adapter_config.json, named by that file's SHA-256.
// An adapter whose file holds "bad tensor" is refused. Copies go to the adapter store as in the
// engine.
#ifndef PLUMBLINE_TESTS_SUPPORT_FAKE_MODEL_HOST_H_
#define PLUMBLINE_TESTS_SUPPORT_FAKE_MODEL_HOST_H_

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/engine/model_host.h"
#include "tests/support/fake_language_model.h"

namespace plumbline {

// FakeLanguageModel with scores: one token a byte, its log-probability -(byte % 7) - 0.5.
class ScoringFakeModel : public FakeLanguageModel {
 public:
  ScoringFakeModel(ModelIdentity identity, std::shared_ptr<FakeEngine> engine)
      : FakeLanguageModel(std::move(identity), std::move(engine)) {}

  void Score(ScoreCall call,
             std::function<void(absl::StatusOr<std::vector<TokenScore>>)> done) override {
    std::vector<TokenScore> tokens;
    for (size_t i = 0; i < call.text.size(); ++i) {
      TokenScore token;
      token.id = static_cast<unsigned char>(call.text[i]);
      token.text = call.text.substr(i, 1);
      token.has_log_probability = i > 0;
      token.log_probability = -(token.id % 7) - 0.5;
      for (int k = 0; k < call.top; ++k) token.top.push_back({k, "t", -0.1 * k});
      tokens.push_back(std::move(token));
    }
    done(std::move(tokens));
  }
};

class FakeModelHost : public ModelHost {
 public:
  explicit FakeModelHost(std::shared_ptr<FakeEngine> engine, std::string adapter_store = "")
      : engine_(std::move(engine)), adapter_store_(std::move(adapter_store)) {}

  absl::StatusOr<ModelInfo> LoadModel(const LoadModelOptions& options) override {
    if (!std::filesystem::exists(options.path)) {
      return absl::NotFoundError(absl::StrCat(options.path, ": no such directory"));
    }
    if (!std::filesystem::exists(options.path + "/config.json")) {
      return absl::InvalidArgumentError(absl::StrCat(options.path, ": config.json is missing"));
    }
    absl::MutexLock lock(&mutex_);
    const auto it = models_.find(options.name);
    if (it != models_.end()) {
      if (it->second.options.path == options.path) return it->second;
      return absl::AlreadyExistsError(
          absl::StrCat("\"", options.name, "\" hosts ", it->second.options.path));
    }
    ModelInfo info;
    info.options = options;
    info.architecture = "FakeForCausalLM";
    info.version = Sha256Hex(options.path);
    info.parameters = 7;
    info.context_length = 1024;
    if (info.options.max_batch == 0) info.options.max_batch = 4;
    info.has_chat_template = false;
    info.numerics = {"cpu", "float32", "batch_invariant"};
    models_[options.name] = info;
    return info;
  }

  absl::Status UnloadModel(absl::string_view name) override {
    absl::MutexLock lock(&mutex_);
    if (models_.count(std::string(name)) == 0) return NoModel(name);
    for (const auto& [key, live] : live_) {
      if (key.first == name && !live.expired()) {
        return absl::FailedPreconditionError(absl::StrCat("model \"", name, "\" is in use"));
      }
    }
    models_.erase(std::string(name));
    return absl::OkStatus();
  }

  std::vector<ModelInfo> ListModels() const override {
    absl::MutexLock lock(&mutex_);
    std::vector<ModelInfo> models;
    for (const auto& [name, info] : models_) models.push_back(info);
    return models;
  }

  absl::StatusOr<ModelInfo> GetModel(absl::string_view name) const override {
    absl::MutexLock lock(&mutex_);
    const auto it = models_.find(std::string(name));
    if (it == models_.end()) return NoModel(name);
    return it->second;
  }

  absl::StatusOr<AdapterInfo> LoadAdapter(const LoadAdapterOptions& options) override {
    ++load_calls_;
    const std::string file = options.path + "/adapter_config.json";
    ABSL_ASSIGN_OR_RETURN(const std::string version, Sha256HexOfFile(file));
    if (version == Sha256Hex("bad tensor")) {
      return absl::InvalidArgumentError(absl::StrCat(
          "load adapter \"", options.alias, "\": q_proj.lora_A: shape [8,4096], want [r,2048]"));
    }
    if (!adapter_store_.empty()) {
      const std::string copy = absl::StrCat(adapter_store_, "/", version);
      std::error_code error;
      if (copy != options.path) {
        std::filesystem::copy(
            options.path, copy,
            std::filesystem::copy_options::recursive | std::filesystem::copy_options::skip_existing,
            error);
      }
    }
    absl::MutexLock lock(&mutex_);
    if (models_.count(options.model) == 0) return NoModel(options.model);
    AdapterInfo info;
    info.model = options.model;
    info.alias = options.alias;
    info.version = version;
    info.nominal_target = options.nominal_target;
    info.source_path = options.path;
    info.loaded_at = absl::UnixEpoch();
    info.report.version = version;
    info.report.tensors_in_file = info.report.tensors_applied = 2;
    info.report.modules.push_back(
        {"model.layers.0.self_attn.q_proj", 4, 8, 2, 16, 16, AppliedKind::kLinear, 0.5});
    info.report.canary_max_abs_logit_change = 0.25;
    info.report.base_restored_bitwise = true;
    adapters_[{options.model, options.alias}] = info;
    return info;
  }

  // Calls of LoadAdapter so far.
  int load_calls() const { return load_calls_; }

  absl::Status UnloadAdapter(absl::string_view model, absl::string_view alias) override {
    absl::MutexLock lock(&mutex_);
    if (adapters_.erase({std::string(model), std::string(alias)}) > 0) return absl::OkStatus();
    return absl::NotFoundError(
        absl::StrCat("model \"", model, "\" has no adapter \"", alias, "\""));
  }

  std::vector<AdapterInfo> ListAdapters(absl::string_view model) const override {
    absl::MutexLock lock(&mutex_);
    std::vector<AdapterInfo> adapters;
    for (const auto& [key, info] : adapters_) {
      if (model.empty() || key.first == model) adapters.push_back(info);
    }
    return adapters;
  }

  absl::StatusOr<std::shared_ptr<LanguageModel>> Pin(absl::string_view model,
                                                     absl::string_view adapter) override {
    absl::MutexLock lock(&mutex_);
    const auto found = models_.find(std::string(model));
    if (found == models_.end()) return NoModel(model);
    ModelIdentity identity;
    identity.model = std::string(model);
    identity.numerics = found->second.numerics;
    identity.model_version = found->second.version;
    std::string version;
    for (const auto& [key, info] : adapters_) {
      if (key.first != model || (info.alias != adapter && info.version != adapter)) continue;
      identity.adapter = info.alias;
      identity.adapter_version = version = info.version;
      identity.nominal_target = info.nominal_target;
    }
    if (version.empty()) version = std::string(adapter);  // the base, or a version that is held
    std::weak_ptr<LanguageModel>& live = live_[{identity.model, version}];
    if (std::shared_ptr<LanguageModel> held = live.lock()) return held;
    if (!adapter.empty() && identity.adapter_version.empty()) {
      return absl::NotFoundError(
          absl::StrCat("model \"", model, "\" has no adapter \"", adapter, "\""));
    }
    std::shared_ptr<LanguageModel> made =
        std::make_shared<ScoringFakeModel>(std::move(identity), engine_);
    live = made;
    return made;
  }

  std::vector<std::pair<std::string, EngineStats>> Stats() const override {
    absl::MutexLock lock(&mutex_);
    std::vector<std::pair<std::string, EngineStats>> stats;
    for (const auto& [name, info] : models_) stats.push_back({name, EngineStats()});
    return stats;
  }

 private:
  using Key = std::pair<std::string, std::string>;

  static absl::Status NoModel(absl::string_view name) {
    return absl::NotFoundError(absl::StrCat("no model \"", name, "\""));
  }

  const std::shared_ptr<FakeEngine> engine_;
  const std::string adapter_store_;
  std::atomic<int> load_calls_{0};
  mutable absl::Mutex mutex_;
  std::map<std::string, ModelInfo> models_ ABSL_GUARDED_BY(mutex_);
  std::map<Key, AdapterInfo> adapters_ ABSL_GUARDED_BY(mutex_);               // by (model, alias)
  std::map<Key, std::weak_ptr<LanguageModel>> live_ ABSL_GUARDED_BY(mutex_);  // by (model, version)
};

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_SUPPORT_FAKE_MODEL_HOST_H_
