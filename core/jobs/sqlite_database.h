// The database file behind the stores: one writer, a few readers, the schema and its migrations.
// Internal to core/jobs.
#ifndef PLUMBLINE_CORE_JOBS_SQLITE_DATABASE_H_
#define PLUMBLINE_CORE_JOBS_SQLITE_DATABASE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/jobs/sqlite.h"
#include "core/jobs/sqlite_job_store.h"

namespace plumbline {

// Thread-safe.
class SqliteDatabase {
 public:
  static absl::StatusOr<std::shared_ptr<SqliteDatabase>> Open(const SqliteOptions& options);
  ~SqliteDatabase();

  // Runs `body` in one transaction of the writer: committed (and durable) when it returns OK,
  // rolled back otherwise. Transactions are serialised. `what` opens the error message.
  absl::Status Write(absl::string_view what,
                     absl::FunctionRef<absl::Status(SqliteConnection&)> body);

  // Runs `body` on a reader, in one snapshot. Waits for a free reader.
  absl::Status Read(absl::string_view what,
                    absl::FunctionRef<absl::Status(SqliteConnection&)> body);

  absl::Time Now() const { return clock_.Now(); }
  std::string NewId(absl::string_view prefix) { return ids_->NewId(prefix); }
  JobListener* listener() const { return listener_; }
  int64_t commits() const { return commits_.load(std::memory_order_relaxed); }
  int64_t errors() const { return errors_.load(std::memory_order_relaxed); }

 private:
  explicit SqliteDatabase(const SqliteOptions& options);

  const Clock& clock_;
  std::unique_ptr<IdGenerator> own_ids_;
  IdGenerator* const ids_;
  JobListener* const listener_;
  int lock_file_ = -1;
  std::atomic<int64_t> commits_{0};
  std::atomic<int64_t> errors_{0};

  absl::Mutex writer_mutex_;
  std::unique_ptr<SqliteConnection> writer_ ABSL_GUARDED_BY(writer_mutex_);

  absl::Mutex readers_mutex_;
  std::vector<std::unique_ptr<SqliteConnection>> idle_readers_ ABSL_GUARDED_BY(readers_mutex_);
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_SQLITE_DATABASE_H_
