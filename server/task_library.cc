#include "server/task_library.h"

#include <spdlog/spdlog.h>

#include "absl/strings/str_cat.h"
#include "core/base/names.h"
#include "core/base/status_macros.h"
#include "server/status_conversion.h"

namespace plumbline {
namespace {

TaskRecord RecordOf(const Task& task, const TaskBundle& bundle, bool uploaded) {
  TaskRecord record;
  record.name = task.name;
  record.version = task.version;
  record.capability = task.capability;
  record.uploaded = uploaded;
  record.files.push_back({bundle.file, bundle.files.at(bundle.file)});
  for (const auto& [path, content] : bundle.files) {
    if (path != bundle.file) record.files.push_back({path, content});
  }
  return record;
}

absl::StatusOr<Task> ParseRecord(const TaskRecord& record) {
  TaskBundle bundle;
  if (record.files.empty()) return absl::DataLossError("the catalog has no files of this task");
  bundle.file = record.files[0].path;
  for (const TaskFile& file : record.files) bundle.files[file.path] = file.content;
  ABSL_ASSIGN_OR_RETURN(Task task, ParseTask(bundle, record.name));
  if (task.version != record.version) {
    return absl::DataLossError(
        absl::StrCat("parsed to version ", task.version, ", the catalog says ", record.version,
                     ": this build reads the file differently from the one that stored it"));
  }
  return task;
}

absl::Status ReadOnly(absl::string_view name) {
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(
          "task \"", name, "\" is from the server's own folder: change it there and restart")),
      "TASK_READ_ONLY", {{"task", std::string(name)}});
}

}  // namespace

absl::Status TaskLibrary::Load(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    ABSL_RETURN_IF_ERROR(Annotate(LoadFolder(folder), absl::StrCat("task folder ", folder)));
  }
  return LoadUploads();
}

absl::Status TaskLibrary::LoadFolder(const std::string& folder) {
  ABSL_ASSIGN_OR_RETURN(std::vector<std::string> paths, ListTaskFiles(folder));
  for (const std::string& path : paths) {
    absl::StatusOr<TaskBundle> bundle = ReadTaskBundle(path);
    absl::StatusOr<Task> task =
        bundle.ok() ? ParseTask(*bundle) : absl::StatusOr<Task>(bundle.status());
    if (!task.ok()) {
      spdlog::error("task {}: left out: {}", path, std::string(task.status().message()));
      continue;
    }
    const std::string name = task->name;
    absl::MutexLock lock(&mutex_);
    const bool is_new = current_
                            .emplace(name, Entry{std::make_shared<const Task>(*std::move(task)),
                                                 false, *std::move(bundle)})
                            .second;
    if (!is_new) {
      return absl::AlreadyExistsError(
          absl::StrCat(path, ": task \"", name, "\" is there already, from another file"));
    }
  }
  return absl::OkStatus();
}

absl::Status TaskLibrary::LoadUploads() {
  ABSL_ASSIGN_OR_RETURN(std::vector<TaskRecord> records, catalog_.ListTasks());
  for (const TaskRecord& listed : records) {
    {
      absl::MutexLock lock(&mutex_);
      if (current_.count(listed.name) > 0) {
        spdlog::warn("task {}: the folder's hides the uploaded one", listed.name);
        continue;
      }
    }
    ABSL_ASSIGN_OR_RETURN(TaskRecord record, catalog_.GetTask(listed.name));
    absl::StatusOr<Task> task = ParseRecord(record);
    if (!task.ok()) {
      spdlog::error("uploaded task {}: left out: {}", record.name,
                    std::string(task.status().message()));
      continue;
    }
    absl::MutexLock lock(&mutex_);
    current_[record.name] = {std::make_shared<const Task>(*std::move(task)), true, {}};
  }
  return absl::OkStatus();
}

std::vector<ListedTask> TaskLibrary::List() const {
  absl::MutexLock lock(&mutex_);
  std::vector<ListedTask> tasks;
  for (const auto& [name, entry] : current_) tasks.push_back({entry.task, entry.uploaded});
  return tasks;
}

