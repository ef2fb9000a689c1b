// Leases and verdicts in SQLite: the transactions behind "exactly once".
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_json.h"
#include "core/jobs/sqlite_job_store_internal.h"

namespace plumbline {
namespace {

// A job with work left, as the claim sees it.
struct Candidate {
  int64_t no = 0;
  std::string id;
  JobState state = JobState::kPending;
  int priority = 0;
  int64_t last_sequence = 0;
  int64_t live = 0;           // live leases of anybody
  int64_t mine = 0;           // live leases of the claimer
  std::vector<Lease> open;    // units without a live lease, best first; filled when first needed
  std::vector<bool> expired;  // by `open`: an owner let it expire
  size_t next = 0;            // into `open`
  bool loaded = false;
};

absl::StatusOr<std::vector<Candidate>> FindCandidates(SqliteConnection& db,
                                                      const JobStore::ClaimRequest& request,
                                                      int64_t now) {
  const std::set<std::string> skipped(request.skip_jobs.begin(), request.skip_jobs.end());
  std::vector<Candidate> candidates;
  Query query = db.Prepare(
      "SELECT no, id, state, priority, last_sequence, "
      "(SELECT count(*) FROM units u WHERE u.job_no = jobs.no AND expires_us > ?1), "
      "(SELECT count(*) FROM units u WHERE u.job_no = jobs.no AND expires_us > ?1 AND owner = ?2) "
      "FROM jobs WHERE state IN (0, 1) AND done < total ORDER BY no");
  query.Bind(now).Bind(request.owner);
  while (true) {
    ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return candidates;
    if (skipped.count(query.String(1)) > 0) continue;
    Candidate c;
    c.no = query.Int64(0);
    c.id = query.String(1);
    c.state = static_cast<JobState>(query.Int(2));
    c.priority = query.Int(3);
    c.last_sequence = query.Int64(4);
    c.live = query.Int64(5);
    c.mine = query.Int64(6);
    candidates.push_back(std::move(c));
  }
}

absl::Status LoadOpenUnits(SqliteConnection& db, int64_t now, int limit, Candidate& candidate) {
  candidate.loaded = true;
  Query query = db.Prepare(
      "SELECT subject, task, shard, epoch, first_item, items, samples, owner FROM units "
      "WHERE job_no = ? AND remaining > 0 AND expires_us <= ? ORDER BY task, shard, subject "
      "LIMIT ?");
  query.Bind(candidate.no).Bind(now).Bind(limit);
  while (true) {
    ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return absl::OkStatus();
    Lease lease;
    lease.unit = {candidate.id, query.Int(0), query.Int(1), query.Int(2)};
    lease.epoch = query.Int64(3) + 1;
    lease.first_item = query.Int(4);
    lease.items = query.Int(5);
    lease.samples = query.Int(6);
    candidate.open.push_back(std::move(lease));
    candidate.expired.push_back(!query.Text(7).empty());
  }
}

// The candidate whose turn it is: highest priority, then fewest live leases, then oldest.
Candidate* NextInTurn(std::vector<Candidate>& candidates, int per_job) {
  Candidate* best = nullptr;
  for (Candidate& c : candidates) {
    if (c.mine >= per_job || (c.loaded && c.next == c.open.size())) continue;
    if (best == nullptr || c.priority > best->priority ||
        (c.priority == best->priority && c.live < best->live)) {
      best = &c;
    }
  }
  return best;
}

// The unit's row as a commit needs it.
struct UnitRow {
  std::string owner;
  int64_t epoch = 0;
  int64_t expires = 0;
  int64_t remaining = 0;
  int first_item = 0;
  int items = 0;
  int samples = 0;
};

absl::StatusOr<UnitRow> FindUnit(SqliteConnection& db, int64_t no, const UnitKey& unit) {
  Query query = db.Prepare(
      "SELECT owner, epoch, expires_us, remaining, first_item, items, samples FROM units "
      "WHERE job_no = ? AND task = ? AND shard = ? AND subject = ?");
  query.Bind(no).Bind(unit.task).Bind(unit.shard).Bind(unit.subject);
  ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
  if (!row) {
    return absl::NotFoundError(absl::StrCat("job \"", unit.job, "\" has no unit (subject ",
                                            unit.subject, ", task ", unit.task, ", shard ",
                                            unit.shard, ")"));
  }
  return UnitRow{query.String(0), query.Int64(1), query.Int64(2), query.Int64(3),
                 query.Int(4),    query.Int(5),   query.Int(6)};
}

absl::Status CheckInside(const UnitRow& unit, const UnitKey& key, const Verdict& v) {
  if (v.subject == key.subject && v.task == key.task && v.item >= unit.first_item &&
      v.item < unit.first_item + unit.items && v.sample >= 0 && v.sample < unit.samples) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("a verdict (subject ", v.subject, ", task ",
                                                 v.task, ", item ", v.item, ", sample ", v.sample,
                                                 ") lies outside its unit"));
}

// True if it was inserted, false if it was there already.
absl::StatusOr<bool> InsertVerdict(SqliteConnection& db, int64_t no, int64_t sequence, int64_t now,
                                   const Verdict& v) {
  const std::string observations = ObservationsToJson(v.observations);
  const std::string outcomes = OutcomesToJson(v.outcomes);
  const std::string choices = ChoicesToJson(v.choices);
  const std::string message(v.error.message());
  ABSL_RETURN_IF_ERROR(
      db.Prepare("INSERT INTO verdicts (job_no, sequence, subject, task, item, sample, passed, "
                 "error_code, finish_reason, prompt_tokens, completion_tokens, latency_us, "
                 "committed_us, key, device, dtype, mode, checker, observations, error_message, "
                 "extracted, choices, outcomes, response) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                 "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                 "ON CONFLICT (job_no, subject, task, item, sample) DO NOTHING")
          .Bind(no)
          .Bind(sequence)
          .Bind(v.subject)
          .Bind(v.task)
          .Bind(v.item)
          .Bind(v.sample)
          .Bind(v.passed ? 1 : 0)
          .Bind(static_cast<int>(v.error.code()))
          .Bind(static_cast<int>(v.finish_reason))
          .Bind(v.prompt_tokens)
          .Bind(v.completion_tokens)
          .Bind(absl::ToInt64Microseconds(v.latency))
          .Bind(now)
          .Bind(v.key)
          .Bind(v.numerics.device)
          .Bind(v.numerics.dtype)
          .Bind(v.numerics.mode)
          .Bind(v.checker_version)
          .Bind(observations)
          .Bind(message)
          .Bind(v.extracted)
          .Bind(choices)
          .Bind(outcomes)
          .Bind(v.response)
          .Run());
  return db.changes() == 1;
}

}  // namespace

