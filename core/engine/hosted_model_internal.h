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
#include "core/engine/adapter_slots_internal.h"
#include "core/engine/adapter_store.h"
#include "core/engine/canary_internal.h"
#include "core/engine/device_engine_internal.h"
#include "core/engine/engine_host.h"
#include "core/engine/prompt_encoder.h"
#include "core/engine/serial_executor.h"
#include "core/lora/lora_adapter_internal.h"
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

  ModelInfo info() const;
  const LoadModelOptions& requested() const { return requested_; }
  EngineStats stats() const;
  int pins() const { return pins_.load(); }
  // Counts as a pin while it is held.
  std::shared_ptr<const void> HoldPin();
  // Ends all threads; calls under way get Unavailable. Idempotent.
  void Stop();

  absl::StatusOr<AdapterInfo> LoadAdapter(const LoadAdapterOptions& options);
  absl::Status UnloadAdapter(absl::string_view alias);
  std::vector<AdapterInfo> ListAdapters() const { return adapters_.List(); }
  // NotFound lists the aliases there are. ResourceExhausted: no slot for the adapter's weights. May
  // pack them: blocks.
  absl::StatusOr<std::shared_ptr<LanguageModel>> Pin(absl::string_view adapter);

 private:
  friend class PinnedModel;
  HostedModel(const LoadModelOptions& requested, const EngineHostOptions& host, const Clock& clock)
      : requested_(requested), host_(host), clock_(clock) {}
  absl::Status Open();
  using Entry = std::shared_ptr<const AdapterVersionEntry>;
  absl::StatusOr<std::shared_ptr<const LoraAdapter>> Check(AdapterBytes files,
                                                           const std::string& path) const;
  absl::StatusOr<AdapterSlots::Weights> Pack(const LoraAdapter& adapter) const;
  // Reads and packs again what Admit has admitted before.
  absl::StatusOr<AdapterSlots::Weights> Repack(const AdapterVersionEntry& entry) const;
  absl::StatusOr<Entry> Admit(const LoraAdapter& adapter, const LoadAdapterOptions& options,
                              LoadPhases& phases);
  absl::Status Prove(const LoraAdapter& adapter, const LoraWeights& weights,
                     AdmissionReport& report) const;
  // The copy's folder; `path` where no copies are kept.
  absl::StatusOr<std::string> CopyToStore(const LoraAdapter& adapter, const std::string& path);

  const LoadModelOptions requested_;
  const EngineHostOptions host_;
  const Clock& clock_;
  ModelInfo info_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::vector<TargetModule> modules_;
  std::unique_ptr<const PromptEncoder> encoder_;
  std::atomic<int> pins_{0};
  std::unique_ptr<const AdapterStore> store_;  // null: adapters are not copied
  std::shared_ptr<AdapterSlots> slots_;
  AdapterRegistry adapters_;
  SerialExecutor prepare_;
  SerialExecutor deliver_;
  std::unique_ptr<DeviceEngine> engine_;
  std::unique_ptr<const Canary> canary_;  // after engine_, which it borrows
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_HOSTED_MODEL_INTERNAL_H_
