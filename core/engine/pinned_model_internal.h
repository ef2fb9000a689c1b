// The engine's LanguageModel: a model and one adapter version, held.
//
// Island-internal.
#ifndef PLUMBLINE_CORE_ENGINE_PINNED_MODEL_INTERNAL_H_
#define PLUMBLINE_CORE_ENGINE_PINNED_MODEL_INTERNAL_H_

#include <functional>
#include <memory>
#include <vector>

#include "core/engine/hosted_model_internal.h"
#include "core/eval/language_model.h"

namespace plumbline {

class PinnedModel : public LanguageModel {
 public:
  // `adapter` and `weights`: null for the base.
  PinnedModel(std::shared_ptr<HostedModel> model,
              std::shared_ptr<const AdapterVersionEntry> adapter,
              std::shared_ptr<const LoraWeights> weights, ModelIdentity identity);
  ~PinnedModel() override;

  const ModelIdentity& identity() const override { return identity_; }
  void Generate(GenerateCall call, std::function<void(absl::StatusOr<Generation>)> done) override;
  void LogLikelihoods(
      LogLikelihoodCall call,
      std::function<void(absl::StatusOr<std::vector<LogLikelihood>>)> done) override;
  void Score(ScoreCall call,
             std::function<void(absl::StatusOr<std::vector<TokenScore>>)> done) override;

 private:
  // Runs `prepare` (which makes the request or fails) off the caller's thread and submits the
  // result; a failure goes to `fail` on the deliver thread.
  void Start(std::function<absl::StatusOr<std::unique_ptr<Request>>()> prepare,
             std::shared_ptr<const CancelToken> cancel, CallOrigin origin,
             std::function<void(absl::Status)> fail);

  const std::shared_ptr<HostedModel> model_;
  const std::shared_ptr<const AdapterVersionEntry> adapter_;
  const std::shared_ptr<const LoraWeights> weights_;  // held here, they are not evicted
  const ModelIdentity identity_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_PINNED_MODEL_INTERNAL_H_