absl::StatusOr<std::vector<Lease>> SqliteJobStore::ClaimUnits(const ClaimRequest& request) {
  if (request.owner.empty()) return absl::InvalidArgumentError("claim units: owner is empty");
  std::vector<Lease> leases;
  std::vector<Announcement> announcements;
  int64_t expired = 0;
  absl::Status status = database_->Write("claim units", [&](SqliteConnection& db) -> absl::Status {
    const absl::Time now = database_->Now();
    const absl::Time expires = now + request.duration;
    ABSL_ASSIGN_OR_RETURN(std::vector<Candidate> candidates,
                          FindCandidates(db, request, ToMicros(now)));
    while (leases.size() < static_cast<size_t>(std::max(0, request.limit))) {
      Candidate* c = NextInTurn(candidates, request.per_job);
      if (c == nullptr) break;
      if (!c->loaded) {
        ABSL_RETURN_IF_ERROR(
            LoadOpenUnits(db, ToMicros(now), std::min(request.limit, request.per_job), *c));
        continue;
      }
      Lease& lease = c->open[c->next];
      lease.owner = request.owner;
      lease.expires = FromMicros(ToMicros(expires));
      ABSL_RETURN_IF_ERROR(db.Prepare("UPDATE units SET owner = ?, epoch = ?, expires_us = ? "
                                      "WHERE job_no = ? AND task = ? AND shard = ? AND subject = ?")
                               .Bind(lease.owner)
                               .Bind(lease.epoch)
                               .Bind(ToMicros(expires))
                               .Bind(c->no)
                               .Bind(lease.unit.task)
                               .Bind(lease.unit.shard)
                               .Bind(lease.unit.subject)
                               .Run());
      if (c->state == JobState::kPending) {
        JobRow row{c->no, c->id, c->state, 0, 0, 0, c->last_sequence};
        ABSL_RETURN_IF_ERROR(Enter(db, row, {JobState::kRunning}));
        c->state = row.state;
        announcements.push_back({c->id, row.last_sequence, row.state});
      }
      if (c->expired[c->next]) ++expired;
      ++c->live;
      ++c->mine;
      ++c->next;
      leases.push_back(lease);
    }
    return absl::OkStatus();
  });
  ABSL_RETURN_IF_ERROR(status);
  claimed_ += static_cast<int64_t>(leases.size());
  expired_ += expired;
  Announce(announcements);
  return leases;
}

