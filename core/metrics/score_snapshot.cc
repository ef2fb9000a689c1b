#include "core/metrics/score_snapshot.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

#include "core/base/status_macros.h"
#include "core/eval/task_hints.h"
#include "core/jobs/job_report.h"

namespace plumbline {
namespace {

std::string AdapterLabel(const std::string& alias) { return alias.empty() ? kBaseLabel : alias; }

void AddScores(const FinishedCell& cell, const Report& report, std::vector<ScoreRow>& rows) {
  for (const ReportCell& c : report.cells) {
    if (c.subject != cell.subject || c.task != cell.task_index || std::isnan(c.value)) continue;
    ScoreRow row{cell.model, AdapterLabel(cell.adapter), cell.task, c.metric,
                 c.validity, {c.value, c.lower, c.upper}};
    const ReportDelta* delta = report.FindDelta(c.subject, c.task, c.metric);
    if (delta != nullptr && delta->pairs > 0 && !std::isnan(delta->value)) {
      row.baseline = delta->baseline;
      row.delta = {delta->value, delta->lower, delta->upper};
    }
    rows.push_back(std::move(row));
  }
  // What has no score stands beside the guards: neither passed nor failed.
  const ReportCoverage& coverage = report.CoverageOf(cell.subject, cell.task_index);
  if (coverage.expected == 0) return;
  const double expected = static_cast<double>(coverage.expected);
  for (const auto& [name, count] :
       {std::pair("execution_error", coverage.errors), {"too_long", coverage.too_long}}) {
    const double share = static_cast<double>(count) / expected;
    rows.push_back(
        {cell.model, AdapterLabel(cell.adapter), cell.task, name, true, {share, share, share}});
  }
}

}  // namespace

// What is kept of a finished job.
struct ScoreReader::JobResult {
  Report report;
  GateResult gate;  // kUnspecified without a policy
  std::vector<HintRow> hints;
};

ScoreReader::ScoreReader(JobStore& store, int max_cells) : store_(store), max_cells_(max_cells) {}
ScoreReader::~ScoreReader() = default;

void ScoreReader::UseTasks(TaskProvider* tasks) {
  tasks_ = tasks;
  results_.clear();  // read again, with or without hints
}

absl::StatusOr<std::vector<HintRow>> ScoreReader::HintsOf(const Job& job) {
  std::vector<HintRow> rows;
  if (tasks_ == nullptr) return rows;
  std::vector<std::shared_ptr<const Task>> held;
  std::vector<AskedTask> asked;
  for (const PinnedTask& pinned : job.tasks) {
    absl::StatusOr<std::shared_ptr<const Task>> task = tasks_->Version(pinned.name, pinned.version);
    if (absl::IsNotFound(task.status())) continue;
    ABSL_RETURN_IF_ERROR(task.status());
    asked.push_back({task->get(), static_cast<size_t>(pinned.items)});
    held.push_back(*std::move(task));
  }
  std::map<std::pair<int, int>, double> shares;  // (task, kind): 0 where nothing was found
  for (size_t t = 0; t < asked.size(); ++t) {
    for (TaskHint::Kind kind : {TaskHint::kDuplicatePrompt, TaskHint::kAnswerInPrompt,
                                TaskHint::kExampleIsPrompt, TaskHint::kPromptInOtherTask}) {
      shares[{static_cast<int>(t), kind}] = 0;
    }
  }
  for (const TaskHint& hint : FindTaskHints(asked)) {
    const AskedTask& task = asked[static_cast<size_t>(hint.task)];
    const size_t prompts = std::min(task.items, task.task->items.size());
    double& share = shares[{hint.task, hint.kind}];
    share = std::max(share, static_cast<double>(hint.prompts) / static_cast<double>(prompts));
  }
  for (const auto& [place, share] : shares) {
    rows.push_back({held[static_cast<size_t>(place.first)]->name,
                    std::string(TaskHintName(static_cast<TaskHint::Kind>(place.second))), share});
  }
  return rows;
}

absl::StatusOr<std::shared_ptr<const ScoreReader::JobResult>> ScoreReader::ResultOf(
    const std::string& id) {
  auto known = results_.find(id);
  if (known != results_.end()) return known->second;
  ABSL_ASSIGN_OR_RETURN(Job job, store_.GetJob(id));
  auto result = std::make_shared<JobResult>();
  ABSL_ASSIGN_OR_RETURN(result->report, BuildJobReport(store_, job));
  if (!job.spec.gate_policy.empty()) {
    ABSL_ASSIGN_OR_RETURN(GatePolicy policy, ParseGatePolicy(job.spec.gate_policy));
    result->gate = EvaluateGate(policy, result->report);
    // With a baseline outside the job the stored answer counts, for all it judged: an alias may
    // point elsewhere by now.
    for (SubjectGate& gate : result->gate.subjects) {
      if (policy.baseline.kind != GateBaseline::kReport) gate.status = job.gate.status;
    }
  }
  ABSL_ASSIGN_OR_RETURN(result->hints, HintsOf(job));
  results_[id] = result;
  return std::shared_ptr<const JobResult>(std::move(result));
}

absl::StatusOr<ScoreSnapshot> ScoreReader::Read() {
  ABSL_ASSIGN_OR_RETURN(std::vector<FinishedCell> cells, store_.LatestResults());
  std::stable_sort(cells.begin(), cells.end(), [](const FinishedCell& a, const FinishedCell& b) {
    return a.finished > b.finished;
  });
  ScoreSnapshot snapshot;
  if (cells.size() > static_cast<size_t>(max_cells_)) {
    snapshot.dropped_cells = static_cast<int64_t>(cells.size()) - max_cells_;
    cells.resize(static_cast<size_t>(max_cells_));
  }
  std::map<std::string, std::shared_ptr<const JobResult>> used;
  std::map<std::pair<std::string, std::string>, AdapterRow> adapters;
  std::set<std::string> hinted;             // tasks
  for (const FinishedCell& cell : cells) {  // the newest first
    absl::StatusOr<std::shared_ptr<const JobResult>> result = ResultOf(cell.job);
    if (absl::IsNotFound(result.status())) continue;
    ABSL_RETURN_IF_ERROR(result.status());
    used[cell.job] = *result;
    const JobResult& of_job = **result;
    AddScores(cell, of_job.report, snapshot.scores);
    snapshot.cells.push_back({cell.model, AdapterLabel(cell.adapter), cell.task, cell.finished});
    if (hinted.insert(cell.task).second) {
      std::copy_if(of_job.hints.begin(), of_job.hints.end(), std::back_inserter(snapshot.hints),
                   [&](const HintRow& row) { return row.task == cell.task; });
    }
    if (cell.adapter.empty()) continue;
    AdapterRow& row = adapters[{cell.model, cell.adapter}];
    row.model = cell.model;
    row.adapter = cell.adapter;
    for (const ReportLabel& label : of_job.report.labels) {
      if (label.subject != cell.subject) continue;
      if (row.label == LabelVerdict::kUnspecified) row.label = label.verdict;
      if (!row.drift.has_value() && label.drift.has_value()) {
        row.drift = {label.drift->value, label.drift->lower, label.drift->upper};
      }
    }
    for (const SubjectGate& gate : of_job.gate.subjects) {
      if (gate.subject == cell.subject && row.gate == GateStatus::kUnspecified) {
        row.gate = gate.status;
      }
    }
  }
  results_ = std::move(used);  // forget what no cell shows any more
  for (auto& [key, row] : adapters) snapshot.adapters.push_back(std::move(row));
  return snapshot;
}

}  // namespace plumbline
