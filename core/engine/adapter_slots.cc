
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/names.h"
#include "core/base/status_macros.h"
#include "core/engine/adapter_slots_internal.h"

namespace plumbline {
namespace {

constexpr char kRemedy[] = "raise adapter-memory or max-resident-adapters";
constexpr size_t kNamesShown = 8;

}  // namespace

bool AdapterSlots::Fits(int64_t bytes, size_t without) const {
  return (max_bytes_ == 0 || bytes_ + bytes <= max_bytes_) &&
         (max_count_ == 0 || static_cast<int>(slots_.size() - without) < max_count_);
}

absl::Status AdapterSlots::TooLarge(absl::string_view name, int64_t bytes) const {
  if (max_bytes_ == 0 || bytes <= max_bytes_) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "adapter \"", name, "\" takes ", bytes, " bytes packed and all adapters together may take ",
      max_bytes_, ": raise adapter-memory"));
}

absl::Status AdapterSlots::MakeRoom(absl::string_view name, int64_t bytes, Slots& gone) {
  ABSL_RETURN_IF_ERROR(TooLarge(name, bytes));
  // Who gives way, least recently used first. Nobody can begin to hold weights while the mutex is
  // held: new holders come from here.
  std::vector<Slots::iterator> going;
  int64_t freed = 0;
  for (auto it = slots_.end(); !Fits(bytes - freed, going.size()) && it != slots_.begin();) {
    --it;
    if (it->weights.use_count() > 1) continue;
    freed += it->weights->bytes;
    going.push_back(it);
  }
  // Where that is not enough, nobody goes for nothing.
  if (!Fits(bytes - freed, going.size())) return AllHeld(name, bytes);
  for (const Slots::iterator slot : going) {
    bytes_ -= slot->weights->bytes;
    ++evictions_;
    by_key_.erase(slot->key);
    gone.splice(gone.begin(), slots_, slot);
  }
  return absl::OkStatus();
}

absl::Status AdapterSlots::AllHeld(absl::string_view name, int64_t bytes) const {
  std::vector<std::string> held;
  int64_t held_bytes = 0;
  for (const Slot& slot : slots_) {
    if (slot.weights.use_count() == 1) continue;
    held.push_back(slot.name);
    held_bytes += slot.weights->bytes;
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      "adapter \"", name, "\" needs a slot of ", bytes, " bytes and every slot is in use by a job ",
      "or a call (", held.size(), " adapters, ", held_bytes, " bytes: ",
      FirstNames(held, kNamesShown), "): wait until one of them has ended, or ", kRemedy));
}

void AdapterSlots::Keep(Key key, absl::string_view name, Weights weights) {
  bytes_ += weights->bytes;
  slots_.push_front({key, std::string(name), std::move(weights)});
  by_key_[key] = slots_.begin();
}

absl::StatusOr<AdapterSlots::Weights> AdapterSlots::Get(Key key, absl::string_view name,
                                                        int64_t bytes, Pack pack) {
  Slots gone;  // declared before the lock: freed after it
  {
    absl::MutexLock lock(&mutex_);
    for (;;) {
      if (const auto found = by_key_.find(key); found != by_key_.end()) {
        slots_.splice(slots_.begin(), slots_, found->second);
        return found->second->weights;
      }
      if (packing_ == nullptr) break;
      const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return packing_ == nullptr; };
      mutex_.Await(absl::Condition(&idle));
    }
    ABSL_RETURN_IF_ERROR(MakeRoom(name, bytes, gone));
    packing_ = key;
  }
  absl::StatusOr<Weights> weights = pack();
  absl::MutexLock lock(&mutex_);
  packing_ = nullptr;
  ABSL_RETURN_IF_ERROR(weights.status());
  ABSL_RETURN_IF_ERROR(MakeRoom(name, (*weights)->bytes, gone));
  ++repacks_;
  Keep(key, name, *weights);
  return weights;
}

absl::Status AdapterSlots::Offer(Key key, absl::string_view name, Weights weights) {
  Slots gone;
  absl::MutexLock lock(&mutex_);
  ABSL_RETURN_IF_ERROR(TooLarge(name, weights->bytes));
  if (by_key_.contains(key)) return absl::OkStatus();
  const absl::Status room = MakeRoom(name, weights->bytes, gone);
  if (room.ok()) Keep(key, name, std::move(weights));
  return absl::OkStatus();
}

void AdapterSlots::Forget(Key key) {
  Slots gone;
  absl::MutexLock lock(&mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  bytes_ -= found->second->weights->bytes;
  gone.splice(gone.begin(), slots_, found->second);
  by_key_.erase(found);
}

bool AdapterSlots::IsResident(Key key) const {
  absl::MutexLock lock(&mutex_);
  return by_key_.contains(key);
}

AdapterMemoryStats AdapterSlots::stats() const {
  absl::MutexLock lock(&mutex_);
  AdapterMemoryStats stats;
  stats.max_bytes = max_bytes_;
  stats.max_resident = max_count_;
  stats.resident = static_cast<int>(slots_.size());
  for (const Slot& slot : slots_) stats.pinned += slot.weights.use_count() > 1 ? 1 : 0;
  stats.bytes = bytes_;
  stats.evictions = evictions_;
  stats.repacks = repacks_;
  return stats;
}

}  // namespace plumbline