absl::StatusOr<std::vector<Lease>> SqliteJobStore::RenewLeases(absl::Span<const Lease> leases,
                                                               absl::Duration duration) {
  std::vector<Lease> live;
  if (leases.empty()) return live;
  absl::Status status = database_->Write("renew leases", [&](SqliteConnection& db) -> absl::Status {
    const absl::Time now = database_->Now();
    const int64_t expires = ToMicros(now + duration);
    for (const Lease& lease : leases) {
      ABSL_RETURN_IF_ERROR(
          db.Prepare("UPDATE units SET expires_us = ? WHERE job_no = (SELECT no FROM jobs WHERE "
                     "id = ? AND state IN (0, 1)) AND task = ? AND shard = ? AND subject = ? "
                     "AND owner = ? AND epoch = ? AND expires_us > ? AND remaining > 0")
              .Bind(expires)
              .Bind(lease.unit.job)
              .Bind(lease.unit.task)
              .Bind(lease.unit.shard)
              .Bind(lease.unit.subject)
              .Bind(lease.owner)
              .Bind(lease.epoch)
              .Bind(ToMicros(now))
              .Run());
      if (db.changes() == 0) continue;
      live.push_back(lease);
      live.back().expires = FromMicros(expires);
    }
    return absl::OkStatus();
  });
  ABSL_RETURN_IF_ERROR(status);
  renewed_ += static_cast<int64_t>(live.size());
  return live;
}

