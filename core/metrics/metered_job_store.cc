#include "core/metrics/metered_job_store.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace plumbline {
namespace {

const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

bool IsStoresFault(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kInternal:
      return true;
    default:
      return false;
  }
}

class MeteredJobStore : public JobStore {
 public:
  MeteredJobStore(JobStore& inner, prometheus::Registry& registry, const Clock& clock,
                  std::function<void()> results_changed)
      : inner_(inner),
        clock_(clock),
        results_changed_(std::move(results_changed)),
        seconds_(prometheus::BuildHistogram()
                     .Name("plumbline_store_call_seconds")
                     .Help("Time a call of the job store took.")
                     .Register(registry)),
        errors_(prometheus::BuildCounter()
                    .Name("plumbline_store_call_errors_total")
                    .Help("Calls of the job store that failed through no fault of the caller.")
                    .Register(registry)) {}

  absl::StatusOr<Job> CreateJob(const Job& job, int shard_items) override {
    return Measure(create_, [&] { return inner_.CreateJob(job, shard_items); });
  }
  absl::StatusOr<Job> GetJob(absl::string_view id) override {
    return Measure(get_, [&] { return inner_.GetJob(id); });
  }
  absl::StatusOr<Job> GetJobByRequestId(absl::string_view request_id) override {
    return Measure(get_, [&] { return inner_.GetJobByRequestId(request_id); });
  }
  absl::StatusOr<JobPage> ListJobs(const JobFilter& filter, int page_size,
                                   absl::string_view page_token) override {
    return Measure(list_, [&] { return inner_.ListJobs(filter, page_size, page_token); });
  }
  absl::StatusOr<Job> CancelJob(absl::string_view id) override {
    return Measure(end_, [&] { return inner_.CancelJob(id); });
  }
  absl::StatusOr<Job> FinishJob(absl::string_view id, const JobGate& gate) override {
    absl::StatusOr<Job> job = Measure(end_, [&] { return inner_.FinishJob(id, gate); });
    if (job.ok() && results_changed_) results_changed_();
    return job;
  }
  absl::StatusOr<Job> FailJob(absl::string_view id, const absl::Status& error) override {
    return Measure(end_, [&] { return inner_.FailJob(id, error); });
  }
  absl::Status DeleteJob(absl::string_view id) override {
    absl::Status status = Measure(delete_, [&] { return inner_.DeleteJob(id); });
    if (status.ok() && results_changed_) results_changed_();
    return status;
  }
  absl::StatusOr<std::vector<Lease>> ClaimUnits(const ClaimRequest& request) override {
    return Measure(claim_, [&] { return inner_.ClaimUnits(request); });
  }
  absl::StatusOr<std::vector<Lease>> RenewLeases(absl::Span<const Lease> leases,
                                                 absl::Duration duration) override {
    return Measure(renew_, [&] { return inner_.RenewLeases(leases, duration); });
  }
  absl::Status ReleaseLeases(absl::Span<const Lease> leases) override {
    return Measure(renew_, [&] { return inner_.ReleaseLeases(leases); });
  }
  absl::StatusOr<std::vector<std::pair<int, int>>> RecordedInUnit(const Lease& lease) override {
    return Measure(claim_, [&] { return inner_.RecordedInUnit(lease); });
  }
  absl::StatusOr<std::vector<CommitOutcome>> CommitVerdicts(
      absl::Span<const LeasedVerdicts> batch) override {
    return Measure(commit_, [&] { return inner_.CommitVerdicts(batch); });
  }
  absl::StatusOr<EventPage> ReadEvents(absl::string_view id, int64_t after_sequence,
                                       int limit) override {
    return Measure(events_, [&] { return inner_.ReadEvents(id, after_sequence, limit); });
  }
  absl::StatusOr<VerdictPage> ReadVerdicts(absl::string_view id, const VerdictFilter& filter,
                                           int64_t after_sequence, int limit) override {
    return Measure(verdicts_,
                   [&] { return inner_.ReadVerdicts(id, filter, after_sequence, limit); });
  }
  absl::Status ReadObservations(
      absl::string_view id,
      const std::function<void(const RecordedObservations&)>& visit) override {
    return Measure(observations_, [&] { return inner_.ReadObservations(id, visit); });
  }
  absl::StatusOr<std::vector<FinishedCell>> LatestResults() override {
    return Measure(results_, [&] { return inner_.LatestResults(); });
  }
  absl::StatusOr<StoreStats> Stats() override { return inner_.Stats(); }

 private:
  // The two series of one kind of call. There from the start, so that a rate can be taken.
  struct Series {
    Series(MeteredJobStore& store, const char* call)
        : seconds(store.seconds_.Add(
              {{"call", call}},
              prometheus::Histogram::BucketBoundaries{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                      0.05, 0.1, 0.25, 1, 5})),
          errors(store.errors_.Add({{"call", call}})) {}
    prometheus::Histogram& seconds;
    prometheus::Counter& errors;
  };

  template <typename Call>
  std::invoke_result_t<Call> Measure(Series& series, Call call) {
    const absl::Time start = clock_.Now();
    std::invoke_result_t<Call> result = call();
    series.seconds.Observe(absl::ToDoubleSeconds(clock_.Now() - start));
    if (IsStoresFault(StatusOf(result))) series.errors.Increment();
    return result;
  }

  JobStore& inner_;
  const Clock& clock_;
  const std::function<void()> results_changed_;
  prometheus::Family<prometheus::Histogram>& seconds_;
  prometheus::Family<prometheus::Counter>& errors_;
  Series create_{*this, "create"};
  Series get_{*this, "get"};
  Series list_{*this, "list"};
  Series end_{*this, "end"};
  Series delete_{*this, "delete"};
  Series claim_{*this, "claim"};
  Series renew_{*this, "renew"};
  Series commit_{*this, "commit"};
  Series events_{*this, "read_events"};
  Series verdicts_{*this, "read_verdicts"};
  Series observations_{*this, "read_observations"};
  Series results_{*this, "latest_results"};
};

}  // namespace

std::shared_ptr<prometheus::Registry> NewMetricRegistry() {
  return std::make_shared<prometheus::Registry>();
}

std::unique_ptr<JobStore> NewMeteredJobStore(JobStore& inner, prometheus::Registry& registry,
                                             const Clock& clock,
                                             std::function<void()> results_changed) {
  return std::make_unique<MeteredJobStore>(inner, registry, clock, std::move(results_changed));
}

}  // namespace plumbline
