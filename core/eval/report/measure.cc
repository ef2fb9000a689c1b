#include "core/eval/report/measure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/eval/stats/cluster.h"
#include "core/eval/stats/equivalence.h"
#include "core/eval/stats/paired_test.h"
#include "core/eval/stats/samples.h"

namespace plumbline {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool IsYesNo(const Trial& t) { return t.trials == 1 && (t.successes == 0 || t.successes == 1); }

// The trials of each prompt added up.
struct PromptSum {
  int prompt = 0;
  int samples = 0;
  bool yes_no = true;  // every trial of it is one yes or no
  Cluster sum = {0, 0};
};

std::vector<PromptSum> SumByPrompt(const std::vector<Trial>& series) {
  std::vector<PromptSum> sums;
  for (const Trial& t : series) {
    if (sums.empty() || sums.back().prompt != t.prompt) sums.push_back({t.prompt});
    PromptSum& sum = sums.back();
    ++sum.samples;
    sum.yes_no = sum.yes_no && IsYesNo(t);
    sum.sum.successes += t.successes;
    sum.sum.trials += t.trials;
  }
  return sums;
}

std::optional<SampleStats> MeasureSamples(const std::vector<PromptSum>& sums, int samples) {
  if (samples < 2) return std::nullopt;
  SampleStats stats;
  stats.samples = samples;
  stats.pass_at.assign(samples, 0);
  for (const PromptSum& sum : sums) {
    if (!sum.yes_no) return std::nullopt;
    if (sum.samples != samples) continue;
    ++stats.prompts;
    const int passed = static_cast<int>(sum.sum.successes);
    for (int k = 1; k <= samples; ++k) stats.pass_at[k - 1] += PassAtK(samples, passed, k);
    stats.majority += 2 * passed > samples;
    stats.consistency += passed == 0 || passed == samples;
  }
  if (stats.prompts == 0) return std::nullopt;
  const double n = static_cast<double>(stats.prompts);
  for (double& pass : stats.pass_at) pass /= n;
  stats.majority /= n;
  stats.consistency /= n;
  return stats;
}

// The share of prompts whose most frequent answer passes. `series` and `answers` are sorted alike.
std::optional<double> MeasureVote(const std::vector<Trial>& series,
                                  const std::vector<Answer>& answers, int samples) {
  const bool extracts = std::any_of(answers.begin(), answers.end(),
                                    [](const Answer& answer) { return !answer.text.empty(); });
  if (!extracts) return std::nullopt;
  int64_t prompts = 0, right = 0;
  auto trial = series.begin();
  for (auto begin = answers.begin(); begin != answers.end();) {
    std::vector<std::string> texts;
    std::vector<bool> passed;
    const int prompt = begin->prompt;
    for (; begin != answers.end() && begin->prompt == prompt; ++begin) {
      while (trial != series.end() &&
             std::pair(trial->prompt, trial->sample) < std::pair(begin->prompt, begin->sample)) {
        ++trial;
      }
      if (trial == series.end() || trial->prompt != prompt || trial->sample != begin->sample)
        continue;
      texts.push_back(begin->text);
      passed.push_back(trial->successes >= trial->trials);
    }
    if (static_cast<int>(texts.size()) != samples) continue;
    ++prompts;
    const int vote = MajorityVote(texts);
    right += vote >= 0 && passed[static_cast<size_t>(vote)];
  }
  if (prompts == 0) return std::nullopt;
  return static_cast<double>(right) / static_cast<double>(prompts);
}

// The (prompt, sample) pairs that both sides have, added up by prompt.
struct PairedPrompts {
  std::vector<int> prompts;
  std::vector<Cluster> differences;
  double baseline = 0, subject = 0, trials = 0;
  bool yes_no = true;  // one yes/no a prompt on either side
};

PairedPrompts Pair(const std::vector<Trial>& baseline, const std::vector<Trial>& subject) {
  PairedPrompts paired;
  auto b = baseline.begin();
  for (const Trial& s : subject) {
    const auto place = std::pair(s.prompt, s.sample);
    while (b != baseline.end() && std::pair(b->prompt, b->sample) < place) ++b;
    if (b == baseline.end()) break;
    if (std::pair(b->prompt, b->sample) != place) continue;
    if (paired.prompts.empty() || paired.prompts.back() != s.prompt) {
      paired.prompts.push_back(s.prompt);
      paired.differences.push_back({0, 0});
    } else {
      paired.yes_no = false;  // a second sample
    }
    paired.yes_no = paired.yes_no && IsYesNo(s) && IsYesNo(*b);
    paired.differences.back().successes += s.successes - b->successes;
    paired.differences.back().trials += s.trials;
    paired.baseline += b->successes;
    paired.subject += s.successes;
    paired.trials += s.trials;
  }
  return paired;
}

void MeasureYesNoDelta(const ReportOptions& options, ReportDelta& delta) {
  const PairedCounts counts = {delta.pairs, delta.gained, delta.lost};
  const Interval interval = TangoInterval(counts, options.confidence);
  const double n = static_cast<double>(delta.pairs);
  const double flips = static_cast<double>(delta.gained + delta.lost);
  delta.lower = interval.lower;
  delta.upper = interval.upper;
  delta.standard_error = std::sqrt(std::max(0.0, flips / n - delta.value * delta.value) / n);
  delta.p = McNemarExactP(delta.gained, delta.lost);
  delta.method = IntervalMethod::kPairedScore;
}

void MeasureClusteredDelta(const std::vector<Cluster>& differences, const ReportOptions& options,
                           ReportDelta& delta) {
  const Interval interval =
      PairedBootstrapInterval(differences, options.resamples, options.seed, options.confidence);
  delta.lower = interval.lower;
  delta.upper = interval.upper;
  delta.standard_error = PaddedStandardError(differences);
  std::vector<double> values;
  values.reserve(differences.size());
  for (const Cluster& d : differences) values.push_back(d.successes);
  delta.p = SignFlipP(values, Alternative::kTwoSided, options.seed);
  delta.method = IntervalMethod::kPairedBootstrap;
}

}  // namespace

