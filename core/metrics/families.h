// Building blocks of a custom prometheus::Collectable. Internal to core/metrics.
#ifndef PLUMBLINE_CORE_METRICS_FAMILIES_H_
#define PLUMBLINE_CORE_METRICS_FAMILIES_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace plumbline {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// prometheus-cpp writes HELP as it is: no line breaks or backslashes in `help`.
inline prometheus::MetricFamily GaugeFamily(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Gauge, {}};
}
inline prometheus::MetricFamily CounterFamily(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Counter, {}};
}

// Adds one sample to a gauge or counter family.
inline void AddSample(prometheus::MetricFamily& family, const MetricLabels& labels, double value) {
  prometheus::ClientMetric metric;
  for (const auto& [name, label] : labels) metric.label.push_back({name, label});
  if (family.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family.metric.push_back(std::move(metric));
}

// Without its empty families: a family without samples would still write HELP and TYPE.
inline std::vector<prometheus::MetricFamily> NonEmpty(
    std::vector<prometheus::MetricFamily> families) {
  std::vector<prometheus::MetricFamily> result;
  for (prometheus::MetricFamily& family : families) {
    if (!family.metric.empty()) result.push_back(std::move(family));
  }
  return result;
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_METRICS_FAMILIES_H_
