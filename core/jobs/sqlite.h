// A thin, exact layer over the SQLite C API: connections, cached prepared statements, and result
// codes as Status. Internal to the stores of core/jobs; nothing else sees SQL.
#ifndef PLUMBLINE_CORE_JOBS_SQLITE_H_
#define PLUMBLINE_CORE_JOBS_SQLITE_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace plumbline {

// The code of a SQLite failure as a Status that names the file and the remedy: ResourceExhausted
// (disk full, quota, out of memory), Unavailable (locked, I/O error), DataLoss (damaged, not a
// database), PermissionDenied (read-only), NotFound (cannot open), else Internal. `db` may be null.
absl::Status SqliteError(sqlite3* db, int code, absl::string_view path, absl::string_view what);

// One execution of a prepared statement; resets it when destroyed. Parameters are numbered from 1,
// columns from 0. Errors are sticky: the first one is returned by Step() or Run(). Texts are bound
// without a copy: they must live until the execution ends.
class Query {
 public:
  Query(sqlite3* db, sqlite3_stmt* statement, int code, const std::string* path)
      : db_(db), statement_(statement), code_(code), path_(path) {}
  ~Query();
  Query(Query&& other) noexcept;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& Bind(int64_t value);
  Query& Bind(int value) { return Bind(static_cast<int64_t>(value)); }
  Query& Bind(absl::string_view text);
  Query& Bind(const std::string& text) { return Bind(absl::string_view(text)); }
  Query& Bind(const char* text) { return Bind(absl::string_view(text)); }

  // True: a row is there. False: no more rows.
  absl::StatusOr<bool> Step();
  // For statements without rows.
  absl::Status Run();

  int64_t Int64(int column) const { return sqlite3_column_int64(statement_, column); }
  int Int(int column) const { return sqlite3_column_int(statement_, column); }
  // Valid until the next Step().
  absl::string_view Text(int column) const;
  std::string String(int column) const { return std::string(Text(column)); }
  // Bytes without converting or copying the value.
  int64_t Bytes(int column) const { return sqlite3_column_bytes(statement_, column); }

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_;
  int code_;
  int next_parameter_ = 1;
  const std::string* path_;
};

// Thread-compatible: one thread at a time.
class SqliteConnection {
 public:
  enum class Mode { kWriter, kReader };

  // kWriter creates the file if it is missing.
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(const std::string& path, Mode mode);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  // The prepared statement for `sql`, made on first use and kept. At most one Query of the same
  // text may be alive at a time. `sql` must be a constant.
  Query Prepare(const char* sql);
  // Runs one or more statements without parameters; for pragmas, schema and transactions.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<int64_t> QueryInt64(const char* sql);

  // Rows changed by the last INSERT, UPDATE or DELETE.
  int64_t changes() const { return sqlite3_changes64(db_); }
  // Rows changed since the connection was opened.
  int64_t total_changes() const { return sqlite3_total_changes64(db_); }
  int64_t last_insert_rowid() const { return sqlite3_last_insert_rowid(db_); }
  bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

 private:
  SqliteConnection(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}

  sqlite3* const db_;
  const std::string path_;
  absl::flat_hash_map<std::string, sqlite3_stmt*> statements_;
};

// Times are stored as microseconds since the epoch. What has not happened yet is NULL, which reads
// as 0: InfinitePast.
int64_t ToMicros(absl::Time time);
absl::Time FromMicros(int64_t micros);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_SQLITE_H_
