// Metrics with several trials a prompt (instructions of IFEval, samples of one prompt): trials of
// one prompt are not independent, prompts are. Everything here treats the prompt as the unit
// ("cluster") and the metric as a ratio of sums, sum(successes) / sum(trials).
//
// A paired difference on the same prompts has the same form: successes = subject's minus base's
// successes of the prompt (may be negative), trials = the trials of one side.
#ifndef PLUMBLINE_CORE_EVAL_STATS_CLUSTER_H_
#define PLUMBLINE_CORE_EVAL_STATS_CLUSTER_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "core/eval/stats/proportion.h"

namespace plumbline {

struct Cluster {
  double successes = 0;
  double trials = 1;  // > 0
};

struct ClusterSummary {
  int64_t clusters = 0;
  double successes = 0;
  double trials = 0;
  double value = 0;           // successes / trials
  double standard_error = 0;  // linearised (sandwich), between clusters; 0 for fewer than two
};
// NaN value for no clusters.
ClusterSummary Summarize(absl::Span<const Cluster> clusters);

// For shares: how many independent trials carry the information of these clustered ones,
// value (1 - value) / standard_error^2, at most the number of trials. Where that is undefined (all
// outcomes alike, one cluster) the number of clusters.
double EffectiveTrials(const ClusterSummary& summary);

// Wilson's interval at the effective number of trials, with Student's t for the normal (Korn and
// Graubard 1998). Never collapses, also where every outcome is alike.
Interval ClusterWilsonInterval(absl::Span<const Cluster> clusters, double confidence);

// The ratio of `resamples` bootstrap samples, in the order they were drawn: each draws as many
// clusters, with replacement, as there are. Equal seeds give equal replicates on every machine
// (core/eval/stats/random.h). At least one cluster, at most 2^31.
std::vector<double> BootstrapRatios(absl::Span<const Cluster> clusters, int resamples,
                                    uint64_t seed);

enum class BootstrapKind {
  kPercentile,  // the plain quantiles of the replicates: too short for few clusters
  kExpanded,    // quantiles moved out as Student's t and n / (n - 1) ask (Hesterberg 2015)
  kBca,         // bias-corrected and accelerated (Efron 1987)
};
// `replicates` as BootstrapRatios gave them for these clusters. Two clusters or more.
Interval BootstrapInterval(absl::Span<const Cluster> clusters, std::vector<double> replicates,
                           BootstrapKind kind, double confidence);

// The interval the report uses for a share with several trials a prompt: the expanded bootstrap
// where there are at least 20 effective successes and 20 effective failures, else
// ClusterWilsonInterval. Fewer, and the bootstrap covers too little (measured in
// docs/statistics.md).
struct ShareInterval {
  Interval interval;
  bool bootstrapped = false;
};
ShareInterval ClusteredShareInterval(absl::Span<const Cluster> clusters, int resamples,
                                     uint64_t seed, double confidence);

// The interval the report uses for a paired difference with several trials a prompt: the expanded
// bootstrap over the prompts and two prompts more, one with one trial gained and one with one trial
// lost. Those two keep it from collapsing where few or no prompts differ; elsewhere they change
// nothing that can be seen.
Interval PairedBootstrapInterval(absl::Span<const Cluster> differences, int resamples,
                                 uint64_t seed, double confidence);

// The interval of sum(weight_i value_i) for independent estimates with intervals of their own
// (MOVER: Zou and Donner 2008): each side is the root of the sum of squares of what the parts
// contribute to that side.
struct WeightedEstimate {
  double weight = 1;
  double value = 0;
  Interval interval;
};
Interval CombineIndependent(absl::Span<const WeightedEstimate> parts);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_STATS_CLUSTER_H_
