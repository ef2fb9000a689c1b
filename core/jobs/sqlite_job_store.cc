// The life of a job in SQLite: creation, listing, ends. See sqlite_schema.cc for the tables.
#include "core/jobs/sqlite_job_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_json.h"
#include "core/jobs/sqlite_job_store_internal.h"

namespace plumbline {
namespace {

absl::Status NoSuchJob(absl::string_view id) {
  return absl::NotFoundError(absl::StrCat("there is no job \"", id, "\""));
}

absl::Status ReadSubjects(SqliteConnection& db, int64_t no, Job& job) {
  Query query = db.Prepare(
      "SELECT alias, version, nominal_target, device, dtype, mode, model_version FROM job_subjects "
      "WHERE job_no = ? ORDER BY subject");
  query.Bind(no);
  while (true) {
    ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return absl::OkStatus();
    job.subjects.push_back({query.String(0), query.String(1), query.String(2),
                            Numerics{query.String(3), query.String(4), query.String(5)},
                            query.String(6)});
  }
}

absl::Status ReadTasks(SqliteConnection& db, int64_t no, Job& job) {
  Query query = db.Prepare(
      "SELECT name, version, capability, metrics, items, samples FROM job_tasks "
      "WHERE job_no = ? ORDER BY task");
  query.Bind(no);
  while (true) {
    ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return absl::OkStatus();
    ABSL_ASSIGN_OR_RETURN(std::vector<std::string> metrics, StringsFromJson(query.Text(3)));
    job.tasks.push_back({query.String(0), query.String(1), query.String(2), std::move(metrics),
                         query.Int(4), query.Int(5)});
  }
}

absl::Status InsertPins(SqliteConnection& db, int64_t no, const Job& job) {
  for (size_t i = 0; i < job.subjects.size(); ++i) {
    const PinnedSubject& s = job.subjects[i];
    ABSL_RETURN_IF_ERROR(db.Prepare("INSERT INTO job_subjects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
                             .Bind(no)
                             .Bind(static_cast<int64_t>(i))
                             .Bind(s.alias)
                             .Bind(s.version)
                             .Bind(s.nominal_target)
                             .Bind(s.numerics.device)
                             .Bind(s.numerics.dtype)
                             .Bind(s.numerics.mode)
                             .Bind(s.model_version)
                             .Run());
  }
  for (size_t i = 0; i < job.tasks.size(); ++i) {
    const PinnedTask& t = job.tasks[i];
    const std::string metrics = StringsToJson(t.metrics);
    ABSL_RETURN_IF_ERROR(db.Prepare("INSERT INTO job_tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
                             .Bind(no)
                             .Bind(static_cast<int64_t>(i))
                             .Bind(t.name)
                             .Bind(t.version)
                             .Bind(t.capability)
                             .Bind(metrics)
                             .Bind(t.items)
                             .Bind(t.samples)
                             .Run());
  }
  return absl::OkStatus();
}

absl::Status CheckNewJob(const Job& job, int shard_items) {
  if (job.request_id.empty()) return absl::InvalidArgumentError("request_id is empty");
  if (job.subjects.empty()) return absl::InvalidArgumentError("a job needs at least the base");
  if (job.tasks.empty()) return absl::InvalidArgumentError("a job needs at least one task");
  if (shard_items <= 0) return absl::InvalidArgumentError("shard_items must be positive");
  for (const PinnedTask& task : job.tasks) {
    if (task.items <= 0 || task.samples <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("task \"", task.name, "\" has no prompts or no samples"));
    }
  }
  return absl::OkStatus();
}

// The token is "<no>.<filter>": go on below job number `no`, under the same filter.
std::string FilterMark(const JobFilter& filter) {
  std::string text = absl::StrCat(filter.model, "\n", filter.label_key, "\n", filter.label_value);
  for (JobState state : filter.states) absl::StrAppend(&text, "\n", static_cast<int>(state));
  return Sha256Hex(text).substr(0, 16);
}

absl::StatusOr<int64_t> ParsePageToken(absl::string_view token, const JobFilter& filter) {
  if (token.empty()) return INT64_MAX;
  std::vector<std::string> parts = absl::StrSplit(token, '.');
  int64_t no = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &no) || no <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("page_token \"", token.substr(0, 40),
                                                   "\" was not made by this list; leave it out to "
                                                   "start from the first page"));
  }
  if (parts[1] != FilterMark(filter)) {
    return absl::InvalidArgumentError(
        "page_token belongs to a list with another filter; keep the filter between pages");
  }
  return no;
}

