// Folders of adapters: every sub-folder is one, and its name is its alias. Loaded in one call, or
// watched.
#ifndef PLUMBLINE_SERVER_ADAPTER_FOLDER_H_
#define PLUMBLINE_SERVER_ADAPTER_FOLDER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/jobs/executor.h"
#include "server/hosting.h"

namespace plumbline {

// What came of one sub-folder.
struct FolderResult {
  std::string alias;
  absl::StatusOr<LoadedAdapter> loaded;
};

// Loads each sub-folder of `path` under its name, in order, with the model and label of `options`.
// One that is refused changes nothing and stops nothing. `go_on` is asked before each. NotFound: no
// such folder, or no sub-folder in it. InvalidArgument: more than 1000. Names that begin with a dot
// are left alone. To be called where Hosting's changes are made.
absl::StatusOr<std::vector<FolderResult>> LoadSubFolders(Hosting& hosting, const std::string& path,
                                                         const LoadAdapterOptions& options,
                                                         const std::function<bool()>& go_on);

// A model and the folder whose adapters it is to have.
struct WatchedFolder {
  std::string model;
  std::string path;
};

// Looks at folders again and again and loads what is new or has changed there, once it has stayed
// the same from one look to the next (whoever writes it has probably ended). An adapter that is
// refused is an error in the log and is tried again only when its files change. An adapter whose
// folder has gone stays loaded: UnloadAdapter takes it away. One that was unloaded comes back when
// its files change, and with the next start of the server.
//
// Polled, not notified: network file systems tell nobody.
class AdapterWatch {
 public:
  // `hosting` and `changes` (where Hosting's changes are made) must outlive it.
  AdapterWatch(Hosting& hosting, Executor& changes, std::vector<WatchedFolder> folders,
               absl::Duration interval);
  // Stop()s.
  ~AdapterWatch();

  // Starts a thread that has `changes` call Poll() every interval.
  void Start();
  // Ends the thread; a Poll under way ends by itself. Idempotent.
  void Stop();
  // One look. To be called where Hosting's changes are made, one at a time.
  void Poll();

 private:
  struct Seen {
    std::string files;       // sizes, times and inodes at the last look
    std::string dealt_with;  // of what was loaded or refused
  };
  void Loop();
  // What a watched folder was like at the last look.
  struct Look {
    std::map<std::string, Seen> seen;  // by sub-folder
    std::string problem;               // with the folder itself or its model; empty: none
  };
  void PollFolder(const WatchedFolder& folder, Look& look);
  bool IsReady(const WatchedFolder& folder, const absl::Status& listed, Look& look);
  void LoadOne(const WatchedFolder& folder, const std::string& alias);

  Hosting& hosting_;
  Executor& changes_;
  const std::vector<WatchedFolder> folders_;
  const absl::Duration interval_;
  std::vector<Look> looks_;  // as folders_; Poll's
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool polling_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_ADAPTER_FOLDER_H_
