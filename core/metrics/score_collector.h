// The scores on /metrics. One Collectable renders one immutable snapshot, so that the series of a
// result appear, change and vanish together; a scrape never waits for the store.
//
//   plumbline_score_ratio{model,adapter,task,metric}                the score, with ...
//   plumbline_score_ci_lower_ratio, plumbline_score_ci_upper_ratio  ... its 95 % interval
//   plumbline_baseline_score_ratio                                  the base on the same prompts
//   plumbline_score_delta_ratio, plumbline_score_delta_ci_{lower,upper}_ratio   paired difference
//   plumbline_validity_ratio{model,adapter,task,metric}             guards: lower is better
//   plumbline_drift_ratio, plumbline_drift_ci_{lower,upper}_ratio{model,adapter}
//   plumbline_label_verdict{model,adapter,verdict}, plumbline_gate_status{model,adapter,status}
//                                                                   1 for the one that holds
//   plumbline_task_hint_ratio{task,hint}                            prompts that give something
//   away plumbline_last_success_timestamp_seconds{model,adapter,task} plumbline_score_cells_dropped
//   left out by the bound plumbline_score_refresh_failures_total
#ifndef PLUMBLINE_CORE_METRICS_SCORE_COLLECTOR_H_
#define PLUMBLINE_CORE_METRICS_SCORE_COLLECTOR_H_

#include <prometheus/collectable.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "core/jobs/executor.h"
#include "core/jobs/job_store.h"
#include "core/metrics/score_snapshot.h"

namespace plumbline {

// Thread-safe.
class ScoreCollector : public prometheus::Collectable {
 public:
  // `store` must outlive it. At most `max_cells` (model, adapter, task) are shown, the newest.
  explicit ScoreCollector(JobStore& store, int max_cells = 500);

  // Where the prompts for plumbline_task_hint_ratio are; null: none, and once it returns the former
  // ones are not used any more. Counts from the next Refresh().
  void UseTasks(TaskProvider* tasks);

  // Reads the store and replaces the snapshot; on an error the old one stays and the failure is
  // counted. Call it at start, and when results changed.
  absl::Status Refresh();

  // The same on `executor`; several calls before it ran become one. The collector must outlive it.
  void ScheduleRefresh(Executor& executor);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  absl::Mutex reader_mutex_;  // one Refresh at a time; held across the reading of the store
  ScoreReader reader_ ABSL_GUARDED_BY(reader_mutex_);

  mutable absl::Mutex mutex_;
  std::shared_ptr<const ScoreSnapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
  bool scheduled_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t failures_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_METRICS_SCORE_COLLECTOR_H_