bool Matches(const JobFilter& filter, const Job& job) {
  if (!filter.label_key.empty()) {
    auto label = job.spec.labels.find(filter.label_key);
    if (label == job.spec.labels.end() || label->second != filter.label_value) return false;
  }
  return true;
}

}  // namespace

std::unique_ptr<JobStore> NewSqliteJobStore(std::shared_ptr<SqliteDatabase> database) {
  return std::make_unique<SqliteJobStore>(std::move(database));
}

absl::Status StoredStatus(int code, absl::string_view message) {
  if (code == 0) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(code), message);
}

absl::StatusOr<Job> ReadJobRow(SqliteConnection& db, const Query& query) {
  Job job;
  job.id = query.String(1);
  job.request_id = query.String(2);
  job.state = static_cast<JobState>(query.Int(3));
  job.counts = {query.Int64(4), query.Int64(5), query.Int64(6)};
  job.last_sequence = query.Int64(7);
  job.created = FromMicros(query.Int64(8));
  job.started = FromMicros(query.Int64(9));
  job.finished = FromMicros(query.Int64(10));
  job.error = StoredStatus(query.Int(11), query.Text(12));
  ABSL_ASSIGN_OR_RETURN(job.gate, GateFromJson(query.Text(13)));
  ABSL_ASSIGN_OR_RETURN(job.spec, JobSpecFromJson(query.Text(14)));
  ABSL_RETURN_IF_ERROR(ReadSubjects(db, query.Int64(0), job));
  ABSL_RETURN_IF_ERROR(ReadTasks(db, query.Int64(0), job));
  return job;
}

absl::StatusOr<Job> ReadJob(SqliteConnection& db, const char* sql, absl::string_view parameter) {
  Query query = db.Prepare(sql);
  query.Bind(parameter);
  ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
  if (!row) return NoSuchJob(parameter);
  return ReadJobRow(db, query);
}

constexpr char kJobById[] = "SELECT " PLUMBLINE_JOB_COLUMNS " FROM jobs WHERE id = ?";
constexpr char kJobByRequest[] = "SELECT " PLUMBLINE_JOB_COLUMNS " FROM jobs WHERE request_id = ?";

absl::StatusOr<JobRow> SqliteJobStore::FindJob(SqliteConnection& db, absl::string_view id) {
  Query query =
      db.Prepare("SELECT no, id, state, total, done, errors, last_sequence FROM jobs WHERE id = ?");
  query.Bind(id);
  ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
  if (!row) return NoSuchJob(id);
  return JobRow{query.Int64(0), query.String(1), static_cast<JobState>(query.Int(2)),
                query.Int64(3), query.Int64(4),  query.Int64(5),
                query.Int64(6)};
}