absl::StatusOr<ListedTask> TaskLibrary::Get(absl::string_view name) const {
  absl::MutexLock lock(&mutex_);
  const auto it = current_.find(std::string(name));
  if (it != current_.end()) return ListedTask{it->second.task, it->second.uploaded};
  std::vector<std::string> names;
  for (const auto& [known, entry] : current_) names.push_back(known);
  return WithReason(absl::NotFoundError(
                        absl::StrCat("there is no task \"", name, "\"", NamesInstead(name, names))),
                    "TASK_NOT_FOUND", {{"task", std::string(name)}});
}

absl::StatusOr<ListedTask> TaskLibrary::Upload(const TaskBundle& bundle) {
  absl::StatusOr<Task> parsed = ParseTask(bundle);
  if (!parsed.ok()) {
    // A data file that the upload lacks is the caller's mistake as well.
    const absl::StatusCode code = absl::IsNotFound(parsed.status())
                                      ? absl::StatusCode::kInvalidArgument
                                      : parsed.status().code();
    return WithReason(absl::Status(code, parsed.status().message()), "TASK_INVALID",
                      {{"file", bundle.file}});
  }
  const auto task = std::make_shared<const Task>(*std::move(parsed));
  {
    absl::MutexLock lock(&mutex_);
    const auto it = current_.find(task->name);
    if (it != current_.end() && it->second.task->version == task->version) {
      return ListedTask{it->second.task, it->second.uploaded};
    }
    if (it != current_.end() && !it->second.uploaded) return ReadOnly(task->name);
  }
  ABSL_RETURN_IF_ERROR(catalog_.PutTask(RecordOf(*task, bundle, true)));
  absl::MutexLock lock(&mutex_);
  Entry& entry = current_[task->name];
  if (entry.task != nullptr) older_[{task->name, entry.task->version}] = entry.task;
  entry = {task, true, {}};
  return ListedTask{task, true};
}

absl::Status TaskLibrary::Delete(absl::string_view name) {
  ABSL_ASSIGN_OR_RETURN(const ListedTask listed, Get(name));
  if (!listed.uploaded) return ReadOnly(name);
  ABSL_RETURN_IF_ERROR(catalog_.DeleteTask(name));
  absl::MutexLock lock(&mutex_);
  current_.erase(std::string(name));
  older_[{std::string(name), listed.task->version}] = listed.task;
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Task>> TaskLibrary::Current(absl::string_view name) {
  ABSL_ASSIGN_OR_RETURN(ListedTask listed, Get(name));
  return listed.task;
}

absl::Status TaskLibrary::Keep(const Task& task) {
  TaskBundle bundle;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = current_.find(task.name);
    // An upload is in the catalog since it came.
    if (it == current_.end() || it->second.uploaded || it->second.task->version != task.version) {
      return absl::OkStatus();
    }
    bundle = it->second.bundle;
  }
  return catalog_.PutTask(RecordOf(task, bundle, false));
}

absl::StatusOr<std::shared_ptr<const Task>> TaskLibrary::Version(absl::string_view name,
                                                                 absl::string_view version) {
  const std::pair<std::string, std::string> key(name, version);
  {
    absl::MutexLock lock(&mutex_);
    const auto it = current_.find(key.first);
    if (it != current_.end() && it->second.task->version == version) return it->second.task;
    const auto older = older_.find(key);
    if (older != older_.end()) {
      if (std::shared_ptr<const Task> task = older->second.lock()) return task;
      older_.erase(older);
    }
  }
  absl::StatusOr<TaskRecord> record = catalog_.GetTaskVersion(name, version);
  if (!record.ok()) {
    return absl::IsNotFound(record.status())
               ? WithReason(record.status(), "TASK_NOT_FOUND", {{"task", key.first}})
               : record.status();
  }
  absl::StatusOr<Task> parsed = ParseRecord(*record);
  if (!parsed.ok()) {
    return Annotate(parsed.status(), absl::StrCat("task \"", name, "\" version ", version));
  }
  const auto task = std::make_shared<const Task>(*std::move(parsed));
  absl::MutexLock lock(&mutex_);
  older_[key] = task;
  return std::shared_ptr<const Task>(task);
}

}  // namespace plumbline
