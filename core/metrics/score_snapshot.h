// The latest finished scores as plain numbers: what the score metrics show at one moment.
//
// A snapshot is a function of the store alone, so it is the same after a restart as before it. For
// each (model, adapter, task) the newest finished job counts; drift, label and gate of an adapter
// come from the newest of those jobs that has them.
#ifndef PLUMBLINE_CORE_METRICS_SCORE_SNAPSHOT_H_
#define PLUMBLINE_CORE_METRICS_SCORE_SNAPSHOT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/eval/gate/gate.h"
#include "core/eval/report/report.h"
#include "core/jobs/job_store.h"
#include "core/jobs/task_provider.h"

namespace plumbline {

// The label value of the base model, which has no alias.
inline constexpr char kBaseLabel[] = "base";

struct Interval {
  double value = 0;
  double lower = 0;
  double upper = 0;
};

// One metric of one subject on one task. All shares in [0, 1] (differences in [-1, 1]).
struct ScoreRow {
  std::string model;
  std::string adapter;  // alias, or kBaseLabel
  std::string task;
  std::string metric;
  bool validity = false;  // a guard (lower is better), not a score
  Interval score;
  // Of adapters, where there are pairs: the base on the same prompts, and the paired difference.
  std::optional<double> baseline;
  std::optional<Interval> delta;
};

struct CellTime {
  std::string model;
  std::string adapter;
  std::string task;
  absl::Time finished;
};

// What a task's own prompts give away (core/eval/task_hints.h).
struct HintRow {
  std::string task;
  std::string hint;  // TaskHintName
  double share = 0;  // of the prompts asked. prompt_in_other_task: with the task that shares most
};

// What concerns an adapter as a whole.
struct AdapterRow {
  std::string model;
  std::string adapter;
  std::optional<Interval> drift;
  LabelVerdict label = LabelVerdict::kUnspecified;
  GateStatus gate = GateStatus::kUnspecified;
};

struct ScoreSnapshot {
  std::vector<ScoreRow> scores;
  std::vector<CellTime> cells;
  std::vector<AdapterRow> adapters;
  std::vector<HintRow> hints;  // every hint of every task whose file is known, also those at 0
  int64_t dropped_cells = 0;   // (model, adapter, task) beyond the bound; the oldest are left out
};

// Makes snapshots and remembers the reports of jobs it has seen, so that a new result costs one
// report. Thread-compatible.
class ScoreReader {
 public:
  // At most `max_cells` (model, adapter, task) are shown.
  explicit ScoreReader(JobStore& store, int max_cells = 500);
  ~ScoreReader();

  // Where the tasks' prompts are, for the hints; null: there are none. Must outlive the reader or
  // be taken away again.
  void UseTasks(TaskProvider* tasks);

  // A job deleted meanwhile is left out. Errors: the store's.
  absl::StatusOr<ScoreSnapshot> Read();

 private:
  struct JobResult;

  absl::StatusOr<std::shared_ptr<const JobResult>> ResultOf(const std::string& job);
  absl::StatusOr<std::vector<HintRow>> HintsOf(const Job& job);

  JobStore& store_;
  const int max_cells_;
  TaskProvider* tasks_ = nullptr;
  std::map<std::string, std::shared_ptr<const JobResult>> results_;  // by job id
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_METRICS_SCORE_SNAPSHOT_H_
