#include "core/jobs/sqlite.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace plumbline {
namespace {

bool IsNoSpace(int error) { return error == ENOSPC || error == EFBIG || error == EDQUOT; }

// What the last failing call on the database or on its write-ahead log said. sqlite3_system_errno
// is errno when the statement ended: by then the rollback has called others.
bool FileHasNoSpace(sqlite3* db) {
  int error = 0;
  if (sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &error) == SQLITE_OK &&
      IsNoSpace(error)) {
    return true;
  }
  sqlite3_file* log = nullptr;
  if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK ||
      log == nullptr || log->pMethods == nullptr) {
    return false;
  }
  return log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error) == SQLITE_OK &&
         IsNoSpace(error);
}

bool IsOutOfSpace(sqlite3* db, int code) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  if ((code & 0xff) != SQLITE_IOERR || db == nullptr) return false;
  return IsNoSpace(sqlite3_system_errno(db)) || FileHasNoSpace(db);
}

}  // namespace

absl::Status SqliteError(sqlite3* db, int code, absl::string_view path, absl::string_view what) {
  std::string detail = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  std::string text = absl::StrCat(what, ": database \"", path, "\": ", detail);
  if (db != nullptr && (code & 0xff) == SQLITE_IOERR && sqlite3_system_errno(db) != 0) {
    absl::StrAppend(&text, " (", strerror(sqlite3_system_errno(db)), ")");
  }
  if (IsOutOfSpace(db, code)) {
    return absl::ResourceExhaustedError(
        absl::StrCat(text, ": no space is left; free some on its disk, nothing was changed"));
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::UnavailableError(
          absl::StrCat(text, ": another program holds a lock on it; close that program"));
    case SQLITE_IOERR:
      return absl::UnavailableError(absl::StrCat(text, ": check the disk"));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(
          absl::StrCat(text,
                       ": the file is damaged or not a database; restore it from a backup or "
                       "start with a new one"));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return absl::PermissionDeniedError(absl::StrCat(text, ": make the file and folder writable"));
    case SQLITE_CANTOPEN:
      return absl::NotFoundError(
          absl::StrCat(text, ": does its folder exist and may this user write there?"));
    case SQLITE_NOMEM:
      return absl::ResourceExhaustedError(text);
    default:
      return absl::InternalError(text);
  }
}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query::Query(Query&& other) noexcept
    : db_(other.db_),
      statement_(std::exchange(other.statement_, nullptr)),
      code_(other.code_),
      next_parameter_(other.next_parameter_),
      path_(other.path_) {}

Query& Query::Bind(int64_t value) {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(statement_, next_parameter_++, value);
  return *this;
}

Query& Query::Bind(absl::string_view text) {
  // A null pointer would bind NULL; an empty text is not NULL.
  const char* data = text.data() != nullptr ? text.data() : "";
  if (code_ == SQLITE_OK) {
    code_ = sqlite3_bind_text64(statement_, next_parameter_++, data, text.size(), SQLITE_STATIC,
                                SQLITE_UTF8);
  }
  return *this;
}

absl::StatusOr<bool> Query::Step() {
  if (code_ == SQLITE_OK || code_ == SQLITE_ROW) code_ = sqlite3_step(statement_);
  if (code_ == SQLITE_ROW) return true;
  if (code_ == SQLITE_DONE) return false;
  return SqliteError(db_, code_, *path_, "query");
}

absl::Status Query::Run() {
  absl::StatusOr<bool> row = Step();
  return row.ok() ? absl::OkStatus() : row.status();
}

absl::string_view Query::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return "";
  return absl::string_view(reinterpret_cast<const char*>(text),
                           static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

absl::StatusOr<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path,
                                                                         Mode mode) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |=
      mode == Mode::kWriter ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  sqlite3* db = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  if (code != SQLITE_OK) {
    absl::Status status = SqliteError(db, code, path, "open");
    sqlite3_close(db);
    return status;
  }
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(db, path));
  sqlite3_busy_timeout(db, 5000);
  // mmap_size stays 0 and only the writer checkpoints: see sqlite_job_store.h.
  ABSL_RETURN_IF_ERROR(connection->Execute(
      mode == Mode::kWriter ? "PRAGMA trusted_schema=OFF; PRAGMA journal_mode=WAL; "
                              "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1000; "
                              "PRAGMA journal_size_limit=67108864; "
                              "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON"
                            : "PRAGMA trusted_schema=OFF; PRAGMA query_only=ON; "
                              "PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; "
                              "PRAGMA cell_size_check=ON"));
  return connection;
}

SqliteConnection::~SqliteConnection() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Query SqliteConnection::Prepare(const char* sql) {
  auto found = statements_.find(absl::string_view(sql));
  if (found != statements_.end()) return Query(db_, found->second, SQLITE_OK, &path_);
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code == SQLITE_OK) statements_.emplace(sql, statement);
  return Query(db_, statement, code, &path_);
}

absl::Status SqliteConnection::Execute(const std::string& sql) {
  int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  return SqliteError(db_, code, path_, sql.substr(0, sql.find('(')).substr(0, 60));
}

absl::StatusOr<int64_t> SqliteConnection::QueryInt64(const char* sql) {
  Query query = Prepare(sql);
  ABSL_ASSIGN_OR_RETURN(bool row, query.Step());
  return row ? query.Int64(0) : 0;
}

int64_t ToMicros(absl::Time time) { return absl::ToUnixMicros(time); }

absl::Time FromMicros(int64_t micros) {
  return micros == 0 ? absl::InfinitePast() : absl::FromUnixMicros(micros);
}

}  // namespace plumbline
