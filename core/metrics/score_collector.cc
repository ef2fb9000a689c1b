#include "core/metrics/score_collector.h"

#include <string>
#include <utility>

#include "core/metrics/families.h"
#include "spdlog/spdlog.h"

namespace plumbline {
namespace {

using prometheus::MetricFamily;

// value, lower and upper as three families of one name.
struct IntervalFamilies {
  MetricFamily value;
  MetricFamily lower;
  MetricFamily upper;

  IntervalFamilies(const std::string& stem, const std::string& help)
      : value(GaugeFamily(stem + "_ratio", help)),
        lower(GaugeFamily(stem + "_ci_lower_ratio", help + ": lower limit of the 95 % interval.")),
        upper(GaugeFamily(stem + "_ci_upper_ratio", help + ": upper limit of the 95 % interval.")) {
    value.help += ".";
  }
  void Add(const MetricLabels& labels, const Interval& interval) {
    AddSample(value, labels, interval.value);
    AddSample(lower, labels, interval.lower);
    AddSample(upper, labels, interval.upper);
  }
  void MoveTo(std::vector<MetricFamily>& families) {
    families.push_back(std::move(value));
    families.push_back(std::move(lower));
    families.push_back(std::move(upper));
  }
};

void RenderScores(const ScoreSnapshot& snapshot, std::vector<MetricFamily>& families) {
  IntervalFamilies score("plumbline_score", "Latest finished score, as a share");
  IntervalFamilies delta("plumbline_score_delta",
                         "Score minus the base's on the same prompts, latest finished result");
  MetricFamily baseline =
      GaugeFamily("plumbline_baseline_score_ratio",
                  "Score of the base on the prompts it shares with the adapter, as a share.");
  MetricFamily validity =
      GaugeFamily("plumbline_validity_ratio",
                  "Share of responses caught by a validity guard (empty, truncated, ...), "
                  "or without a score (execution_error, too_long).");
  for (const ScoreRow& row : snapshot.scores) {
    const MetricLabels labels = {
        {"model", row.model}, {"adapter", row.adapter}, {"task", row.task}, {"metric", row.metric}};
    if (row.validity) {
      AddSample(validity, labels, row.score.value);
      continue;
    }
    score.Add(labels, row.score);
    if (row.baseline.has_value()) AddSample(baseline, labels, *row.baseline);
    if (row.delta.has_value()) delta.Add(labels, *row.delta);
  }
  score.MoveTo(families);
  families.push_back(std::move(baseline));
  delta.MoveTo(families);
  families.push_back(std::move(validity));
}

void RenderAdapters(const ScoreSnapshot& snapshot, std::vector<MetricFamily>& families) {
  IntervalFamilies drift("plumbline_drift", "Mean gain off target minus mean gain on target");
  MetricFamily label = GaugeFamily("plumbline_label_verdict",
                                   "1 for what the latest result says of the adapter's label.");
  MetricFamily gate =
      GaugeFamily("plumbline_gate_status", "1 for the latest gate's answer on the adapter.");
  for (const AdapterRow& row : snapshot.adapters) {
    const MetricLabels labels = {{"model", row.model}, {"adapter", row.adapter}};
    if (row.drift.has_value()) drift.Add(labels, *row.drift);
    if (row.label != LabelVerdict::kUnspecified) {
      for (LabelVerdict verdict : {LabelVerdict::kSupported, LabelVerdict::kNotSupported,
                                   LabelVerdict::kContradicted, LabelVerdict::kInconclusive}) {
        MetricLabels with = labels;
        with.emplace_back("verdict", std::string(LabelVerdictName(verdict)));
        AddSample(label, with, row.label == verdict ? 1 : 0);
      }
    }
    if (row.gate != GateStatus::kUnspecified) {
      for (GateStatus status : {GateStatus::kPass, GateStatus::kFail, GateStatus::kInconclusive}) {
        MetricLabels with = labels;
        with.emplace_back("status", std::string(GateStatusName(status)));
        AddSample(gate, with, row.gate == status ? 1 : 0);
      }
    }
  }
  drift.MoveTo(families);
  families.push_back(std::move(label));
  families.push_back(std::move(gate));
}

}  // namespace

ScoreCollector::ScoreCollector(JobStore& store, int max_cells)
    : reader_(store, max_cells), snapshot_(std::make_shared<ScoreSnapshot>()) {}

void ScoreCollector::UseTasks(TaskProvider* tasks) {
  absl::MutexLock lock(&reader_mutex_);
  reader_.UseTasks(tasks);
}

absl::Status ScoreCollector::Refresh() {
  absl::StatusOr<ScoreSnapshot> read;
  {
    absl::MutexLock lock(&reader_mutex_);
    read = reader_.Read();
  }
  absl::MutexLock lock(&mutex_);
  if (!read.ok()) {
    ++failures_;
    return read.status();
  }
  snapshot_ = std::make_shared<const ScoreSnapshot>(*std::move(read));
  return absl::OkStatus();
}

void ScoreCollector::ScheduleRefresh(Executor& executor) {
  {
    absl::MutexLock lock(&mutex_);
    if (scheduled_) return;
    scheduled_ = true;
  }
  executor.Schedule([this] {
    {
      absl::MutexLock lock(&mutex_);
      scheduled_ = false;  // before the reading: a change during it is read again
    }
    absl::Status status = Refresh();
    if (!status.ok()) spdlog::error("scores cannot be refreshed: {}", status.ToString());
  });
}

std::vector<MetricFamily> ScoreCollector::Collect() const {
  std::shared_ptr<const ScoreSnapshot> snapshot;
  int64_t failures = 0;
  {
    absl::MutexLock lock(&mutex_);
    snapshot = snapshot_;
    failures = failures_;
  }
  std::vector<MetricFamily> families;
  RenderScores(*snapshot, families);
  RenderAdapters(*snapshot, families);
  MetricFamily hints =
      GaugeFamily("plumbline_task_hint_ratio",
                  "Share of the prompts of the latest finished result that make the task's scores "
                  "worth less (duplicate_prompt, answer_in_prompt, ...).");
  for (const HintRow& row : snapshot->hints) {
    AddSample(hints, {{"task", row.task}, {"hint", row.hint}}, row.share);
  }
  families.push_back(std::move(hints));
  MetricFamily success = GaugeFamily("plumbline_last_success_timestamp_seconds",
                                     "When the latest finished result was made, Unix time.");
  for (const CellTime& cell : snapshot->cells) {
    AddSample(success, {{"model", cell.model}, {"adapter", cell.adapter}, {"task", cell.task}},
              absl::ToDoubleSeconds(cell.finished - absl::UnixEpoch()));
  }
  families.push_back(std::move(success));
  MetricFamily dropped =
      GaugeFamily("plumbline_score_cells_dropped",
                  "Results (model, adapter, task) left out because there are too many.");
  AddSample(dropped, {}, static_cast<double>(snapshot->dropped_cells));
  families.push_back(std::move(dropped));
  MetricFamily failed = CounterFamily("plumbline_score_refresh_failures_total",
                                      "Attempts to read the scores that failed since start.");
  AddSample(failed, {}, static_cast<double>(failures));
  families.push_back(std::move(failed));
  return NonEmpty(std::move(families));
}

}  // namespace plumbline