absl::Status SqliteJobStore::InsertUnits(SqliteConnection& db, int64_t no, const Job& job,
                                         int shard_items) {
  for (size_t task = 0; task < job.tasks.size(); ++task) {
    const PinnedTask& pinned = job.tasks[task];
    for (int first = 0, shard = 0; first < pinned.items; first += shard_items, ++shard) {
      const int items = std::min(shard_items, pinned.items - first);
      for (size_t subject = 0; subject < job.subjects.size(); ++subject) {
        ABSL_RETURN_IF_ERROR(
            db.Prepare(
                  "INSERT INTO units (job_no, task, shard, subject, first_item, items, samples, "
                  "remaining) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
                .Bind(no)
                .Bind(static_cast<int64_t>(task))
                .Bind(shard)
                .Bind(static_cast<int64_t>(subject))
                .Bind(first)
                .Bind(items)
                .Bind(pinned.samples)
                .Bind(int64_t{items} * pinned.samples)
                .Run());
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Job> SqliteJobStore::CreateJob(const Job& job, int shard_items) {
  ABSL_RETURN_IF_ERROR(Annotate(CheckNewJob(job, shard_items), "create job"));
  const std::string digest = JobSpecDigest(job.spec);
  const std::string spec = JobSpecToJson(job.spec);
  Job result;
  bool created = false;
  absl::Status status = database_->Write("create job", [&](SqliteConnection& db) -> absl::Status {
    {
      Query known = db.Prepare("SELECT id, spec_digest FROM jobs WHERE request_id = ?");
      known.Bind(job.request_id);
      ABSL_ASSIGN_OR_RETURN(bool row, known.Step());
      if (row && known.Text(1) != digest) {
        return absl::AlreadyExistsError(
            absl::StrCat("request_id \"", job.request_id, "\" made job \"", known.Text(0),
                         "\" from another request; use a new request_id for a new job"));
      }
      if (row) {
        ABSL_ASSIGN_OR_RETURN(result, ReadJob(db, kJobByRequest, job.request_id));
        return absl::OkStatus();
      }
    }
    const std::string id = database_->NewId("job");
    const int64_t now = ToMicros(database_->Now());
    ABSL_RETURN_IF_ERROR(
        db.Prepare("INSERT INTO jobs (id, request_id, spec_digest, model, priority, state, total, "
                   "last_sequence, created_us, spec) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)")
            .Bind(id)
            .Bind(job.request_id)
            .Bind(digest)
            .Bind(job.spec.model)
            .Bind(job.spec.priority)
            .Bind(static_cast<int>(JobState::kPending))
            .Bind(PlannedVerdicts(job.subjects, job.tasks))
            .Bind(now)
            .Bind(spec)
            .Run());
    const int64_t no = db.last_insert_rowid();
    ABSL_RETURN_IF_ERROR(
        db.Prepare("INSERT INTO events (job_no, sequence, state, time_us) VALUES (?, 1, ?, ?)")
            .Bind(no)
            .Bind(static_cast<int>(JobState::kPending))
            .Bind(now)
            .Run());
    ABSL_RETURN_IF_ERROR(InsertPins(db, no, job));
    ABSL_RETURN_IF_ERROR(InsertUnits(db, no, job, shard_items));
    ABSL_ASSIGN_OR_RETURN(result, ReadJob(db, kJobById, id));
    created = true;
    return absl::OkStatus();
  });
  ABSL_RETURN_IF_ERROR(status);
  if (created) Announce({{result.id, result.last_sequence, result.state}});
  return result;
}

absl::StatusOr<Job> SqliteJobStore::GetJob(absl::string_view id) {
  Job job;
  ABSL_RETURN_IF_ERROR(database_->Read("get job", [&](SqliteConnection& db) -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(job, ReadJob(db, kJobById, id));
    return absl::OkStatus();
  }));
  return job;
}

absl::StatusOr<Job> SqliteJobStore::GetJobByRequestId(absl::string_view request_id) {
  Job job;
  ABSL_RETURN_IF_ERROR(database_->Read("get job", [&](SqliteConnection& db) -> absl::Status {
    absl::StatusOr<Job> found = ReadJob(db, kJobByRequest, request_id);
    if (absl::IsNotFound(found.status())) {
      return absl::NotFoundError(absl::StrCat("no job has request_id \"", request_id, "\""));
    }
    ABSL_ASSIGN_OR_RETURN(job, std::move(found));
    return absl::OkStatus();
  }));
  return job;
}

absl::StatusOr<JobPage> SqliteJobStore::ListJobs(const JobFilter& filter, int page_size,
                                                 absl::string_view page_token) {
  if (page_size < 1 || page_size > 1000) {
    return absl::InvalidArgumentError(absl::StrCat("page_size is ", page_size, ", want 1 to 1000"));
  }
  ABSL_ASSIGN_OR_RETURN(int64_t below, ParsePageToken(page_token, filter));
  int64_t states = filter.states.empty() ? -1 : 0;  // a bit a state
  for (JobState state : filter.states) states |= int64_t{1} << static_cast<int>(state);
  JobPage page;
  int64_t last_no = 0;
  absl::Status status = database_->Read("list jobs", [&](SqliteConnection& db) -> absl::Status {
    Query query =
        db.Prepare("SELECT " PLUMBLINE_JOB_COLUMNS
                   " FROM jobs WHERE no < ? AND ((1 << state) & ?) != 0 AND (? = '' OR model = ?) "
                   "ORDER BY no DESC");
    query.Bind(below).Bind(states).Bind(filter.model).Bind(filter.model);
    while (true) {
      ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
      if (!row) return absl::OkStatus();
      ABSL_ASSIGN_OR_RETURN(Job job, ReadJobRow(db, query));
      if (!Matches(filter, job)) continue;
      if (page.jobs.size() == static_cast<size_t>(page_size)) {  // there is one more
        page.next_page_token = absl::StrCat(last_no, ".", FilterMark(filter));
        return absl::OkStatus();
      }
      last_no = query.Int64(0);
      page.jobs.push_back(std::move(job));
    }
  });
  ABSL_RETURN_IF_ERROR(status);
  return page;
}

absl::Status SqliteJobStore::Enter(SqliteConnection& db, JobRow& row,
                                   const Transition& transition) {
  const int64_t now = ToMicros(database_->Now());
  const absl::Status ok;
  const absl::Status& error = transition.error != nullptr ? *transition.error : ok;
  const std::string gate = transition.gate != nullptr ? GateToJson(*transition.gate) : "{}";
  const std::string message(error.message());
  row.state = transition.state;
  ++row.last_sequence;
  ABSL_RETURN_IF_ERROR(db.Prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)")
                           .Bind(row.no)
                           .Bind(row.last_sequence)
                           .Bind(static_cast<int>(row.state))
                           .Bind(now)
                           .Bind(static_cast<int>(error.code()))
                           .Bind(message)
                           .Bind(gate)
                           .Run());
  if (!IsTerminal(row.state)) {
    return db.Prepare("UPDATE jobs SET state = ?, last_sequence = ?, started_us = ? WHERE no = ?")
        .Bind(static_cast<int>(row.state))
        .Bind(row.last_sequence)
        .Bind(now)
        .Bind(row.no)
        .Run();
  }
  // Leases of an ended job are void: commits look at the job's state first.
  ABSL_RETURN_IF_ERROR(
      db.Prepare("UPDATE units SET owner = '', expires_us = 0 WHERE job_no = ? AND owner != ''")
          .Bind(row.no)
          .Run());
  return db
      .Prepare(
          "UPDATE jobs SET state = ?, last_sequence = ?, finished_us = ?, error_code = ?, "
          "error_message = ?, gate = ? WHERE no = ?")
      .Bind(static_cast<int>(row.state))
      .Bind(row.last_sequence)
      .Bind(now)
      .Bind(static_cast<int>(error.code()))
      .Bind(message)
      .Bind(gate)
      .Bind(row.no)
      .Run();
}

absl::StatusOr<Job> SqliteJobStore::EndJob(absl::string_view what, absl::string_view id,
                                           const Transition& transition) {
  Job job;
  bool changed = false;
  absl::Status status = database_->Write(what, [&](SqliteConnection& db) -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(JobRow row, FindJob(db, id));
    const bool repeated = IsTerminal(row.state) && (row.state == transition.state ||
                                                    transition.state == JobState::kCancelled);
    if (IsTerminal(row.state) && (!repeated || transition.state == JobState::kFailed)) {
      return absl::FailedPreconditionError(
          absl::StrCat("job \"", id, "\" has ended already: ", JobStateName(row.state)));
    }
    if (!repeated && transition.state == JobState::kSucceeded && row.done != row.total) {
      return absl::FailedPreconditionError(
          absl::StrCat("job \"", id, "\" has ", row.done, " of ", row.total, " verdicts recorded"));
    }
    if (!repeated) {
      ABSL_RETURN_IF_ERROR(Enter(db, row, transition));
      changed = true;
    }
    ABSL_ASSIGN_OR_RETURN(job, ReadJob(db, kJobById, id));
    return absl::OkStatus();
  });
  ABSL_RETURN_IF_ERROR(status);
  if (changed) Announce({{job.id, job.last_sequence, job.state}});
  return job;
}

absl::StatusOr<Job> SqliteJobStore::CancelJob(absl::string_view id) {
  return EndJob("cancel job", id, {JobState::kCancelled});
}

absl::StatusOr<Job> SqliteJobStore::FinishJob(absl::string_view id, const JobGate& gate) {
  return EndJob("finish job", id, {JobState::kSucceeded, nullptr, &gate});
}

absl::StatusOr<Job> SqliteJobStore::FailJob(absl::string_view id, const absl::Status& error) {
  if (error.ok()) return absl::InvalidArgumentError("fail job: the error is OK");
  return EndJob("fail job", id, {JobState::kFailed, &error});
}

absl::Status SqliteJobStore::DeleteJob(absl::string_view id) {
  return database_->Write("delete job", [&](SqliteConnection& db) -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(JobRow row, FindJob(db, id));
    if (!IsTerminal(row.state)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "job \"", id, "\" is ", JobStateName(row.state), "; cancel it before you delete it"));
    }
    for (const char* sql :
         {"DELETE FROM verdicts WHERE job_no = ?", "DELETE FROM events WHERE job_no = ?",
          "DELETE FROM units WHERE job_no = ?", "DELETE FROM job_subjects WHERE job_no = ?",
          "DELETE FROM job_tasks WHERE job_no = ?", "DELETE FROM jobs WHERE no = ?"}) {
      ABSL_RETURN_IF_ERROR(db.Prepare(sql).Bind(row.no).Run());
    }
    return absl::OkStatus();
  });
}

void SqliteJobStore::Announce(const std::vector<Announcement>& announcements) {
  if (database_->listener() == nullptr) return;
  for (const Announcement& a : announcements) {
    database_->listener()->OnEvents(a.job, a.last_sequence, a.state);
  }
}

}  // namespace plumbline
