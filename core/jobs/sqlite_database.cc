#include "core/jobs/sqlite_database.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/sqlite_schema.h"

namespace plumbline {
namespace {

// "PLUM": tells our files from other programs' databases.
constexpr int64_t kApplicationId = 0x504c554d;

absl::StatusOr<int> LockFile(const std::string& database_path) {
  const std::string path = absl::StrCat(database_path, ".lock");
  int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    int error = errno;
    std::string text = absl::StrCat("open database \"", database_path, "\": lock file \"", path,
                                    "\": ", strerror(error));
    if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(text);
    if (error == EACCES || error == EROFS || error == EPERM) {
      return absl::PermissionDeniedError(text);
    }
    if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(text);
    return absl::UnavailableError(text);
  }
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    close(file);
    return absl::FailedPreconditionError(
        absl::StrCat("open database \"", database_path,
                     "\": another process has it open (it holds the lock on \"", path,
                     "\"); stop it or use another data directory"));
  }
  return file;
}

// Made before SQLite sees it, so that responses and prompts are readable by the owner only.
absl::Status CreatePrivately(const std::string& path) {
  int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    std::string text = absl::StrCat("open database \"", path, "\": ", strerror(errno));
    if (errno == EACCES || errno == EROFS || errno == EPERM) {
      return absl::PermissionDeniedError(text);
    }
    return absl::NotFoundError(text);
  }
  close(file);
  return absl::OkStatus();
}

absl::Status Migrate(SqliteConnection& db, const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(int64_t version, db.QueryInt64("PRAGMA user_version"));
  ABSL_ASSIGN_OR_RETURN(int64_t application, db.QueryInt64("PRAGMA application_id"));
  ABSL_ASSIGN_OR_RETURN(int64_t tables, db.QueryInt64("SELECT count(*) FROM sqlite_master"));
  if (tables > 0 && application != kApplicationId) {
    return absl::FailedPreconditionError(
        absl::StrCat("open database \"", path, "\": it belongs to another program"));
  }
  const std::vector<const char*>& migrations = SqliteMigrations();
  if (version > static_cast<int64_t>(migrations.size())) {
    return absl::FailedPreconditionError(absl::StrCat(
        "open database \"", path, "\": its schema is version ", version,
        ", this build knows up to ", migrations.size(), "; use the newer plumblined that made it"));
  }
  for (; version < static_cast<int64_t>(migrations.size()); ++version) {
    absl::Status status = db.Execute(absl::StrCat(
        "BEGIN IMMEDIATE; ", migrations[version], "; PRAGMA application_id=", kApplicationId,
        "; PRAGMA user_version=", version + 1, "; COMMIT"));
    if (!status.ok()) {
      if (db.in_transaction()) (void)db.Execute("ROLLBACK");
      return Annotate(status, absl::StrCat("bring the schema to version ", version + 1));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<SqliteDatabase>> OpenSqliteDatabase(const SqliteOptions& options) {
  return SqliteDatabase::Open(options);
}

SqliteDatabase::SqliteDatabase(const SqliteOptions& options)
    : clock_(options.clock != nullptr ? *options.clock : SystemClock()),
      own_ids_(options.ids == nullptr ? std::make_unique<RandomIds>() : nullptr),
      ids_(options.ids != nullptr ? options.ids : own_ids_.get()),
      listener_(options.listener) {}

absl::StatusOr<std::shared_ptr<SqliteDatabase>> SqliteDatabase::Open(const SqliteOptions& options) {
  std::shared_ptr<SqliteDatabase> database(new SqliteDatabase(options));
  ABSL_ASSIGN_OR_RETURN(database->lock_file_, LockFile(options.path));
  ABSL_RETURN_IF_ERROR(CreatePrivately(options.path));
  {
    absl::MutexLock lock(&database->writer_mutex_);
    ABSL_ASSIGN_OR_RETURN(database->writer_,
                          SqliteConnection::Open(options.path, SqliteConnection::Mode::kWriter));
    if (options.max_pages > 0) {
      ABSL_RETURN_IF_ERROR(
          database->writer_->Execute(absl::StrCat("PRAGMA max_page_count=", options.max_pages)));
    }
    ABSL_RETURN_IF_ERROR(Migrate(*database->writer_, options.path));
    // The lock says that no other process works on these jobs: whoever held a lease is dead, and
    // its units need not wait for the lease to expire.
    ABSL_RETURN_IF_ERROR(database->writer_->Execute(
        "UPDATE units SET owner = '', expires_us = 0 WHERE owner != '' AND job_no IN "
        "(SELECT no FROM jobs WHERE state = 1)"));
  }
  absl::MutexLock lock(&database->readers_mutex_);
  for (int i = 0; i < std::max(1, options.readers); ++i) {
    ABSL_ASSIGN_OR_RETURN(std::unique_ptr<SqliteConnection> reader,
                          SqliteConnection::Open(options.path, SqliteConnection::Mode::kReader));
    database->idle_readers_.push_back(std::move(reader));
  }
  return database;
}

SqliteDatabase::~SqliteDatabase() {
  // The writer is closed last: the last connection checkpoints, and only the writer may.
  {
    absl::MutexLock lock(&readers_mutex_);
    idle_readers_.clear();
  }
  {
    absl::MutexLock lock(&writer_mutex_);
    writer_.reset();
  }
  if (lock_file_ >= 0) close(lock_file_);
}

absl::Status SqliteDatabase::Write(absl::string_view what,
                                   absl::FunctionRef<absl::Status(SqliteConnection&)> body) {
  absl::MutexLock lock(&writer_mutex_);
  const int64_t changes = writer_->total_changes();
  absl::Status status = writer_->Execute("BEGIN IMMEDIATE");
  if (status.ok()) status = body(*writer_);
  if (status.ok()) status = writer_->Execute("COMMIT");
  if (status.ok()) {
    if (writer_->total_changes() != changes) commits_.fetch_add(1, std::memory_order_relaxed);
    return status;
  }
  // After a full disk or an I/O error SQLite may have rolled back by itself.
  if (writer_->in_transaction()) (void)writer_->Execute("ROLLBACK");
  switch (status.code()) {  // what a full or broken disk looks like, not a caller's mistake
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kInternal:
      errors_.fetch_add(1, std::memory_order_relaxed);
      break;
    default:
      break;
  }
  return Annotate(status, what);
}

absl::Status SqliteDatabase::Read(absl::string_view what,
                                  absl::FunctionRef<absl::Status(SqliteConnection&)> body) {
  std::unique_ptr<SqliteConnection> reader;
  {
    auto available = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(readers_mutex_) {
      return !idle_readers_.empty();
    };
    absl::MutexLock lock(&readers_mutex_, absl::Condition(&available));
    reader = std::move(idle_readers_.back());
    idle_readers_.pop_back();
  }
  absl::Status status = reader->Execute("BEGIN");
  if (status.ok()) status = body(*reader);
  if (reader->in_transaction()) (void)reader->Execute("ROLLBACK");
  absl::MutexLock lock(&readers_mutex_);
  idle_readers_.push_back(std::move(reader));
  return status.ok() ? status : Annotate(status, what);
}

}  // namespace plumbline
