// The observations of a report, validated and sorted: the only thing the statistics of the report
// look at. Internal to core/eval/report.
#ifndef PLUMBLINE_CORE_EVAL_REPORT_EVIDENCE_H_
#define PLUMBLINE_CORE_EVAL_REPORT_EVIDENCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/report/report.h"

namespace plumbline {

// One observation of a metric. `prompt` numbers the prompts of the task in the order of their keys.
struct Trial {
  int prompt = 0;
  int sample = 0;
  double successes = 0;
  int trials = 0;
};

// What a response votes for, where its metric takes one of several (core/eval/selection.h).
struct Vote {
  int among = 0;
  std::string text;
};

// The answer extracted from one response; only of tasks with several samples a prompt.
struct Answer {
  int prompt = 0;
  int sample = 0;
  std::string text;
};

struct EvidenceMetric {
  std::string name;
  bool primary = false;
  bool validity = false;
};

class Evidence {
 public:
  static absl::StatusOr<Evidence> Collect(const ReportInput& input);

  // Listed metrics first, then validity guards, then others by name.
  const std::vector<EvidenceMetric>& metrics(int task) const { return tasks_[task].metrics; }
  const std::vector<std::string>& keys(int task) const { return tasks_[task].keys; }
  // What counts, sorted by (prompt, sample). `metric` indexes metrics(task). Of a metric that takes
  // one of a prompt's responses: that one, as sample 0.
  const std::vector<Trial>& series(int subject, int task, int metric) const {
    return tasks_[task].series[subject][metric];
  }
  // Every response by itself: the same as series() but for a metric that takes one of several.
  const std::vector<Trial>& responses(int subject, int task, int metric) const {
    const std::vector<Trial>& all = tasks_[task].responses[subject][metric];
    return all.empty() ? series(subject, task, metric) : all;
  }
  // The answers of a subject, sorted by (prompt, sample); empty where the task extracts none.
  const std::vector<Answer>& answers(int subject, int task) const {
    return tasks_[task].answers[subject];
  }
  ReportCoverage coverage(int subject, int task) const;

 private:
  struct TaskEvidence {
    std::vector<std::string> keys;  // sorted
    std::vector<EvidenceMetric> metrics;
    std::vector<std::vector<std::vector<Trial>>> series;  // [subject][metric]
    // [subject][metric], of metrics that take one of a prompt's responses; empty for others.
    std::vector<std::vector<std::vector<Trial>>> responses;
    std::vector<std::vector<std::vector<Vote>>> votes;  // aligned with `responses`
    std::vector<int64_t> scored, errors, too_long;      // [subject]
    std::vector<std::vector<Answer>> answers;           // [subject]
    int64_t expected = 0;
  };
  static absl::StatusOr<TaskEvidence> CollectTask(const ReportInput& input, int task,
                                                  std::vector<const ReportVerdict*> verdicts);

  std::vector<TaskEvidence> tasks_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_REPORT_EVIDENCE_H_
