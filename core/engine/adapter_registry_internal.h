// Which adapter versions are known and which alias points where.
//
// An adapter version is immutable. Publishing swaps one pointer under the alias; whoever holds the
// older version keeps it, and its memory goes with its last holder. The registry itself holds a
// version only through its aliases. An entry is a version's name and report; its weights are packed
// when they are needed (adapter_slots_internal.h).
//
// Island-internal.
#ifndef PLUMBLINE_CORE_ENGINE_ADAPTER_REGISTRY_INTERNAL_H_
#define PLUMBLINE_CORE_ENGINE_ADAPTER_REGISTRY_INTERNAL_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/engine/adapter_slots_internal.h"
#include "core/engine/model_host.h"

namespace plumbline {

// Immutable, but for the count of its pins.
struct AdapterVersionEntry {
  ~AdapterVersionEntry() {
    if (slots != nullptr) slots->Forget(this);
  }
  std::string version;
  std::string path;   // where its files can be read again
  int64_t bytes = 0;  // packed
  AdmissionReport report;
  std::shared_ptr<AdapterSlots> slots;  // where its weights are, under its address
  mutable std::atomic<int> pins{0};     // LanguageModel handles alive
};

// Thread-safe.
class AdapterRegistry {
 public:
  using Entry = std::shared_ptr<const AdapterVersionEntry>;
  // What was published: the version and how it came.
  struct Publication {
    Entry entry;
    AdapterInfo info;  // all but `pins`
  };

  // Null when no such version is known.
  Entry FindVersion(absl::string_view version) const;
  // By alias, or by version while somebody holds it. entry is null when there is neither.
  Publication Find(absl::string_view alias_or_version) const;
  void Publish(Publication publication);
  // False: no such alias.
  bool Unpublish(absl::string_view alias);
  // By alias; versions that are only held come first, with an empty alias.
  std::vector<AdapterInfo> List() const;
  std::vector<std::string> Aliases() const;

 private:
  struct Resident {
    std::weak_ptr<const AdapterVersionEntry> entry;
    AdapterInfo info;  // of its last publication, alias emptied
  };
  void DropExpired() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<std::string, Publication, std::less<>> by_alias_ ABSL_GUARDED_BY(mutex_);
  mutable std::map<std::string, Resident, std::less<>> by_version_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_ADAPTER_REGISTRY_INTERNAL_H_
