// The packed weights of adapters that are ready to compute, within a budget: slots, taken from
// whoever was used least recently.
//
// Any number of versions may be known (adapter_registry_internal.h keeps their reports); their
// files lie in the store, and only so many are packed at once. Weights that somebody holds besides
// the slots (a pinned subject, a sequence under way) are never evicted: their shared_ptr says so.
// Evicted weights come back by packing the version's files again, whose digest is its name.
//
// Island-internal.
#ifndef PLUMBLINE_CORE_ENGINE_ADAPTER_SLOTS_INTERNAL_H_
#define PLUMBLINE_CORE_ENGINE_ADAPTER_SLOTS_INTERNAL_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/engine/model_host.h"
#include "core/model/lora_weights_internal.h"

namespace plumbline {

// Thread-safe. While weights are packed, they exist beyond the budget: one adapter at a time.
class AdapterSlots {
 public:
  using Weights = std::shared_ptr<const LoraWeights>;
  using Pack = absl::FunctionRef<absl::StatusOr<Weights>()>;
  // Names an entry of the registry, not a version: the same version admitted again is another one.
  using Key = const void*;

  // Each 0: no bound.
  AdapterSlots(int64_t max_bytes, int max_count) : max_bytes_(max_bytes), max_count_(max_count) {}

  // The weights, which stay while the result is held; packed by `pack` when they are not here.
  // ResourceExhausted: too many others are held. `bytes`: what they take, known from the first
  // time. One caller packs, others wait for it.
  absl::StatusOr<Weights> Get(Key key, absl::string_view name, int64_t bytes, Pack pack)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Keeps freshly packed weights if there is room. ResourceExhausted: there could never be, because
  // they are larger than the whole budget.
  absl::Status Offer(Key key, absl::string_view name, Weights weights) ABSL_LOCKS_EXCLUDED(mutex_);

  // The entry has gone: its weights go with their last holder.
  void Forget(Key key) ABSL_LOCKS_EXCLUDED(mutex_);

  bool IsResident(Key key) const ABSL_LOCKS_EXCLUDED(mutex_);
  AdapterMemoryStats stats() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Slot {
    Key key;
    std::string name;  // for errors
    Weights weights;
  };
  using Slots = std::list<Slot>;

  // Evicts until `bytes` more fit; nothing where that cannot be. What is evicted is moved to
  // `gone`, to be freed without the lock.
  absl::Status MakeRoom(absl::string_view name, int64_t bytes, Slots& gone)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status TooLarge(absl::string_view name, int64_t bytes) const;
  absl::Status AllHeld(absl::string_view name, int64_t bytes) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Whether `bytes` more fit when `without` slots have gone.
  bool Fits(int64_t bytes, size_t without) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void Keep(Key key, absl::string_view name, Weights weights) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int64_t max_bytes_;
  const int max_count_;
  mutable absl::Mutex mutex_;
  Slots slots_ ABSL_GUARDED_BY(mutex_);  // front: used last
  absl::flat_hash_map<Key, Slots::iterator> by_key_ ABSL_GUARDED_BY(mutex_);
  Key packing_ ABSL_GUARDED_BY(mutex_) = nullptr;
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t evictions_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t repacks_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_ADAPTER_SLOTS_INTERNAL_H_
