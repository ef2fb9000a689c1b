// The server's side of core/metrics: which figures come from where, and when the scores are read
// again.
#ifndef PLUMBLINE_SERVER_SERVER_METRICS_H_
#define PLUMBLINE_SERVER_SERVER_METRICS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "core/engine/model_host.h"
#include "core/jobs/executor.h"
#include "core/jobs/job_runner.h"
#include "core/jobs/job_store.h"
#include "core/metrics/metrics_server.h"
#include "core/metrics/score_collector.h"
#include "server/watch_stream.h"

namespace prometheus {
class Registry;
}

namespace plumbline {

// Thread-compatible.
class ServerMetrics {
 public:
  // `inner` must outlive it.
  explicit ServerMetrics(JobStore& inner);
  ~ServerMetrics();

  // `inner`, measured: what everybody uses. After a job succeeded or was deleted the scores are
  // read again in the background.
  JobStore& store() { return *metered_; }

  // Reads the scores, so that the first scrape of a restarted server is complete, then serves
  // GET /metrics on `address`. What is given must live until Stop().
  absl::Status Start(const std::string& address, ModelHost& host, JobRunner& runner,
                     WatchHub& watches, TaskProvider& tasks);
  void Stop();

  // The address really taken; empty when not serving.
  std::string address() const;

 private:
  const std::shared_ptr<prometheus::Registry> registry_;
  const std::shared_ptr<ScoreCollector> scores_;
  std::unique_ptr<Executor> background_;
  std::unique_ptr<JobStore> metered_;
  std::unique_ptr<MetricsServer> server_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_SERVER_METRICS_H_
