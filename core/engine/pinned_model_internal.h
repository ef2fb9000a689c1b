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
  template <typename Result>
  using Done = std::function<void(absl::StatusOr<Result>)>;

  // `adapter` and `weights`: null for the base.
  PinnedModel(std::shared_ptr<HostedModel> model,
              std::shared_ptr<const AdapterVersionEntry> adapter,
              std::shared_ptr<const LoraWeights> weights, ModelIdentity identity);
  ~PinnedModel() override;

  const ModelIdentity& identity() const override { return identity_; }
  void Generate(GenerateCall call, Done<Generation> done) override;
  void LogLikelihoods(LogLikelihoodCall call, Done<std::vector<LogLikelihood>> done) override;
  void Score(ScoreCall call, Done<std::vector<TokenScore>> done) override;

 private:
  // Runs `prepare` off the caller's thread and submits the request that it makes of the call, or
  // ends the call with its error. `done` is called on the deliver thread. Prepare:
  // StatusOr<unique_ptr<Request>>(const HostedModel&, const Call&, Done<Result>, Deliver).
  template <typename Result, typename Call, typename Prepare>
  void Start(Call call, Done<Result> done, Prepare prepare);

  const std::shared_ptr<HostedModel> model_;
  const std::shared_ptr<const AdapterVersionEntry> adapter_;
  const std::shared_ptr<const LoraWeights> weights_;  // held here, they are not evicted
  const ModelIdentity identity_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_PINNED_MODEL_INTERNAL_H_
