// How the process works, on /metrics: jobs, prompts, tokens, engine, adapters, store, leases.
//
// It reads other parts through functions given to it and turns each figure into a sample; it keeps
// nothing itself, so that no part of the server has to know Prometheus. A source that fails leaves
// its families out of that scrape and is counted.
#ifndef PLUMBLINE_CORE_METRICS_RUNTIME_COLLECTOR_H_
#define PLUMBLINE_CORE_METRICS_RUNTIME_COLLECTOR_H_

#include <prometheus/collectable.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/jobs/job_runner.h"
#include "core/jobs/job_store.h"

namespace plumbline {

// Figures of one model's engine: counters since start and gauges of now.
struct EngineFigures {
  std::string model;
  int64_t prompt_tokens = 0;      // computed in prefill
  int64_t completion_tokens = 0;  // sampled
  int64_t scored_tokens = 0;
  int64_t steps = 0;  // device steps
  int64_t rows = 0;   // Σ rows over steps; rate(rows) / rate(steps) is the mean batch width
  int running = 0;    // sequences holding a slot
  int waiting = 0;    // sequences queued
  int64_t kv_tokens_used = 0;
  int64_t kv_tokens_capacity = 0;
  int64_t weight_bytes = 0;
  // Slots of packed adapters.
  int adapters_packed = 0;
  int adapters_pinned = 0;  // of these
  int64_t adapter_bytes = 0;
  int64_t adapter_budget_bytes = 0;  // 0: no bound
  int64_t adapter_evictions = 0;
  int64_t adapter_repacks = 0;
};

struct AdapterFigures {
  std::string model;
  std::string adapter;  // alias; empty: only pinned by version
  std::string version;
  int64_t bytes = 0;
  int pins = 0;
  absl::Duration load_time;
  bool resident = true;
};

// Each may be empty; each must be thread-safe and quick.
struct RuntimeSources {
  std::string version;  // of the program, for plumbline_build_info
  std::function<absl::StatusOr<StoreStats>()> store;
  std::function<JobRunnerStats()> runner;
  std::function<std::vector<EngineFigures>()> engine;
  std::function<std::vector<AdapterFigures>()> adapters;
  std::function<int64_t()> watch_streams;
  int max_adapters = 500;  // versions shown; the others are counted
};

// Thread-safe.
class RuntimeCollector : public prometheus::Collectable {
 public:
  explicit RuntimeCollector(RuntimeSources sources);
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const RuntimeSources sources_;
  mutable std::atomic<int64_t> failures_{0};
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_METRICS_RUNTIME_COLLECTOR_H_
