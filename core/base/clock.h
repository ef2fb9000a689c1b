// The time, as a constructor argument: production code takes a Clock& and tests give it one they
// move by hand.
#ifndef PLUMBLINE_CORE_BASE_CLOCK_H_
#define PLUMBLINE_CORE_BASE_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace plumbline {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

// The machine's clock; lives for ever.
const Clock& SystemClock();

// A clock that stands still until Advance() is called. For tests. Thread-safe.
class ManualClock : public Clock {
 public:
  explicit ManualClock(absl::Time start = absl::UnixEpoch()) : now_(start) {}
  absl::Time Now() const override;
  void Advance(absl::Duration step);

 private:
  mutable absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_CLOCK_H_