absl::Status SqliteJobStore::ReleaseLeases(absl::Span<const Lease> leases) {
  if (leases.empty()) return absl::OkStatus();
  return database_->Write("release leases", [&](SqliteConnection& db) -> absl::Status {
    for (const Lease& lease : leases) {
      ABSL_RETURN_IF_ERROR(
          db.Prepare("UPDATE units SET owner = '', expires_us = 0 WHERE job_no = (SELECT no FROM "
                     "jobs WHERE id = ?) AND task = ? AND shard = ? AND subject = ? AND owner = ? "
                     "AND epoch = ?")
              .Bind(lease.unit.job)
              .Bind(lease.unit.task)
              .Bind(lease.unit.shard)
              .Bind(lease.unit.subject)
              .Bind(lease.owner)
              .Bind(lease.epoch)
              .Run());
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<std::pair<int, int>>> SqliteJobStore::RecordedInUnit(
    const Lease& lease) {
  std::vector<std::pair<int, int>> recorded;
  absl::Status status = database_->Read("resume unit", [&](SqliteConnection& db) -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(JobRow row, FindJob(db, lease.unit.job));
    Query query = db.Prepare(
        "SELECT item, sample FROM verdicts WHERE job_no = ? AND subject = ? AND task = ? "
        "AND item >= ? AND item < ? ORDER BY item, sample");
    query.Bind(row.no).Bind(lease.unit.subject).Bind(lease.unit.task);
    query.Bind(lease.first_item).Bind(lease.first_item + lease.items);
    while (true) {
      ABSL_ASSIGN_OR_RETURN(bool more, query.Step());
      if (!more) return absl::OkStatus();
      recorded.emplace_back(query.Int(0), query.Int(1));
    }
  });
  ABSL_RETURN_IF_ERROR(status);
  return recorded;
}

// Everything that may refuse is looked at before the first insert, so that a refused entry leaves
// nothing behind while its neighbours in the transaction go through. Errors of the database itself
// are returned and roll the whole group back; refusals go into `outcome`.
absl::Status SqliteJobStore::Commit(SqliteConnection& db, const LeasedVerdicts& leased, JobRow& row,
                                    CommitOutcome& outcome) {
  const Lease& lease = leased.lease;
  const int64_t now = ToMicros(database_->Now());
  if (IsTerminal(row.state)) {
    outcome.status = absl::FailedPreconditionError(
        absl::StrCat("job \"", row.id, "\" has ended: ", JobStateName(row.state)));
    return absl::OkStatus();
  }
  absl::StatusOr<UnitRow> unit = FindUnit(db, row.no, lease.unit);
  if (!unit.ok()) {
    if (!absl::IsNotFound(unit.status())) return unit.status();
    outcome.status = unit.status();
    return absl::OkStatus();
  }
  if (unit->owner != lease.owner || unit->epoch != lease.epoch || unit->expires <= now) {
    outcome.status = absl::AbortedError(absl::StrCat(
        "lease of \"", lease.owner, "\" (epoch ", lease.epoch, ") on a unit of job \"", row.id,
        unit->owner == lease.owner && unit->epoch == lease.epoch
            ? "\" has expired"
            : "\" is lost: the unit is done or was claimed again"));
    return absl::OkStatus();
  }
  for (const Verdict& verdict : leased.verdicts) {
    outcome.status = CheckInside(*unit, lease.unit, verdict);
    if (!outcome.status.ok()) return absl::OkStatus();
  }
  for (const Verdict& verdict : leased.verdicts) {
    ABSL_ASSIGN_OR_RETURN(bool inserted,
                          InsertVerdict(db, row.no, row.last_sequence + 1, now, verdict));
    if (!inserted) {
      ++outcome.duplicates;
      continue;
    }
    ++row.last_sequence;
    ++row.done;
    if (!verdict.error.ok()) ++row.errors;
    ++outcome.recorded;
  }
  const int64_t remaining = unit->remaining - outcome.recorded;
  outcome.unit_done = remaining == 0;
  return db
      .Prepare(
          "UPDATE units SET remaining = ?1, owner = iif(?1 = 0, '', owner), "
          "expires_us = iif(?1 = 0, 0, expires_us) "
          "WHERE job_no = ? AND task = ? AND shard = ? AND subject = ?")
      .Bind(remaining)
      .Bind(row.no)
      .Bind(lease.unit.task)
      .Bind(lease.unit.shard)
      .Bind(lease.unit.subject)
      .Run();
}

absl::StatusOr<std::vector<CommitOutcome>> SqliteJobStore::CommitVerdicts(
    absl::Span<const LeasedVerdicts> batch) {
  std::vector<CommitOutcome> outcomes(batch.size());
  std::map<std::string, absl::StatusOr<JobRow>> rows;
  absl::Status status =
      database_->Write("commit verdicts", [&](SqliteConnection& db) -> absl::Status {
        for (size_t i = 0; i < batch.size(); ++i) {
          const std::string& id = batch[i].lease.unit.job;
          auto found = rows.find(id);
          if (found == rows.end()) found = rows.emplace(id, FindJob(db, id)).first;
          absl::StatusOr<JobRow>& row = found->second;
          if (!row.ok()) {
            if (!absl::IsNotFound(row.status())) return row.status();
            outcomes[i].status = row.status();
            continue;
          }
          ABSL_RETURN_IF_ERROR(Commit(db, batch[i], *row, outcomes[i]));
        }
        for (const auto& [id, row] : rows) {
          if (!row.ok()) continue;
          ABSL_RETURN_IF_ERROR(
              db.Prepare("UPDATE jobs SET done = ?, errors = ?, last_sequence = ? WHERE no = ?")
                  .Bind(row->done)
                  .Bind(row->errors)
                  .Bind(row->last_sequence)
                  .Bind(row->no)
                  .Run());
        }
        return absl::OkStatus();
      });
  ABSL_RETURN_IF_ERROR(status);
  std::set<std::string> changed;
  for (size_t i = 0; i < batch.size(); ++i) {
    const absl::StatusOr<JobRow>& row = rows.at(batch[i].lease.unit.job);
    verdicts_ += outcomes[i].recorded;
    duplicates_ += outcomes[i].duplicates;
    if (absl::IsAborted(outcomes[i].status)) ++fenced_;
    if (outcomes[i].recorded > 0) changed.insert(batch[i].lease.unit.job);
    if (!row.ok()) continue;
    outcomes[i].job_done = !IsTerminal(row->state) && row->done == row->total;
    outcomes[i].last_sequence = row->last_sequence;
  }
  std::vector<Announcement> announcements;
  for (const std::string& id : changed) {
    const JobRow& row = *rows.at(id);
    announcements.push_back({id, row.last_sequence, row.state});
  }
  Announce(announcements);
  return outcomes;
}

}  // namespace plumbline
