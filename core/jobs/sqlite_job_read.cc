// Reading jobs' histories from SQLite, in bounded memory, on the read-only connections.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_json.h"
#include "core/jobs/sqlite_job_store_internal.h"

namespace plumbline {
namespace {

// Text of one page of events or verdicts; a page holds at least one whatever its size.
constexpr int64_t kPageBytes = 1 << 20;

#define PLUMBLINE_VERDICT_COLUMNS                                                              \
  "v.sequence, v.subject, v.task, v.item, v.sample, v.passed, v.error_code, v.finish_reason, " \
  "v.prompt_tokens, v.completion_tokens, v.latency_us, v.committed_us, v.key, v.device, "      \
  "v.dtype, v.mode, v.checker, v.observations, v.error_message, v.extracted, v.choices, "      \
  "v.outcomes, v.response"

absl::StatusOr<Verdict> ReadVerdictRow(const Query& query) {
  Verdict v;
  v.sequence = query.Int64(0);
  v.subject = query.Int(1);
  v.task = query.Int(2);
  v.item = query.Int(3);
  v.sample = query.Int(4);
  v.passed = query.Int(5) != 0;
  v.error = StoredStatus(query.Int(6), query.Text(18));
  v.finish_reason = static_cast<FinishReason>(query.Int(7));
  v.prompt_tokens = query.Int(8);
  v.completion_tokens = query.Int(9);
  v.latency = absl::Microseconds(query.Int64(10));
  v.committed = FromMicros(query.Int64(11));
  v.key = query.String(12);
  v.numerics = {query.String(13), query.String(14), query.String(15)};
  v.checker_version = query.String(16);
  ABSL_ASSIGN_OR_RETURN(v.observations, ObservationsFromJson(query.Text(17)));
  v.extracted = query.String(19);
  ABSL_ASSIGN_OR_RETURN(v.choices, ChoicesFromJson(query.Text(20)));
  ABSL_ASSIGN_OR_RETURN(v.outcomes, OutcomesFromJson(query.Text(21)));
  v.response = query.String(22);
  return v;
}

int64_t TextBytes(const Verdict& v) {
  int64_t bytes = static_cast<int64_t>(v.response.size() + v.extracted.size());
  for (const CheckOutcome& outcome : v.outcomes) {
    bytes += static_cast<int64_t>(outcome.explanation.size() + outcome.id.size());
  }
  return bytes + 256;
}

absl::StatusOr<JobEvent> ReadStateEvent(const Query& query) {
  JobEvent event;
  event.sequence = query.Int64(0);
  event.state = static_cast<JobState>(query.Int(1));
  event.kind = IsTerminal(event.state) ? JobEvent::Kind::kTerminal : JobEvent::Kind::kStateChange;
  event.time = FromMicros(query.Int64(2));
  event.error = StoredStatus(query.Int(3), query.Text(4));
  ABSL_ASSIGN_OR_RETURN(event.gate, GateFromJson(query.Text(5)));
  return event;
}

absl::Status CheckPage(int64_t after_sequence, int limit) {
  if (after_sequence < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("after_sequence is ", after_sequence, ", want 0 or more"));
  }
  if (limit < 1 || limit > 1000) {
    return absl::InvalidArgumentError(absl::StrCat("limit is ", limit, ", want 1 to 1000"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EventPage> SqliteJobStore::ReadEvents(absl::string_view id, int64_t after_sequence,
                                                     int limit) {
  ABSL_RETURN_IF_ERROR(CheckPage(after_sequence, limit));
  EventPage page;
  absl::Status status = database_->Read("read events", [&](SqliteConnection& db) -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(JobRow job, FindJob(db, id));
    page.last_sequence = job.last_sequence;
    page.state = job.state;
    if (after_sequence > job.last_sequence) {
      return absl::OutOfRangeError(absl::StrCat("after_sequence ", after_sequence,
                                                " is in the future: the last sequence of job \"",
                                                id, "\" is ", job.last_sequence));
    }
    if (after_sequence == job.last_sequence) return absl::OkStatus();
    Query verdicts = db.Prepare("SELECT " PLUMBLINE_VERDICT_COLUMNS
                                " FROM verdicts v WHERE job_no = ? AND sequence > ? "
                                "ORDER BY sequence LIMIT ?");
    Query changes = db.Prepare(
        "SELECT sequence, state, time_us, error_code, error_message, gate FROM events "
        "WHERE job_no = ? AND sequence > ? ORDER BY sequence LIMIT ?");
    verdicts.Bind(job.no).Bind(after_sequence).Bind(limit);
    changes.Bind(job.no).Bind(after_sequence).Bind(limit);
    ABSL_ASSIGN_OR_RETURN(bool has_verdict, verdicts.Step());
    ABSL_ASSIGN_OR_RETURN(bool has_change, changes.Step());
    int64_t bytes = 0;
    while ((has_verdict || has_change) && page.events.size() < static_cast<size_t>(limit) &&
           bytes < kPageBytes) {
      JobEvent event;
      if (has_change && (!has_verdict || changes.Int64(0) < verdicts.Int64(0))) {
        ABSL_ASSIGN_OR_RETURN(event, ReadStateEvent(changes));
        ABSL_ASSIGN_OR_RETURN(has_change, changes.Step());
      } else {
        ABSL_ASSIGN_OR_RETURN(event.verdict, ReadVerdictRow(verdicts));
        event.kind = JobEvent::Kind::kVerdict;
        event.sequence = event.verdict->sequence;
        event.time = event.verdict->committed;
        event.state = JobState::kRunning;
        bytes += TextBytes(*event.verdict);
        ABSL_ASSIGN_OR_RETURN(has_verdict, verdicts.Step());
      }
      page.events.push_back(std::move(event));
    }
    return absl::OkStatus();
  });
  ABSL_RETURN_IF_ERROR(status);
  return page;
}

absl::StatusOr<VerdictPage> SqliteJobStore::ReadVerdicts(absl::string_view id,
                                                         const VerdictFilter& filter,
                                                         int64_t after_sequence, int limit) {
  ABSL_RETURN_IF_ERROR(CheckPage(after_sequence, limit));
  VerdictPage page;
  absl::Status status = database_->Read("read verdicts", [&](SqliteConnection& db) -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(JobRow job, FindJob(db, id));
    Query query = db.Prepare(
        "SELECT " PLUMBLINE_VERDICT_COLUMNS
        " FROM verdicts v WHERE v.job_no = ?1 AND v.sequence > ?2 "
        "AND (?3 < 0 OR v.subject = ?3) AND (?4 < 0 OR v.task = ?4) "
        "AND (?5 = 0 OR v.passed = 0) AND (?6 = 0 OR v.error_code != 0) "
        "AND (?7 = 0 OR (v.error_code = 0 AND EXISTS (SELECT 1 FROM verdicts b WHERE "
        "b.job_no = v.job_no AND b.subject = 0 AND b.task = v.task AND b.item = v.item AND "
        "b.sample = v.sample AND b.error_code = 0 AND b.passed != v.passed))) "
        "ORDER BY v.sequence LIMIT ?8");
    query.Bind(job.no).Bind(after_sequence);
    query.Bind(filter.subject.value_or(-1)).Bind(filter.task.value_or(-1));
    query.Bind(filter.failed_only ? 1 : 0).Bind(filter.errors_only ? 1 : 0);
    query.Bind(filter.flipped_only ? 1 : 0).Bind(limit + 1);
    int64_t bytes = 0;
    while (true) {
      ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
      if (!row) return absl::OkStatus();
      if (page.verdicts.size() == static_cast<size_t>(limit) || bytes >= kPageBytes) {
        page.more = true;
        return absl::OkStatus();
      }
      ABSL_ASSIGN_OR_RETURN(Verdict verdict, ReadVerdictRow(query));
      bytes += TextBytes(verdict);
      page.verdicts.push_back(std::move(verdict));
    }
  });
  ABSL_RETURN_IF_ERROR(status);
  return page;
}

absl::Status SqliteJobStore::ReadObservations(
    absl::string_view id, const std::function<void(const RecordedObservations&)>& visit) {
  return database_->Read("read observations", [&](SqliteConnection& db) -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(JobRow job, FindJob(db, id));
    Query query = db.Prepare(
        "SELECT subject, task, item, sample, error_code, key, observations, extracted FROM "
        "verdicts INDEXED BY verdicts_by_prompt WHERE job_no = ? ORDER BY subject, task, item, "
        "sample");
    query.Bind(job.no);
    RecordedObservations recorded;
    while (true) {
      ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
      if (!row) return absl::OkStatus();
      recorded.subject = query.Int(0);
      recorded.task = query.Int(1);
      recorded.item = query.Int(2);
      recorded.sample = query.Int(3);
      recorded.is_error = query.Int(4) != 0;
      recorded.key = query.String(5);
      recorded.too_long = query.Int(4) == static_cast<int>(absl::StatusCode::kOutOfRange);
      recorded.extracted = query.String(7);
      ABSL_ASSIGN_OR_RETURN(recorded.observations, ObservationsFromJson(query.Text(6)));
      visit(recorded);
    }
  });
}

absl::StatusOr<std::vector<FinishedCell>> SqliteJobStore::LatestResults() {
  std::vector<FinishedCell> cells;
  absl::Status status =
      database_->Read("latest results", [&](SqliteConnection& db) -> absl::Status {
        Query query = db.Prepare(
            "SELECT model, alias, version, name, id, subject, task, finished_us FROM ("
            "SELECT j.model, s.alias, s.version, t.name, j.id, s.subject, t.task, j.finished_us, "
            "row_number() OVER (PARTITION BY j.model, s.alias, t.name "
            "ORDER BY j.finished_us DESC, j.no DESC) AS age "
            "FROM jobs j JOIN job_subjects s ON s.job_no = j.no JOIN job_tasks t ON t.job_no = "
            "j.no "
            "WHERE j.state = ?) WHERE age = 1 ORDER BY model, alias, name");
        query.Bind(static_cast<int>(JobState::kSucceeded));
        while (true) {
          ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
          if (!row) return absl::OkStatus();
          cells.push_back({query.String(0), query.String(1), query.String(2), query.String(3),
                           query.String(4), query.Int(5), query.Int(6),
                           FromMicros(query.Int64(7))});
        }
      });
  ABSL_RETURN_IF_ERROR(status);
  return cells;
}

absl::StatusOr<StoreStats> SqliteJobStore::Stats() {
  StoreStats stats;
  stats.commits = database_->commits();
  stats.errors = database_->errors();
  stats.verdicts = verdicts_;
  stats.duplicate_verdicts = duplicates_;
  stats.fenced_commits = fenced_;
  stats.leases_claimed = claimed_;
  stats.leases_renewed = renewed_;
  stats.leases_expired = expired_;
  for (JobState state : {JobState::kPending, JobState::kRunning, JobState::kSucceeded,
                         JobState::kFailed, JobState::kCancelled}) {
    stats.jobs.emplace_back(state, 0);
  }
  absl::Status status = database_->Read("stats", [&](SqliteConnection& db) -> absl::Status {
    Query query = db.Prepare("SELECT state, count(*) FROM jobs GROUP BY state");
    while (true) {
      ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
      if (!row) return absl::OkStatus();
      stats.jobs.at(static_cast<size_t>(query.Int(0))).second = query.Int64(1);
    }
  });
  ABSL_RETURN_IF_ERROR(status);
  return stats;
}

}  // namespace plumbline
