// The class behind NewSqliteJobStore(); its methods are in sqlite_job_store.cc (life of a job),
// sqlite_job_work.cc (leases and verdicts) and sqlite_job_read.cc (reading). Internal to core/jobs.
#ifndef PLUMBLINE_CORE_JOBS_SQLITE_JOB_STORE_INTERNAL_H_
#define PLUMBLINE_CORE_JOBS_SQLITE_JOB_STORE_INTERNAL_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/jobs/job_store.h"
#include "core/jobs/sqlite_database.h"

namespace plumbline {

// The mutable part of a row of `jobs`, as transactions work with it.
struct JobRow {
  int64_t no = 0;
  std::string id;
  JobState state = JobState::kPending;
  int64_t total = 0;
  int64_t done = 0;
  int64_t errors = 0;
  int64_t last_sequence = 0;
};

class SqliteJobStore : public JobStore {
 public:
  explicit SqliteJobStore(std::shared_ptr<SqliteDatabase> database)
      : database_(std::move(database)) {}

  absl::StatusOr<Job> CreateJob(const Job& job, int shard_items) override;
  absl::StatusOr<Job> GetJob(absl::string_view id) override;
  absl::StatusOr<Job> GetJobByRequestId(absl::string_view request_id) override;
  absl::StatusOr<JobPage> ListJobs(const JobFilter& filter, int page_size,
                                   absl::string_view page_token) override;
  absl::StatusOr<Job> CancelJob(absl::string_view id) override;
  absl::StatusOr<Job> FinishJob(absl::string_view id, const JobGate& gate) override;
  absl::StatusOr<Job> FailJob(absl::string_view id, const absl::Status& error) override;
  absl::Status DeleteJob(absl::string_view id) override;

  absl::StatusOr<std::vector<Lease>> ClaimUnits(const ClaimRequest& request) override;
  absl::StatusOr<std::vector<Lease>> RenewLeases(absl::Span<const Lease> leases,
                                                 absl::Duration duration) override;
  absl::Status ReleaseLeases(absl::Span<const Lease> leases) override;
  absl::StatusOr<std::vector<std::pair<int, int>>> RecordedInUnit(const Lease& lease) override;
  absl::StatusOr<std::vector<CommitOutcome>> CommitVerdicts(
      absl::Span<const LeasedVerdicts> batch) override;

  absl::StatusOr<EventPage> ReadEvents(absl::string_view id, int64_t after_sequence,
                                       int limit) override;
  absl::StatusOr<VerdictPage> ReadVerdicts(absl::string_view id, const VerdictFilter& filter,
                                           int64_t after_sequence, int limit) override;
  absl::Status ReadObservations(
      absl::string_view id, const std::function<void(const RecordedObservations&)>& visit) override;
  absl::StatusOr<std::vector<FinishedCell>> LatestResults() override;
  absl::StatusOr<StoreStats> Stats() override;

 private:
  // How a job enters a state; null pointers: nothing to say.
  struct Transition {
    JobState state;
    const absl::Status* error = nullptr;
    const JobGate* gate = nullptr;
  };
  // What to tell the listener once the transaction has committed.
  struct Announcement {
    std::string job;
    int64_t last_sequence;
    JobState state;
  };

  // NotFound when there is no such job.
  static absl::StatusOr<JobRow> FindJob(SqliteConnection& db, absl::string_view id);
  static absl::Status InsertUnits(SqliteConnection& db, int64_t no, const Job& job,
                                  int shard_items);
  // Changes the state, appends its event and advances `row`.
  absl::Status Enter(SqliteConnection& db, JobRow& row, const Transition& transition);
  absl::StatusOr<Job> EndJob(absl::string_view what, absl::string_view id,
                             const Transition& transition);
  absl::Status Commit(SqliteConnection& db, const LeasedVerdicts& leased, JobRow& row,
                      CommitOutcome& outcome);
  void Announce(const std::vector<Announcement>& announcements);

  const std::shared_ptr<SqliteDatabase> database_;
  std::atomic<int64_t> verdicts_{0};
  std::atomic<int64_t> duplicates_{0};
  std::atomic<int64_t> fenced_{0};
  std::atomic<int64_t> claimed_{0};
  std::atomic<int64_t> renewed_{0};
  std::atomic<int64_t> expired_{0};
};

// Shared by the parts. `where` completes "SELECT ... FROM jobs WHERE" and has one parameter.
absl::StatusOr<Job> ReadJob(SqliteConnection& db, const char* sql, absl::string_view parameter);
// The columns ReadJobRow needs, in order.
#define PLUMBLINE_JOB_COLUMNS                                                               \
  "no, id, request_id, state, total, done, errors, last_sequence, created_us, started_us, " \
  "finished_us, error_code, error_message, gate, spec"
// A whole job from the current row of a query over PLUMBLINE_JOB_COLUMNS.
absl::StatusOr<Job> ReadJobRow(SqliteConnection& db, const Query& query);
absl::Status StoredStatus(int code, absl::string_view message);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_SQLITE_JOB_STORE_INTERNAL_H_
