// WatchJob: a stream that pulls from the store.
//
// Each stream is a small state machine with one thing under way at a time: a read of a page from
// the store (on an executor), or one message in gRPC's hands, or nothing (it waits). Commits, the
// heartbeat and a shutdown only nudge a stream that waits; what it sends next it always finds in
// the store, after the sequence it sent last. So a slow client costs one page of memory, nothing is
// queued for it, nothing is lost, and a client that comes back goes on where it was.
#ifndef PLUMBLINE_SERVER_WATCH_STREAM_H_
#define PLUMBLINE_SERVER_WATCH_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/jobs/executor.h"
#include "core/jobs/job_notifier.h"
#include "core/jobs/job_store.h"
#include "plumbline/v1/evaluation.pb.h"

namespace plumbline {

class WatchStream;

// What the streams share: where events come from, and the list of live streams, so that a heartbeat
// and a shutdown reach all of them. Thread-safe; must outlive the gRPC server.
class WatchHub {
 public:
  // `executor` runs the reads. Every `heartbeat` a stream that has nothing to say says so.
  WatchHub(JobStore& store, JobNotifier& notifier, Executor& executor, absl::Duration heartbeat);
  ~WatchHub();

  // The stream deletes itself when its call is over.
  grpc::ServerWriteReactor<v1::JobEvent>* Start(const v1::WatchJobRequest& request);

  // Ends every stream, also the ones that start from now on, with `status`.
  void CloseAll(const absl::Status& status);

  int64_t live() const;

 private:
  friend class WatchStream;
  void Remove(WatchStream* stream);
  void BeatUntilStopped();

  JobStore& store_;
  JobNotifier& notifier_;
  Executor& executor_;
  const absl::Duration heartbeat_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_set<WatchStream*> streams_ ABSL_GUARDED_BY(mutex_);
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);  // not OK: CloseAll was called
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread beat_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_WATCH_STREAM_H_
