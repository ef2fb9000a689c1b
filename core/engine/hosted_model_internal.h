// One loaded model: its prompt encoder, its device engine, its adapters, and the handles that pin
// them.
//
// Three threads serve it: "prepare" renders and tokenises prompts, the device thread computes,
// "deliver" runs callbacks. A slow callback or a long prompt never holds up the device.
//
// Island-internal.
#ifndef PLUMBLINE_CORE_ENGINE_HOSTED_MODEL_INTERNAL_H_
#define PLUMBLINE_CORE_ENGINE_HOSTED_MODEL_INTERNAL_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/engine/adapter_registry_internal.h"
#include "core/engine/device_engine_internal.h"
#include "core/engine/engine_host.h"
#include "core/engine/prompt_encoder.h"
#include "core/engine/serial_executor.h"
#include "core/lora/target_module.h"
#include "core/weights/checkpoint_internal.h"

namespace plumbline {

// Thread-safe.
class HostedModel : public std::enable_shared_from_this<HostedModel> {
 public:
  // Reads everything; seconds. Errors as ModelHost::LoadModel.
  static absl::StatusOr<std::shared_ptr<HostedModel>> Load(const LoadModelOptions& options,
                                                           const EngineHostOptions& host,
                                                           const Clock& clock);
  ~HostedModel();

  const ModelInfo& info() const { return info_; }
  const LoadModelOptions& requested() const { return requested_; }
  EngineStats stats() const { return engine_->stats(); }
  int pins() const { return pins_.load(); }
  // Ends all threads; calls under way get Unavailable. Idempotent.
  void Stop();

  absl::StatusOr<AdapterInfo> LoadAdapter(const LoadAdapterOptions& options);
  absl::Status UnloadAdapter(absl::string_view alias);
  std::vector<AdapterInfo> ListAdapters() const { return adapters_.List(); }
  // NotFound lists the aliases there are.
  absl::StatusOr<std::shared_ptr<LanguageModel>> Pin(absl::string_view adapter);

 private:
  friend class PinnedModel;
  HostedModel(const LoadModelOptions& requested, const EngineHostOptions& host, const Clock& clock)
      : requested_(requested), host_(host), clock_(clock) {}
  absl::Status Open();
  absl::StatusOr<std::shared_ptr<const AdapterVersionEntry>> Admit(const LoraAdapter& adapter);
  // Logits of the canary prompt's last token.
  absl::StatusOr<std::vector<float>> CanaryLogits(const LoraWeights* adapter);
  absl::Status Prove(const LoraWeights& weights, AdmissionReport& report);
  absl::Status CopyToStore(const std::string& path, const std::string& version);

  const LoadModelOptions requested_;
  const EngineHostOptions host_;
  const Clock& clock_;
  ModelInfo info_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::vector<TargetModule> modules_;
  std::unique_ptr<const PromptEncoder> encoder_;
  std::vector<int32_t> canary_;
  std::atomic<int> pins_{0};
  AdapterRegistry adapters_;
  SerialExecutor prepare_;
  SerialExecutor deliver_;
  std::unique_ptr<DeviceEngine> engine_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_HOSTED_MODEL_INTERNAL_H_
