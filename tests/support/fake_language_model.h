// A LanguageModel, a ModelProvider and a Task for tests: deterministic, without a model.
#ifndef PLUMBLINE_TESTS_SUPPORT_FAKE_LANGUAGE_MODEL_H_
#define PLUMBLINE_TESTS_SUPPORT_FAKE_LANGUAGE_MODEL_H_

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/sha256.h"
#include "core/eval/language_model.h"

namespace plumbline {

// What all fake subjects of a provider share: how they answer, and the calls that wait.
class FakeEngine {
 public:
  // The answer of a subject to a prompt. Default: "<adapter or base>: <prompt>".
  using Answer = std::function<absl::StatusOr<Generation>(const ModelIdentity&,
                                                          const LanguageModel::GenerateCall&)>;

  // Held: calls wait for Release(). Otherwise each is answered inside the call.
  explicit FakeEngine(bool held = false) : held_(held) {}

  void set_answer(Answer answer) {
    absl::MutexLock lock(&mutex_);
    answer_ = std::move(answer);
  }

  // Answers up to `count` waiting calls in the order they came; returns how many.
  int Release(int count = 1 << 30) {
    int released = 0;
    for (; released < count; ++released) {
      std::function<void()> call;
      {
        absl::MutexLock lock(&mutex_);
        if (waiting_.empty()) return released;
        call = std::move(waiting_.front());
        waiting_.pop_front();
      }
      call();
    }
    return released;
  }

  int waiting() const {
    absl::MutexLock lock(&mutex_);
    return static_cast<int>(waiting_.size());
  }
  // "<adapter or base>/<prompt>" of every call, in order.
  std::vector<std::string> calls() const {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }
  int max_waiting() const {
    absl::MutexLock lock(&mutex_);
    return max_waiting_;
  }

  static std::string Name(const ModelIdentity& identity) {
    return identity.adapter_version.empty() ? "base" : identity.adapter;
  }

  // For subjects: records the call, and runs or queues it.
  void Call(const ModelIdentity& identity, const Prompt& prompt, std::function<void()> run) {
    {
      absl::MutexLock lock(&mutex_);
      calls_.push_back(absl::StrCat(Name(identity), "/", prompt.text));
      if (held_) {
        waiting_.push_back(std::move(run));
        max_waiting_ = std::max(max_waiting_, static_cast<int>(waiting_.size()));
        return;
      }
    }
    run();
  }

  absl::StatusOr<Generation> MakeAnswer(const ModelIdentity& identity,
                                        const LanguageModel::GenerateCall& call) {
    Answer answer;
    {
      absl::MutexLock lock(&mutex_);
      answer = answer_;
    }
    if (call.cancel != nullptr && call.cancel->cancelled()) {
      Generation cancelled;
      cancelled.finish_reason = FinishReason::kCancelled;
      return cancelled;
    }
    if (answer) return answer(identity, call);
    Generation generation;
    generation.text = absl::StrCat(Name(identity), ": ", call.prompt.text);
    generation.prompt_tokens = static_cast<int>(call.prompt.text.size());
    generation.completion_tokens = static_cast<int>(generation.text.size());
    return generation;
  }

 private:
  const bool held_;
  mutable absl::Mutex mutex_;
  Answer answer_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> calls_ ABSL_GUARDED_BY(mutex_);
  int max_waiting_ ABSL_GUARDED_BY(mutex_) = 0;
};

class FakeLanguageModel : public LanguageModel {
 public:
  FakeLanguageModel(ModelIdentity identity, std::shared_ptr<FakeEngine> engine)
      : identity_(std::move(identity)), engine_(std::move(engine)) {}

  const ModelIdentity& identity() const override { return identity_; }

  void Generate(GenerateCall call, std::function<void(absl::StatusOr<Generation>)> done) override {
    Prompt prompt = call.prompt;
    engine_->Call(identity_, prompt,
                  [engine = engine_, identity = identity_, call = std::move(call),
                   done = std::move(done)] { done(engine->MakeAnswer(identity, call)); });
  }

