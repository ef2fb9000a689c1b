// Catalog: what a server hosts, so that a restarted one restores it, and every task version a job
// was pinned to, so that it stays readable after its name was uploaded again.
//
// It holds names and paths, not weights: the server loads what the catalog lists. SQLite keeps it
// in the same file as the jobs (sqlite_catalog.cc).
#ifndef PLUMBLINE_CORE_JOBS_CATALOG_H_
#define PLUMBLINE_CORE_JOBS_CATALOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace plumbline {

// A model as it was asked for; loading it again with the same options gives it back.
struct ModelRecord {
  std::string name;
  std::string path;                           // checkpoint directory, absolute
  std::string dtype;                          // "auto", "float32", "bfloat16"
  std::string device;                         // "cpu", "cuda:N"
  int max_batch = 0;                          // 0: the engine's default
  int64_t kv_cache_bytes = 0;                 // 0: the engine's default
  std::string options_json = "{}";            // whatever else the server wants to remember
  absl::Time created = absl::InfinitePast();  // set by the store
};

// One immutable adapter version of a model.
struct AdapterRecord {
  std::string model;
  std::string alias;    // empty: no alias points here any more; kept for the jobs that pinned it
  std::string version;  // SHA-256 of the content, 64 hex digits
  std::string nominal_target;
  std::string source_path;                    // where it came from; for people
  std::string store_path;                     // the copy under the data directory, to load from
  absl::Time created = absl::InfinitePast();  // set by the store
};

struct TaskFile {
  std::string path;  // relative to the task's folder; '/' separated, no "..". The first is the task
                     // file itself, the others are data it names
  std::string content;
};

// One immutable task version, with all it takes to load it again.
struct TaskRecord {
  std::string name;
  std::string version;  // SHA-256, as core/eval computes it
  std::string capability;
  bool uploaded = true;  // false: came with the server's own task folder and was kept for a job
  std::vector<TaskFile> files;
  absl::Time created = absl::InfinitePast();  // set by the store
};

// Thread-safe. Calls block for a transaction. Errors as JobStore's; NotFound names what is missing.
class Catalog {
 public:
  virtual ~Catalog() = default;

  // Inserts or replaces by name.
  virtual absl::Status PutModel(const ModelRecord& model) = 0;
  // Also forgets the model's adapters. NotFound.
  virtual absl::Status DeleteModel(absl::string_view name) = 0;
  virtual absl::StatusOr<std::vector<ModelRecord>> ListModels() = 0;  // by name

  // Publishes `alias` of the model to point at this version; the version it pointed at before stays
  // readable by version. FailedPrecondition if the model is unknown.
  virtual absl::Status PutAdapter(const AdapterRecord& adapter) = 0;
  // Takes the alias away; the version stays readable. NotFound.
  virtual absl::Status DeleteAlias(absl::string_view model, absl::string_view alias) = 0;
  // One record an alias; of one model, or of all when `model` is empty; by model, alias.
  virtual absl::StatusOr<std::vector<AdapterRecord>> ListAdapters(absl::string_view model) = 0;
  // A version, whether or not an alias points to it (`alias` is one that does, or empty).
  virtual absl::StatusOr<AdapterRecord> GetAdapterVersion(absl::string_view model,
                                                          absl::string_view version) = 0;
  // Versions without an alias that no unfinished job pins: their copies may be removed. Forgets
  // them and returns what it forgot. Call it at start, before jobs are taken: a version that is
  // being pinned right now looks unused.
  virtual absl::StatusOr<std::vector<AdapterRecord>> CollectAdapterVersions() = 0;

  // Keeps the version's files and, if `uploaded`, makes it the current one of its name. The same
  // version again is OK.
  virtual absl::Status PutTask(const TaskRecord& task) = 0;
  // The name is gone; versions that jobs pinned stay readable by version. NotFound.
  virtual absl::Status DeleteTask(absl::string_view name) = 0;
  // Current uploaded versions, without their files; by name.
  virtual absl::StatusOr<std::vector<TaskRecord>> ListTasks() = 0;
  // The current uploaded version of a name.
  virtual absl::StatusOr<TaskRecord> GetTask(absl::string_view name) = 0;
  virtual absl::StatusOr<TaskRecord> GetTaskVersion(absl::string_view name,
                                                    absl::string_view version) = 0;
  // Forgets the versions that are not current and that no job pins, ended jobs included (their
  // prompts can still be shown); returns how many. Call it at start, as above.
  virtual absl::StatusOr<int64_t> CollectTaskVersions() = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_JOBS_CATALOG_H_
