// The schema, version by version.
//
//   jobs          one row a job; `no` orders them by creation; counters and last_sequence live here
//   job_subjects  what a job's adapters were pinned to        job_tasks  and its tasks
//   units         leasable work; expires_us = 0: no lease; remaining = 0: done
//   verdicts      one row a (job, subject, task, item, sample); columns in the order of their use,
//                 the long ones last: SQLite reads a row's overflow pages only for columns it needs
//   events        state changes; with the verdicts they make up a job's sequence
//   models, adapters, aliases, task_versions, tasks: the catalog
//
// Times are microseconds since the epoch (0 or NULL: never). `state` is JobState's value, codes are
// absl::StatusCode's. JSON columns: core/jobs/job_json.h.
#include "core/jobs/sqlite_schema.h"

namespace plumbline {

const std::vector<const char*>& SqliteMigrations() {
  static const std::vector<const char*>& migrations = *new std::vector<const char*>{
      R"sql(
CREATE TABLE jobs (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  request_id TEXT NOT NULL UNIQUE,
  spec_digest TEXT NOT NULL,
  model TEXT NOT NULL,
  priority INTEGER NOT NULL,
  state INTEGER NOT NULL,
  total INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  errors INTEGER NOT NULL DEFAULT 0,
  last_sequence INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  started_us INTEGER NOT NULL DEFAULT 0,
  finished_us INTEGER NOT NULL DEFAULT 0,
  error_code INTEGER NOT NULL DEFAULT 0,
  error_message TEXT NOT NULL DEFAULT '',
  gate TEXT NOT NULL DEFAULT '{}',
  spec TEXT NOT NULL
);
CREATE INDEX jobs_by_state ON jobs (state, finished_us);
CREATE TABLE job_subjects (
  job_no INTEGER NOT NULL,
  subject INTEGER NOT NULL,
  alias TEXT NOT NULL,
  version TEXT NOT NULL,
  nominal_target TEXT NOT NULL,
  device TEXT NOT NULL,
  dtype TEXT NOT NULL,
  mode TEXT NOT NULL,
  PRIMARY KEY (job_no, subject)
) WITHOUT ROWID;
CREATE INDEX job_subjects_by_version ON job_subjects (version, job_no);
CREATE TABLE job_tasks (
  job_no INTEGER NOT NULL,
  task INTEGER NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  capability TEXT NOT NULL,
  metrics TEXT NOT NULL,
  items INTEGER NOT NULL,
  samples INTEGER NOT NULL,
  PRIMARY KEY (job_no, task)
) WITHOUT ROWID;
CREATE INDEX job_tasks_by_version ON job_tasks (version, job_no);
CREATE TABLE units (
  job_no INTEGER NOT NULL,
  task INTEGER NOT NULL,
  shard INTEGER NOT NULL,
  subject INTEGER NOT NULL,
  first_item INTEGER NOT NULL,
  items INTEGER NOT NULL,
  samples INTEGER NOT NULL,
  remaining INTEGER NOT NULL,
  owner TEXT NOT NULL DEFAULT '',
  epoch INTEGER NOT NULL DEFAULT 0,
  expires_us INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (job_no, task, shard, subject)
) WITHOUT ROWID;
CREATE TABLE verdicts (
  no INTEGER PRIMARY KEY,
  job_no INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  subject INTEGER NOT NULL,
  task INTEGER NOT NULL,
  item INTEGER NOT NULL,
  sample INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  error_code INTEGER NOT NULL,
  finish_reason INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  latency_us INTEGER NOT NULL,
  committed_us INTEGER NOT NULL,
  key TEXT NOT NULL,
  device TEXT NOT NULL,
  dtype TEXT NOT NULL,
  mode TEXT NOT NULL,
  checker TEXT NOT NULL,
  observations TEXT NOT NULL,
  error_message TEXT NOT NULL,
  extracted TEXT NOT NULL,
  choices TEXT NOT NULL,
  outcomes TEXT NOT NULL,
  response TEXT NOT NULL
);
CREATE UNIQUE INDEX verdicts_by_sequence ON verdicts (job_no, sequence);
CREATE UNIQUE INDEX verdicts_by_prompt ON verdicts (job_no, subject, task, item, sample);
CREATE TABLE events (
  job_no INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  state INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  error_code INTEGER NOT NULL DEFAULT 0,
  error_message TEXT NOT NULL DEFAULT '',
  gate TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (job_no, sequence)
) WITHOUT ROWID;
CREATE TABLE models (
  name TEXT NOT NULL PRIMARY KEY,
  path TEXT NOT NULL,
  dtype TEXT NOT NULL,
  device TEXT NOT NULL,
  max_batch INTEGER NOT NULL,
  kv_cache_bytes INTEGER NOT NULL,
  options TEXT NOT NULL,
  created_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE adapters (
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  nominal_target TEXT NOT NULL,
  source_path TEXT NOT NULL,
  store_path TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  PRIMARY KEY (model, version)
) WITHOUT ROWID;
CREATE TABLE aliases (
  model TEXT NOT NULL,
  alias TEXT NOT NULL,
  version TEXT NOT NULL,
  nominal_target TEXT NOT NULL,
  source_path TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  PRIMARY KEY (model, alias)
) WITHOUT ROWID;
CREATE TABLE task_versions (
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  capability TEXT NOT NULL,
  uploaded INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  PRIMARY KEY (name, version)
) WITHOUT ROWID;
CREATE TABLE task_files (
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  no INTEGER NOT NULL,
  path TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (name, version, no)
);
CREATE TABLE tasks (
  name TEXT NOT NULL PRIMARY KEY,
  version TEXT NOT NULL
) WITHOUT ROWID
)sql",
      "ALTER TABLE job_subjects ADD COLUMN model_version TEXT NOT NULL DEFAULT ''",
  };
  return migrations;
}

}  // namespace plumbline