  // The likelihood of a continuation falls with its length; adapters see it reversed.
  void LogLikelihoods(
      LogLikelihoodCall call,
      std::function<void(absl::StatusOr<std::vector<LogLikelihood>>)> done) override {
    const double sign = identity_.adapter_version.empty() ? -1 : 1;
    engine_->Call(identity_, call.context, [call, sign, done = std::move(done)] {
      std::vector<LogLikelihood> scores;
      for (const std::string& continuation : call.continuations) {
        const double length = static_cast<double>(continuation.size());
        scores.push_back({sign * length - 1000, false, static_cast<int>(length)});
      }
      done(scores);
    });
  }

  void Score(ScoreCall,
             std::function<void(absl::StatusOr<std::vector<TokenScore>>)> done) override {
    done(absl::UnimplementedError("the fake model does not score"));
  }

 private:
  const ModelIdentity identity_;
  const std::shared_ptr<FakeEngine> engine_;
};

// One model, "tiny", with its base and the adapters a test publishes.
class FakeModelProvider : public ModelProvider {
 public:
  explicit FakeModelProvider(std::shared_ptr<FakeEngine> engine) : engine_(std::move(engine)) {
    absl::MutexLock lock(&mutex_);
    ModelIdentity base;
    base.model = "tiny";
    base.numerics = {"cpu", "float32", "batch_invariant"};
    by_version_[""] = base;
    by_alias_[""] = "";
  }

  // Points `alias` at the version of this content and returns the version.
  std::string Publish(const std::string& alias, const std::string& content,
                      const std::string& nominal_target = "") {
    absl::MutexLock lock(&mutex_);
    ModelIdentity identity = by_version_[""];
    identity.adapter = alias;
    identity.adapter_version = Sha256Hex(content);
    identity.nominal_target = nominal_target;
    by_version_[identity.adapter_version] = identity;
    by_alias_[alias] = identity.adapter_version;
    return identity.adapter_version;
  }
  // Takes the alias away; the version goes once nobody holds it, as in the engine.
  void Unpublish(const std::string& alias) {
    absl::MutexLock lock(&mutex_);
    by_alias_.erase(alias);
  }
  void set_dtype(const std::string& dtype) {
    absl::MutexLock lock(&mutex_);
    for (auto& [version, identity] : by_version_) identity.numerics.dtype = dtype;
    live_.clear();
  }
  void set_error(absl::Status error) {
    absl::MutexLock lock(&mutex_);
    error_ = std::move(error);
  }
  // Handles of this version that somebody holds.
  int pins(const std::string& version) const {
    absl::MutexLock lock(&mutex_);
    auto live = live_.find(version);
    return live == live_.end() ? 0 : static_cast<int>(live->second.use_count());
  }

  absl::StatusOr<std::shared_ptr<LanguageModel>> Pin(absl::string_view model,
                                                     absl::string_view adapter) override {
    absl::MutexLock lock(&mutex_);
    if (!error_.ok()) return error_;
    if (model != "tiny") {
      return absl::NotFoundError(absl::StrCat("no model \"", model, "\"; there is \"tiny\""));
    }
    std::string version(adapter);
    auto alias = by_alias_.find(version);
    if (alias != by_alias_.end()) version = alias->second;
    std::weak_ptr<LanguageModel>& live = live_[version];
    if (std::shared_ptr<LanguageModel> held = live.lock()) return held;
    bool published = false;
    for (const auto& [name, target] : by_alias_) published = published || target == version;
    if (!published) {
      return absl::NotFoundError(absl::StrCat("model \"tiny\" has no adapter \"", adapter, "\""));
    }
    std::shared_ptr<LanguageModel> made =
        std::make_shared<FakeLanguageModel>(by_version_.at(version), engine_);
    live = made;
    return made;
  }

 private:
  const std::shared_ptr<FakeEngine> engine_;
  mutable absl::Mutex mutex_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, ModelIdentity> by_version_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> by_alias_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::weak_ptr<LanguageModel>> live_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_SUPPORT_FAKE_LANGUAGE_MODEL_H_
