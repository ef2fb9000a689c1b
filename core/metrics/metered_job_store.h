// A JobStore that measures another one: how long each kind of call takes and how often it fails,
// and tells when results have changed. Everything else is the wrapped store's.
#ifndef PLUMBLINE_CORE_METRICS_METERED_JOB_STORE_H_
#define PLUMBLINE_CORE_METRICS_METERED_JOB_STORE_H_

#include <prometheus/registry.h>

#include <functional>
#include <memory>

#include "core/base/clock.h"
#include "core/jobs/job_store.h"

namespace plumbline {

// A registry for what is counted as it happens; it is one of MetricsServer's collectables.
std::shared_ptr<prometheus::Registry> NewMetricRegistry();

// Adds to `registry`:
//   plumbline_store_call_seconds{call}         histogram
//   plumbline_store_call_errors_total{call}    calls whose error is the store's, not the caller's
// `results_changed` (may be empty; must not block) is called after a job succeeded or was deleted:
// the moment to refresh the scores. All arguments must outlive the result.
std::unique_ptr<JobStore> NewMeteredJobStore(JobStore& inner, prometheus::Registry& registry,
                                             const Clock& clock,
                                             std::function<void()> results_changed);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_METRICS_METERED_JOB_STORE_H_