ReportCell MeasureCell(const Evidence& evidence, int subject, int task, int metric, int samples,
                       const ReportOptions& options) {
  const EvidenceMetric& info = evidence.metrics(task)[metric];
  ReportCell cell;
  cell.subject = subject;
  cell.task = task;
  cell.metric = info.name;
  cell.primary = info.primary;
  cell.validity = info.validity;
  const std::vector<PromptSum> sums = SumByPrompt(evidence.series(subject, task, metric));
  if (sums.empty()) {
    cell.value = cell.lower = cell.upper = kNaN;
    return cell;
  }
  std::vector<Cluster> clusters;
  bool yes_no = true;
  for (const PromptSum& sum : sums) {
    clusters.push_back(sum.sum);
    yes_no = yes_no && sum.yes_no && sum.samples == 1;
  }
  const ClusterSummary summary = Summarize(clusters);
  cell.value = summary.value;
  cell.trials = static_cast<int64_t>(summary.trials);
  cell.prompts = summary.clusters;
  Interval interval;
  if (yes_no) {
    cell.effective_n = summary.trials;
    cell.method = IntervalMethod::kWilson;
    interval = WilsonInterval(summary.successes, summary.trials, options.confidence);
  } else {
    const ShareInterval share =
        ClusteredShareInterval(clusters, options.resamples, options.seed, options.confidence);
    cell.effective_n = EffectiveTrials(summary);
    cell.method =
        share.bootstrapped ? IntervalMethod::kClusterBootstrap : IntervalMethod::kClusterWilson;
    interval = share.interval;
  }
  cell.lower = interval.lower;
  cell.upper = interval.upper;
  const std::vector<Trial>& responses = evidence.responses(subject, task, metric);
  cell.samples = MeasureSamples(SumByPrompt(responses), samples);
  if (cell.samples.has_value() && info.primary) {
    cell.samples->voted = MeasureVote(responses, evidence.answers(subject, task), samples);
  }
  return cell;
}

ReportDelta MeasureDelta(const Evidence& evidence, int baseline, int subject, int task, int metric,
                         const ReportOptions& options) {
  const EvidenceMetric& info = evidence.metrics(task)[metric];
  ReportDelta delta;
  delta.subject = subject;
  delta.task = task;
  delta.metric = info.name;
  delta.primary = info.primary;
  delta.validity = info.validity;
  const PairedPrompts paired =
      Pair(evidence.series(baseline, task, metric), evidence.series(subject, task, metric));
  delta.pairs = static_cast<int64_t>(paired.prompts.size());
  if (delta.pairs == 0) {
    delta.baseline = delta.subject_value = delta.value = kNaN;
    delta.lower = delta.upper = delta.standard_error = kNaN;
    return delta;
  }
  for (size_t i = 0; i < paired.prompts.size(); ++i) {
    const double d = paired.differences[i].successes;
    if (d == 0) continue;
    ++(d > 0 ? delta.gained : delta.lost);
    if (info.primary) {
      (d > 0 ? delta.gained_keys : delta.lost_keys)
          .push_back(evidence.keys(task)[paired.prompts[i]]);
    }
  }
  delta.trials = static_cast<int64_t>(paired.trials);
  delta.baseline = paired.baseline / paired.trials;
  delta.subject_value = paired.subject / paired.trials;
  delta.value = (paired.subject - paired.baseline) / paired.trials;
  if (paired.yes_no) {
    MeasureYesNoDelta(options, delta);
  } else {
    MeasureClusteredDelta(paired.differences, options, delta);
  }
  return delta;
}

namespace {

// Holm over those that `in_family` accepts; written to those that `takes` accepts.
template <typename InFamily, typename Takes>
void Adjust(const std::vector<ReportDelta*>& deltas, InFamily in_family, Takes takes) {
  std::vector<double> p;
  for (const ReportDelta* d : deltas) {
    if (d->pairs > 0 && in_family(*d)) p.push_back(d->p);
  }
  const std::vector<double> adjusted = HolmAdjust(p);
  size_t next = 0;
  for (ReportDelta* d : deltas) {
    if (d->pairs == 0 || !in_family(*d)) continue;
    if (takes(*d)) d->p_holm = adjusted[next];
    ++next;
  }
}

}  // namespace

void AdjustDeltas(const std::vector<ReportDelta*>& deltas) {
  const auto primary = [](const ReportDelta& d) { return d.primary; };
  const auto score = [](const ReportDelta& d) { return !d.validity; };
  const auto guard = [](const ReportDelta& d) { return d.validity && !d.primary; };
  Adjust(deltas, primary, primary);
  Adjust(deltas, score, [](const ReportDelta& d) { return !d.primary; });
  Adjust(deltas, guard, guard);
}

}  // namespace plumbline
