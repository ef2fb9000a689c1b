// Tasks and a TaskProvider for tests: prompts "<name>/0", "<name>/1", ... and a checker that looks
// for the word "right" (or, in a multiple-choice task, compares with the gold choice).
#ifndef PLUMBLINE_TESTS_SUPPORT_FAKE_TASKS_H_
#define PLUMBLINE_TESTS_SUPPORT_FAKE_TASKS_H_

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/sha256.h"
#include "core/eval/task.h"
#include "core/jobs/task_provider.h"

namespace plumbline {

class FakeChecker : public Checker {
 public:
  absl::string_view version() const override { return "fake/1"; }
  CheckResult CheckResponse(size_t, absl::string_view response) const override {
    const bool right = std::string(response).find("right") != std::string::npos;
    CheckResult result;
    result.observations = {{"exact_match", right ? 1.0 : 0.0, 1}};
    result.outcomes = {{"contains:right", right, right, right, right, right ? "" : "no \"right\""}};
    result.extracted = right ? "right" : "";
    return result;
  }
  CheckResult CheckChoices(size_t, const std::vector<LogLikelihood>& choices) const override {
    size_t best = 0;
    for (size_t i = 1; i < choices.size(); ++i) {
      if (choices[i].sum > choices[best].sum) best = i;
    }
    CheckResult result;
    result.observations = {{"accuracy", best == 0 ? 1.0 : 0.0, 1}};
    return result;
  }
};

// `edition` goes into the version.
inline std::shared_ptr<const Task> MakeFakeTask(const std::string& name, int items,
                                                const std::string& edition = "1",
                                                const std::string& capability = "numeric") {
  auto task = std::make_shared<Task>();
  task->name = name;
  task->version = Sha256Hex(absl::StrCat(name, "@", edition, "#", items));
  task->capability = capability;
  for (int i = 0; i < items; ++i) {
    TaskItem item;
    item.key = absl::StrCat("k", i);
    item.prompt.text = absl::StrCat(name, "/", i);
    task->items.push_back(std::move(item));
  }
  task->metrics = {"exact_match"};
  task->checker = std::make_shared<FakeChecker>();
  return task;
}

class FakeTaskProvider : public TaskProvider {
 public:
  void Add(std::shared_ptr<const Task> task) {
    absl::MutexLock lock(&mutex_);
    by_version_[task->version] = task;
    current_[task->name] = std::move(task);
  }
  void Forget(const std::string& name) {
    absl::MutexLock lock(&mutex_);
    by_version_.erase(current_[name]->version);
    current_.erase(name);
  }

  absl::StatusOr<std::shared_ptr<const Task>> Current(absl::string_view name) override {
    absl::MutexLock lock(&mutex_);
    auto found = current_.find(std::string(name));
    if (found == current_.end()) {
      return absl::NotFoundError(absl::StrCat("there is no task \"", name, "\""));
    }
    return found->second;
  }
  absl::Status Keep(const Task&) override { return absl::OkStatus(); }
  absl::StatusOr<std::shared_ptr<const Task>> Version(absl::string_view name,
                                                      absl::string_view version) override {
    absl::MutexLock lock(&mutex_);
    auto found = by_version_.find(std::string(version));
    if (found == by_version_.end()) {
      return absl::NotFoundError(
          absl::StrCat("task \"", name, "\" has no version \"", version, "\""));
    }
    return found->second;
  }

 private:
  absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Task>> current_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<const Task>> by_version_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_SUPPORT_FAKE_TASKS_H_
