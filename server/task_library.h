// The tasks a server knows: the ones of its own folders (read once at start) and the ones uploaded
// over the API (kept in the catalog). A name belongs to one of the two: an upload cannot take a
// folder's name.
//
// Versions that jobs pinned stay readable from the catalog whatever became of the name.
#ifndef PLUMBLINE_SERVER_TASK_LIBRARY_H_
#define PLUMBLINE_SERVER_TASK_LIBRARY_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "core/eval/task.h"
#include "core/eval/task_file.h"
#include "core/jobs/catalog.h"
#include "core/jobs/task_provider.h"

namespace plumbline {

struct ListedTask {
  std::shared_ptr<const Task> task;
  bool uploaded = false;
};

// Thread-safe. Calls block for files, parsing and the catalog. Errors carry reasons.
class TaskLibrary : public TaskProvider {
 public:
  explicit TaskLibrary(Catalog& catalog) : catalog_(catalog) {}

  // Reads the task files of the folders and the catalog's uploads; once, before anything else. A
  // bad task is logged and left out; a folder that cannot be read or a name given twice is an
  // error.
  absl::Status Load(const std::vector<std::string>& folders);

  // By name.
  std::vector<ListedTask> List() const;
  // NotFound (TASK_NOT_FOUND) lists the names there are.
  absl::StatusOr<ListedTask> Get(absl::string_view name) const;
  // Validates and publishes; the same content again changes nothing. InvalidArgument
  // (TASK_INVALID); FailedPrecondition (TASK_READ_ONLY): the name is a folder's.
  absl::StatusOr<ListedTask> Upload(const TaskBundle& bundle);
  // FailedPrecondition (TASK_READ_ONLY): a folder's.
  absl::Status Delete(absl::string_view name);

  absl::StatusOr<std::shared_ptr<const Task>> Current(absl::string_view name) override;
  absl::Status Keep(const Task& task) override;
  absl::StatusOr<std::shared_ptr<const Task>> Version(absl::string_view name,
                                                      absl::string_view version) override;

 private:
  struct Entry {
    std::shared_ptr<const Task> task;
    bool uploaded = false;
    TaskBundle bundle;  // of a folder's task: to be kept when a job pins it
  };

  absl::Status LoadFolder(const std::string& folder);
  absl::Status LoadUploads();

  Catalog& catalog_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Entry, std::less<>> current_ ABSL_GUARDED_BY(mutex_);
  // Older versions somebody still holds, so that they are not parsed again; by (name, version).
  std::map<std::pair<std::string, std::string>, std::weak_ptr<const Task>> older_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_TASK_LIBRARY_H_
