// The proof, on the device, that an adapter does something and leaves the base alone.
//
// One step computes a short prompt with the adapter and without, side by side: the adapter's logits
// must differ, and the base's must have the bits they had before any adapter came. Such a step
// costs what reading the base's weights costs, if it has few rows; so the proof begins with a
// glance: the prompt's first two tokens (of one alone, queries and keys change nothing) and the
// first logits (the head is a good part of a small model), all of them where the adapter changes
// the head. Only what shows nothing at a glance gets the whole prompt and all logits, and is
// refused when they show nothing either.
//
// Island-internal.
#ifndef PLUMBLINE_CORE_ENGINE_CANARY_INTERNAL_H_
#define PLUMBLINE_CORE_ENGINE_CANARY_INTERNAL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/engine/device_engine_internal.h"
#include "core/engine/model_host.h"
#include "core/model/lora_weights_internal.h"

namespace plumbline {

// Thread-safe.
class Canary {
 public:
  // Rows that a step must be able to hold, for a prompt of `tokens`.
  static constexpr int64_t StepRows(int64_t tokens) { return 2 * tokens + kGlanceTokens; }

  // Computes the base's logits. `engine` is borrowed. `prompt`: not empty, ids of the model.
  static absl::StatusOr<std::unique_ptr<const Canary>> Make(DeviceEngine& engine,
                                                            std::vector<int32_t> prompt,
                                                            size_t glance = kGlanceTokens,
                                                            int64_t glance_logits = 16384);

  // Fills in the report's two figures of the canary. `trained`: a token whose embedding the adapter
  // trained; it is read, since without it nothing would change. InvalidArgument: the logits do not
  // change, or are not finite. Internal: the base's changed. Waits for the step under way.
  absl::Status Prove(const LoraWeights& weights, std::optional<int32_t> trained,
                     AdmissionReport& report) const;

  // [V], of the base after the glance.
  const std::vector<float>& base_logits() const { return base_; }

 private:
  static constexpr int64_t kGlanceTokens = 2;
  using Prompt = std::vector<int32_t>;
  struct Row {
    const Prompt* prompt;
    const LoraWeights* adapter;  // null: the base
  };

  Canary(DeviceEngine& engine, Prompt prompt, size_t glance, int64_t glance_logits);
  // The first `columns` logits after the last token of each row, one after the other. In sequences
  // of their own, with blocks that are not the cache's: the proof works when the cache is full.
  absl::StatusOr<std::vector<float>> Logits(absl::Span<const Row> rows, int64_t columns) const;

  DeviceEngine& engine_;
  const Prompt prompt_;
  const Prompt glance_;
  const int64_t glance_logits_;
  std::vector<float> base_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_CANARY_INTERNAL_H_
