// Finds tasks by name and by pinned version: what the planner and the runner need of the server's
// task folder and of the catalog (server/task_library.h implements it over both).
#ifndef PLUMBLINE_CORE_JOBS_TASK_PROVIDER_H_
#define PLUMBLINE_CORE_JOBS_TASK_PROVIDER_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/task.h"

namespace plumbline {

// Thread-safe. May read files and the catalog: never call from an engine thread.
class TaskProvider {
 public:
  virtual ~TaskProvider() = default;
  // The current version of a name. NotFound names it and lists what there is.
  virtual absl::StatusOr<std::shared_ptr<const Task>> Current(absl::string_view name) = 0;
  // Makes sure that Version() finds this task from now on, across restarts and later uploads of the
  // name. Called when a job is about to be created.
  virtual absl::Status Keep(const Task& task) = 0;
  // Exactly this version. NotFound: it is gone.
  virtual absl::StatusOr<std::shared_ptr<const Task>> Version(absl::string_view name,
                                                              absl::string_view version) = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_TASK_PROVIDER_H_
