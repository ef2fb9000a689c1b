// The report: base x adapter x task as a matrix of scores with their uncertainty, what each adapter
// gained or lost against the baseline on the same prompts, where the gain went (drift), and whether
// the adapter's label holds.
//
// BuildReport is a pure function of the observations in the store. It is cheap (4 subjects x 2
// tasks x 541 prompts in well under 0.3 s), so nothing is kept between calls: build it again
// whenever it is asked for, also while the job runs. Equal inputs give equal reports on every
// machine: the order of `verdicts` does not matter and the bootstrap's seed is fixed.
//
// What the intervals mean: the prompts of a benchmark are taken as a sample of the prompts that
// could have been asked. An interval says how far the score on *other prompts of this kind* may lie
// from the score seen; on exactly these prompts with greedy decoding there is nothing uncertain.
// docs/statistics.md has the methods, why each was chosen, and their measured coverage.
//
// Units: every value is a share in [0, 1]; a delta or drift is a difference of shares in [-1, 1]
// (0.05 is five points).
#ifndef PLUMBLINE_CORE_EVAL_REPORT_REPORT_H_
#define PLUMBLINE_CORE_EVAL_REPORT_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/observation.h"

namespace plumbline {

// ---------------------------------------------------------------- input

// One column of the matrix: a model as it is, or with an adapter.
struct ReportSubject {
  std::string model;
  std::string adapter;          // alias; empty: the model alone
  std::string adapter_version;  // SHA-256 of the adapter's content; empty with `adapter`
  std::string nominal_target;   // the capability its label claims; empty: none claimed
};

struct ReportTask {
  std::string name;
  std::string version;
  std::string capability;
  // The scores the task reports, not empty, the primary one first. The primary metric decides drift
  // and label verdict; for IFEval-like tasks it is pla_strict (docs/statistics.md says why).
  std::vector<std::string> metrics;
  int64_t prompts = 0;  // how many the job asks of every subject; >= 1
  int samples = 1;      // responses a prompt; >= 1
};

// What the store holds of one (subject, task, prompt, sample).
struct ReportVerdict {
  int subject = 0;  // index into ReportInput::subjects
  int task = 0;     // index into ReportInput::tasks
  std::string key;  // the prompt's key, unique in the task
  int sample = 0;   // in [0, samples)
  // True: the prompt could not be run (too long, out of memory, ...). It has no score: it is
  // counted as an error, never as a failed prompt, and `observations` is ignored.
  bool execution_error = false;
  std::vector<Observation> observations;  // scores and validity guards
  bool too_long = false;  // of execution errors: prompt and response exceed the model's context
  std::string extracted;  // the answer found; empty: none, or the task extracts none
};

struct ReportInput {
  std::vector<ReportSubject> subjects;
  // Index of the subject the others are compared with; -1: none, then there are no deltas, drift or
  // label verdicts.
  int baseline = -1;
  std::vector<ReportTask> tasks;
  std::vector<ReportVerdict> verdicts;  // at most one for each (subject, task, key, sample)
};

struct ReportOptions {
  // Two-sided confidence of every interval; significance is p (Holm-adjusted) < 1 - confidence.
  double confidence = 0.95;
  // The smallest gain on target that would matter. An adapter whose gain is shown to be below it
  // (the upper limit of the interval is) does not do what its label says. Smaller: needs more
  // prompts.
  double label_margin = 0.05;
  // Label verdicts are INCONCLUSIVE when more than this share of the pairs of a task they rest on
  // is missing or failed to execute.
  double max_missing = 0.05;
  int resamples = 4000;  // of the bootstrap; >= 200. More: slower, less Monte Carlo noise
  uint64_t seed = 20260322;
};

// ---------------------------------------------------------------- output

// How an interval was made.
enum class IntervalMethod {
  kNone,              // no data: value, lower and upper are NaN
  kWilson,            // one yes/no a prompt
  kClusterBootstrap,  // several trials a prompt: bootstrap over prompts
  kClusterWilson,     // several trials a prompt, all outcomes alike or too few prompts to resample
  kPairedScore,       // difference, one yes/no a prompt: Tango's score interval
  kPairedBootstrap,   // difference, several trials a prompt: bootstrap over prompts, pairs kept
};
// "wilson", "cluster_bootstrap", ...; "none" for kNone.
absl::string_view IntervalMethodName(IntervalMethod method);

// Several responses a prompt (samples > 1), for metrics with one yes/no a response; over the
// prompts that have all their samples.
struct SampleStats {
  int samples = 0;
  int64_t prompts = 0;
  std::vector<double> pass_at;  // [samples]; pass_at[k-1] is the unbiased pass@k
  double majority = 0;          // share of prompts where more than half of the responses pass
  double consistency = 0;       // share of prompts where all responses have the same verdict
  // Primary metric of tasks that extract an answer: share of prompts whose most frequent answer (of
  // equally frequent ones the first) is right. Responses without an answer do not vote.
  std::optional<double> voted;
};

// One number of the matrix: a metric of a subject on a task. With no observation of the metric,
// value, lower and upper are NaN and trials is 0.
struct ReportCell {
  int subject = 0;
  int task = 0;
  std::string metric;
  bool primary = false;   // the task's first metric
  bool validity = false;  // a validity guard (lower is better), not a score
  double value = 0;       // sum of successes / sum of trials
  int64_t trials = 0;     // prompts x samples, or instructions for ILA
  int64_t prompts = 0;    // distinct prompts behind it: the independent units
  double lower = 0;
  double upper = 0;
  double effective_n =
      0;  // independent trials that carry the same information as these clustered ones
  IntervalMethod method = IntervalMethod::kNone;
  std::optional<SampleStats> samples;
};

// How complete a subject's evidence on a task is. scored + errors + missing == expected.
struct ReportCoverage {
  int subject = 0;
  int task = 0;
  int64_t expected = 0;  // prompts x samples
  int64_t scored = 0;
  int64_t errors = 0;  // execution errors
  int64_t missing = 0;
  int64_t too_long = 0;  // of `errors`: prompts longer than the context allows
};

// Subject minus baseline on the prompts (and samples) that both have. Also for validity guards,
// where a positive value is a deterioration.
struct ReportDelta {
  int subject = 0;
  int task = 0;
  std::string metric;
  bool primary = false;
  bool validity = false;
  double baseline = 0;  // both shares over the paired prompts only
  double subject_value = 0;
  double value = 0;  // subject_value - baseline
  double lower = 0;
  double upper = 0;
  double standard_error = 0;
  // Two-sided exact paired test of "no difference": McNemar where a prompt is one yes/no, else the
  // same test over prompts (exchange of the two results of a prompt).
  double p = 1;
  // Holm-adjusted. Primary metrics: over the tasks of this subject. Other scores: over all scores
  // of all tasks of this subject. Validity guards: over all guards of all tasks of this subject.
  double p_holm = 1;
  int64_t pairs = 0;   // prompts
  int64_t trials = 0;  // of one side
  int64_t gained = 0;  // prompts where the subject did better; with lost, the discordant prompts
  int64_t lost = 0;
  std::vector<std::string> gained_keys;  // of the primary metric only; sorted
  std::vector<std::string> lost_keys;
  IntervalMethod method = IntervalMethod::kNone;  // kNone: no pairs, values are NaN and p is 1
};

// Where the gain went: mean gain off target minus mean gain on target, each the unweighted mean
// over tasks of the primary metric's delta. Positive: the adapter improved (or kept) other things
// more than what its label names. The interval combines the intervals of the paired deltas, which
// rest on different prompts and so are independent (CombineIndependent in
// core/eval/stats/cluster.h).
struct ReportDrift {
  double value = 0;
  double lower = 0;
  double upper = 0;
  double on_target_gain = 0;
  double off_target_gain = 0;
  std::vector<int> on_target_tasks;   // indices into tasks
  std::vector<int> off_target_tasks;  // not empty either
};

// Does the adapter do what its label says? "Significant" is p_holm < 1 - confidence on a primary
// metric; "gain below the margin" is an interval that lies wholly under label_margin. The first
// rule that applies:
//  1. INCONCLUSIVE  there is no task of the target's capability, or the evidence on an on-target
//  task is
//                   incomplete: more than max_missing of the responses of subject or baseline are
//                   missing or failed to execute, or of the prompts have no pair;
//  2. INCONCLUSIVE  a significant gain on one on-target task and a significant loss on another;
//  3. CONTRADICTED  a significant loss on an on-target task;
//  4. SUPPORTED     a significant gain on an on-target task;
//  5. CONTRADICTED  on every on-target task the gain is below the margin, some off-target task has
//  a
//                   significant gain (its evidence complete as in 1), and drift lies wholly
//                   above 0: the adapter does something else;
//  6. NOT_SUPPORTED on every on-target task the gain is below the margin;
//  7. INCONCLUSIVE  otherwise: too few prompts to tell.
enum class LabelVerdict {
  kUnspecified,  // the baseline itself, no baseline, or no label to test
  kSupported,
  kNotSupported,
  kContradicted,
  kInconclusive,
};
// "SUPPORTED", "NOT_SUPPORTED", "CONTRADICTED", "INCONCLUSIVE", "UNSPECIFIED".
absl::string_view LabelVerdictName(LabelVerdict verdict);

struct ReportLabel {
  int subject = 0;
  std::string nominal_target;
  LabelVerdict verdict = LabelVerdict::kUnspecified;
  std::vector<std::string> reasons;  // sentences with the numbers; the deciding one first
  std::optional<ReportDrift>
      drift;  // absent where it is undefined: no label, or no task on or off target
};

struct Report {
  std::vector<ReportSubject> subjects;
  int baseline = -1;
  std::vector<ReportTask> tasks;
  ReportOptions options;
  // All in the order subject, task, metric (as the task lists them; then validity guards, then
  // others by name). Every (subject, task, listed metric) has a cell, also without data.
  std::vector<ReportCell> cells;
  std::vector<ReportCoverage> coverage;  // one for each (subject, task)
  std::vector<ReportDelta> deltas;       // no entries for the baseline
  std::vector<ReportLabel> labels;       // one a subject
  bool complete = false;                 // nothing missing and no execution error anywhere

  // Null where there is none. O(log n).
  const ReportCell* FindCell(int subject, int task, absl::string_view metric) const;
  const ReportDelta* FindDelta(int subject, int task, absl::string_view metric) const;
  const ReportCoverage& CoverageOf(int subject, int task) const;
};

// InvalidArgument, naming the place: an index out of range, an empty metric list, a doubled
// (subject, task, key, sample), a key beyond the task's prompts, successes outside [0, trials],
// trials < 1, another number of trials for the same metric and prompt in another subject, options
// out of range.
absl::StatusOr<Report> BuildReport(const ReportInput& input, const ReportOptions& options = {});

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_REPORT_REPORT_H_
