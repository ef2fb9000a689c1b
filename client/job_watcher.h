// Follows a job to its end, across lost connections: the one loop behind `job watch` and `job
// submit --wait`.
#ifndef PLUMBLINE_CLIENT_JOB_WATCHER_H_
#define PLUMBLINE_CLIENT_JOB_WATCHER_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "client/connection.h"
#include "client/interrupt.h"

namespace plumbline::client {

struct WatchOptions {
  std::string job_id;
  int64_t after_sequence = 0;
  // Give up waiting for the end after this long (the job goes on); nothing: never.
  std::optional<std::chrono::milliseconds> timeout;
  // Give up after this long without a server.
  std::chrono::milliseconds reconnect_for = std::chrono::minutes(2);
};

enum class WatchEnd { kTerminal, kTimedOut, kInterrupted, kError };

struct WatchResult {
  WatchEnd end = WatchEnd::kError;
  v1::Job job;                // kTerminal: as it ended
  int64_t last_sequence = 0;  // continue after this one
  grpc::Status error;         // kError
};

// Calls `on_event` for every event once, in sequence, heartbeats left out. Reconnects with a
// backoff and continues after the last sequence seen when the server goes away; `on_notice` gets a
// sentence for the person watching.
WatchResult WatchJob(Connection& connection, Interrupt& interrupt, const WatchOptions& options,
                     const std::function<void(const v1::JobEvent&)>& on_event,
                     const std::function<void(const std::string&)>& on_notice);

}  // namespace plumbline::client

#endif  // PLUMBLINE_CLIENT_JOB_WATCHER_H_
