// JobStore in one SQLite file: the embedded default.
//
// WAL with synchronous=FULL: what a call acknowledged survives kill -9 and loss of power. Exactly
// one connection writes and checkpoints, under a mutex; readers are read-only connections that
// never checkpoint. (SQLite before 3.51.3 can corrupt a WAL database when two connections do.) A
// lock file beside the database keeps a second process out.
#ifndef PLUMBLINE_CORE_JOBS_SQLITE_JOB_STORE_H_
#define PLUMBLINE_CORE_JOBS_SQLITE_JOB_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/jobs/catalog.h"
#include "core/jobs/job_store.h"

namespace plumbline {

class SqliteDatabase;  // core/jobs/sqlite_database.h

struct SqliteOptions {
  std::string path;  // of the database file; its folder must exist
  // The database's clock (for leases and timestamps). Null: the machine's.
  const Clock* clock = nullptr;
  // Makes job ids. Null: random ones.
  IdGenerator* ids = nullptr;
  // Told after commits; may be null. Must outlive the store.
  JobListener* listener = nullptr;
  int readers = 4;  // read connections kept open; more readers at once wait for one
  // For tests: the largest size of the file in pages of 4 KiB; 0: no bound.
  int64_t max_pages = 0;
};

// Opens or creates the file, brings its schema up to date and takes the lock. Errors:
// FailedPrecondition (another process has it open; or its schema is newer than this build: names
// both versions), NotFound (the folder), PermissionDenied, DataLoss (not a database, or damaged),
// ResourceExhausted (disk full).
absl::StatusOr<std::shared_ptr<SqliteDatabase>> OpenSqliteDatabase(const SqliteOptions& options);

// Both may share one database. They keep it open.
std::unique_ptr<JobStore> NewSqliteJobStore(std::shared_ptr<SqliteDatabase> database);
std::unique_ptr<Catalog> NewSqliteCatalog(std::shared_ptr<SqliteDatabase> database);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_SQLITE_JOB_STORE_H_
