#include "server/server_metrics.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status_macros.h"
#include "core/metrics/metered_job_store.h"
#include "core/metrics/runtime_collector.h"
#include "server/config.h"

namespace plumbline {
namespace {

std::vector<EngineFigures> EngineFiguresOf(const ModelHost& host) {
  std::vector<EngineFigures> figures;
  for (const auto& [model, stats] : host.Stats()) {
    EngineFigures f;
    f.model = model;
    f.prompt_tokens = stats.prompt_tokens;
    f.completion_tokens = stats.completion_tokens;
    f.scored_tokens = stats.scored_tokens;
    f.steps = stats.steps;
    f.rows = stats.rows;
    f.running = stats.running;
    f.waiting = stats.waiting;
    f.kv_tokens_used = stats.kv_tokens_used;
    f.kv_tokens_capacity = stats.kv_tokens_capacity;
    f.adapters_packed = stats.adapters.resident;
    f.adapters_pinned = stats.adapters.pinned;
    f.adapter_bytes = stats.adapters.bytes;
    f.adapter_budget_bytes = stats.adapters.max_bytes;
    f.adapter_evictions = stats.adapters.evictions;
    f.adapter_repacks = stats.adapters.repacks;
    const absl::StatusOr<ModelInfo> info = host.GetModel(model);
    if (info.ok()) f.weight_bytes = info->weight_bytes;
    figures.push_back(std::move(f));
  }
  return figures;
}

std::vector<AdapterFigures> AdapterFiguresOf(const ModelHost& host) {
  std::vector<AdapterFigures> figures;
  for (const AdapterInfo& info : host.ListAdapters("")) {
    figures.push_back({info.model, info.alias, info.version, info.bytes, info.pins, info.load_time,
                       info.resident});
  }
  return figures;
}

}  // namespace

ServerMetrics::ServerMetrics(JobStore& inner)
    : registry_(NewMetricRegistry()),
      scores_(std::make_shared<ScoreCollector>(inner)),
      background_(std::make_unique<TaskExecutor>(1)),
      metered_(NewMeteredJobStore(inner, *registry_, SystemClock(),
                                  [this] { scores_->ScheduleRefresh(*background_); })) {}

ServerMetrics::~ServerMetrics() { Stop(); }

absl::Status ServerMetrics::Start(const std::string& address, ModelHost& host, JobRunner& runner,
                                  WatchHub& watches, TaskProvider& tasks) {
  scores_->UseTasks(&tasks);
  const absl::Status refreshed = scores_->Refresh();
  if (!refreshed.ok()) spdlog::error("scores for /metrics: {}", refreshed.ToString());
  RuntimeSources sources;
  sources.version = std::string(ServerVersion());
  sources.store = [this] { return metered_->Stats(); };
  sources.runner = [&runner] { return runner.stats(); };
  sources.engine = [&host] { return EngineFiguresOf(host); };
  sources.adapters = [&host] { return AdapterFiguresOf(host); };
  sources.watch_streams = [&watches] { return watches.live(); };
  ABSL_ASSIGN_OR_RETURN(
      server_,
      MetricsServer::Start(
          address, {registry_, scores_, std::make_shared<RuntimeCollector>(std::move(sources))}));
  return absl::OkStatus();
}

void ServerMetrics::Stop() {
  server_.reset();
  scores_->UseTasks(nullptr);
}

std::string ServerMetrics::address() const { return server_ == nullptr ? "" : server_->address(); }

}  // namespace plumbline
