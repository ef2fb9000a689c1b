#include "core/metrics/runtime_collector.h"

#include <algorithm>
#include <utility>

#include "core/jobs/job.h"
#include "core/metrics/families.h"
#include "spdlog/spdlog.h"

namespace plumbline {
namespace {

using prometheus::MetricFamily;

void Gauge(std::vector<MetricFamily>& families, const char* name, const char* help, double value) {
  families.push_back(GaugeFamily(name, help));
  AddSample(families.back(), {}, value);
}
void Count(std::vector<MetricFamily>& families, const char* name, const char* help, int64_t value) {
  families.push_back(CounterFamily(name, help));
  AddSample(families.back(), {}, static_cast<double>(value));
}

void RenderStore(const StoreStats& s, std::vector<MetricFamily>& families) {
  MetricFamily jobs = GaugeFamily("plumbline_jobs", "Jobs in the store, by state.");
  for (const auto& [state, count] : s.jobs) {
    AddSample(jobs, {{"state", std::string(JobStateName(state))}}, static_cast<double>(count));
  }
  families.push_back(std::move(jobs));
  Count(families, "plumbline_store_commits_total", "Transactions committed since start.",
        s.commits);
  Count(families, "plumbline_store_errors_total",
        "Transactions that failed (disk full, I/O, damage) since start.", s.errors);
  Count(families, "plumbline_verdicts_recorded_total", "Verdicts recorded since start.",
        s.verdicts);
  Count(families, "plumbline_verdicts_duplicate_total",
        "Verdicts offered again and skipped since start.", s.duplicate_verdicts);
  Count(families, "plumbline_leases_claimed_total", "Leases on units of work since start.",
        s.leases_claimed);
  Count(families, "plumbline_leases_renewed_total", "Renewals of leases since start.",
        s.leases_renewed);
  Count(families, "plumbline_leases_expired_total",
        "Units taken over from an owner that let its lease expire, since start.", s.leases_expired);
  Count(families, "plumbline_commits_fenced_total",
        "Commits refused because the lease was lost, since start.", s.fenced_commits);
}

void RenderRunner(const JobRunnerStats& s, std::vector<MetricFamily>& families) {
  Count(families, "plumbline_prompts_total", "Prompts answered by the engine since start.",
        s.prompts_finished);
  Count(families, "plumbline_prompts_retried_total",
        "Prompts sent again after a passing error, since start.", s.prompts_retried);
  Count(families, "plumbline_execution_errors_total",
        "Prompts recorded as execution errors since start.", s.execution_errors);
  Count(families, "plumbline_commit_groups_total", "Transactions of verdicts since start.",
        s.commit_groups);
  Count(families, "plumbline_leases_lost_total", "Units this runner had to give up, since start.",
        s.leases_lost);
  Gauge(families, "plumbline_prompts_in_flight", "Prompts inside the engine.", s.in_flight);
  Gauge(families, "plumbline_prompts_uncommitted", "Answers that wait for check or commit.",
        s.uncommitted);
  Gauge(families, "plumbline_units_held", "Units of work leased by this process.", s.held_units);
}

void RenderEngine(const std::vector<EngineFigures>& engines, std::vector<MetricFamily>& families) {
  MetricFamily tokens = CounterFamily("plumbline_tokens_total", "Tokens computed since start.");
  MetricFamily steps = CounterFamily("plumbline_engine_steps_total", "Device steps since start.");
  MetricFamily rows = CounterFamily("plumbline_engine_rows_total",
                                    "Rows over all device steps since start; rows per step is the "
                                    "batch width.");
  MetricFamily width =
      GaugeFamily("plumbline_engine_mean_batch_rows", "Mean rows of a device step since start.");
  MetricFamily sequences = GaugeFamily("plumbline_engine_sequences", "Sequences, by state.");
  MetricFamily used = GaugeFamily("plumbline_kv_cache_used_tokens", "Tokens in the KV cache.");
  MetricFamily capacity =
      GaugeFamily("plumbline_kv_cache_capacity_tokens", "Tokens the KV cache can hold.");
  MetricFamily weights =
      GaugeFamily("plumbline_model_weights_bytes", "Memory of the model's weights.");
  MetricFamily slots = GaugeFamily("plumbline_adapter_slots", "Packed adapters, by state.");
  MetricFamily slot_bytes =
      GaugeFamily("plumbline_adapter_slots_bytes", "Memory of the packed adapters.");
  MetricFamily budget = GaugeFamily("plumbline_adapter_slots_budget_bytes",
                                    "Memory packed adapters may take; 0: no bound.");
  MetricFamily evictions = CounterFamily("plumbline_adapter_evictions_total",
                                         "Adapters that gave way to others since start.");
  MetricFamily repacks = CounterFamily("plumbline_adapter_repacks_total",
                                       "Adapters packed again after an eviction since start.");
  for (const EngineFigures& e : engines) {
    for (const auto& [kind, count] : {std::pair<const char*, int64_t>{"prompt", e.prompt_tokens},
                                      {"completion", e.completion_tokens},
                                      {"scored", e.scored_tokens}}) {
      AddSample(tokens, {{"model", e.model}, {"kind", kind}}, static_cast<double>(count));
    }
    const MetricLabels labels = {{"model", e.model}};
    AddSample(steps, labels, static_cast<double>(e.steps));
    AddSample(rows, labels, static_cast<double>(e.rows));
    if (e.steps > 0) {
      AddSample(width, labels, static_cast<double>(e.rows) / static_cast<double>(e.steps));
    }
    AddSample(sequences, {{"model", e.model}, {"state", "running"}}, e.running);
    AddSample(sequences, {{"model", e.model}, {"state", "waiting"}}, e.waiting);
    AddSample(used, labels, static_cast<double>(e.kv_tokens_used));
    AddSample(capacity, labels, static_cast<double>(e.kv_tokens_capacity));
    AddSample(weights, labels, static_cast<double>(e.weight_bytes));
    AddSample(slots, {{"model", e.model}, {"state", "pinned"}}, e.adapters_pinned);
    AddSample(slots, {{"model", e.model}, {"state", "idle"}},
              e.adapters_packed - e.adapters_pinned);
    AddSample(slot_bytes, labels, static_cast<double>(e.adapter_bytes));
    AddSample(budget, labels, static_cast<double>(e.adapter_budget_bytes));
    AddSample(evictions, labels, static_cast<double>(e.adapter_evictions));
    AddSample(repacks, labels, static_cast<double>(e.adapter_repacks));
  }
  for (MetricFamily* family : {&tokens, &steps, &rows, &width, &sequences, &used, &capacity,
                               &weights, &slots, &slot_bytes, &budget, &evictions, &repacks}) {
    families.push_back(std::move(*family));
  }
}

void RenderAdapters(std::vector<AdapterFigures> adapters, int max_adapters,
                    std::vector<MetricFamily>& families) {
  // Published ones first: those are what a dashboard asks for.
  std::stable_sort(adapters.begin(), adapters.end(),
                   [](const AdapterFigures& a, const AdapterFigures& b) {
                     return !a.adapter.empty() && b.adapter.empty();
                   });
  const size_t shown = std::min(adapters.size(), static_cast<size_t>(max_adapters));
  Gauge(families, "plumbline_adapters_known", "Adapter versions published or held.",
        static_cast<double>(adapters.size()));
  Gauge(families, "plumbline_adapters_resident", "Adapter versions whose weights are in memory.",
        static_cast<double>(std::count_if(adapters.begin(), adapters.end(),
                                          [](const AdapterFigures& a) { return a.resident; })));
  Gauge(families, "plumbline_adapter_series_dropped",
        "Adapter versions left out of the metrics because there are too many.",
        static_cast<double>(adapters.size() - shown));
  MetricFamily bytes =
      GaugeFamily("plumbline_adapter_resident_bytes", "Memory of an adapter version.");
  MetricFamily pins = GaugeFamily("plumbline_adapter_pins", "Holders of an adapter version.");
  MetricFamily load =
      GaugeFamily("plumbline_adapter_load_seconds", "Time the load of an adapter version took.");
  for (size_t i = 0; i < shown; ++i) {
    const AdapterFigures& a = adapters[i];
    const MetricLabels labels = {
        {"model", a.model}, {"adapter", a.adapter}, {"version", a.version.substr(0, 12)}};
    AddSample(bytes, labels, static_cast<double>(a.bytes));
    AddSample(pins, labels, a.pins);
    AddSample(load, labels, absl::ToDoubleSeconds(a.load_time));
  }
  families.push_back(std::move(bytes));
  families.push_back(std::move(pins));
  families.push_back(std::move(load));
}

}  // namespace

RuntimeCollector::RuntimeCollector(RuntimeSources sources) : sources_(std::move(sources)) {}

std::vector<MetricFamily> RuntimeCollector::Collect() const {
  std::vector<MetricFamily> families;
  if (!sources_.version.empty()) {
    families.push_back(GaugeFamily("plumbline_build_info", "The program's version; always 1."));
    AddSample(families.back(), {{"version", sources_.version}}, 1);
  }
  if (sources_.store) {
    absl::StatusOr<StoreStats> stats = sources_.store();
    if (stats.ok()) {
      RenderStore(*stats, families);
    } else {
      ++failures_;
      spdlog::error("metrics of the store: {}", stats.status().ToString());
    }
  }
  if (sources_.runner) RenderRunner(sources_.runner(), families);
  if (sources_.engine) RenderEngine(sources_.engine(), families);
  if (sources_.adapters) RenderAdapters(sources_.adapters(), sources_.max_adapters, families);
  if (sources_.watch_streams) {
    Gauge(families, "plumbline_watch_streams", "Open watches of jobs.",
          static_cast<double>(sources_.watch_streams()));
  }
  Count(families, "plumbline_metric_source_failures_total",
        "Readings of a source of metrics that failed since start.", failures_);
  return NonEmpty(std::move(families));
}

}  // namespace plumbline
