// What plumblined is started with: flags, and a YAML file of the same names (`--config`). A flag
// wins over the file.
//
//   listen: 127.0.0.1:7878                     # or unix:/run/plumbline.sock
//   model: [tiny=/models/plumb-tiny]
//   adapter: ["tiny/format:instruction_following=/adapters/format"]
//   watch-adapters: [tiny=/training/output]
//   adapter-memory: 4GiB
//   tasks: [/tasks]
//   data-dir: /var/lib/plumbline
#ifndef PLUMBLINE_SERVER_CONFIG_H_
#define PLUMBLINE_SERVER_CONFIG_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/engine/model_host.h"
#include "server/adapter_folder.h"
#include "server/transport_security.h"

namespace plumbline {

struct ServerConfig {
  // gRPC address: HOST:PORT ([v6]:PORT, port 0: any free one) or unix:PATH. Beyond loopback it
  // takes TLS and a client's certificate or token, or insecure_remote.
  std::string listen = "127.0.0.1:7878";
  TransportSecurity security;
  // Lets everybody who reaches the port read, write and load files as this process:
  // docs/threat-model.md.
  bool insecure_remote = false;
  // Address of Prometheus' /metrics; empty: none.
  std::string metrics_listen = "127.0.0.1:9464";
  // Database and adapters; made if missing. One server a directory.
  std::string data_dir;
  // Hosted from the start. Options that are empty or 0 take the defaults below.
  std::vector<LoadModelOptions> models;
  std::vector<LoadAdapterOptions> adapters;
  // Folders of task files (*.yaml, *.jsonl), read at start.
  std::vector<std::string> task_dirs;
  // Defaults of models, also of those that LoadModel loads.
  std::string dtype = "auto";
  std::string device = "cpu";
  int threads = 0;             // compute threads; 0: one a logical CPU
  int max_batch = 0;           // rows decoded together; 0: the engine's default
  int64_t kv_cache_bytes = 0;  // 0: the engine's default
  // Packed adapter weights of one model; 0: no bound. More adapters may be loaded: those used least
  // recently give way and are packed again when they are needed.
  int64_t adapter_memory_bytes = int64_t{2} << 30;
  int max_resident_adapters = 0;  // the same as a number of adapters; 0: no bound
  // Folders whose sub-folders are loaded as adapters whenever they are new or have changed.
  std::vector<WatchedFolder> watched_folders;
  absl::Duration watch_interval = absl::Seconds(2);  // between two looks
  // Written once serving: lines `grpc=ADDRESS` and `metrics=ADDRESS`. Empty: none.
  std::string port_file;
  std::string log_level = "info";
  // How long a shutdown waits for prompts in the engine; then they are given up (and computed again
  // by the next process).
  absl::Duration drain_timeout = absl::Seconds(10);

  // For tests; not in --help.
  absl::Duration heartbeat_interval = absl::Seconds(10);
  int64_t max_database_pages = 0;  // largest database in pages of 4 KiB; 0: no bound
};

// Nothing when --help or --version was asked for and has been printed to `out`. InvalidArgument
// says what is wrong with which flag or key.
absl::StatusOr<std::optional<ServerConfig>> ParseServerConfig(int argc, const char* const* argv,
                                                              std::ostream& out);

// "NAME=PATH".
absl::StatusOr<LoadModelOptions> ParseModelFlag(absl::string_view flag);
// "MODEL/ALIAS[:TARGET]=PATH"; TARGET is the capability the adapter's label claims.
absl::StatusOr<LoadAdapterOptions> ParseAdapterFlag(absl::string_view flag);

// "MODEL=DIR".
absl::StatusOr<WatchedFolder> ParseWatchFlag(absl::string_view flag);

// $XDG_STATE_HOME/plumbline, else ~/.local/state/plumbline.
std::string DefaultDataDir();

// InvalidArgument unless the address has a form that `listen` allows; FailedPrecondition beyond
// loopback unless `remote_allowed`: callers are authenticated, or nobody has to be.
absl::Status ValidateListenAddress(absl::string_view address, bool remote_allowed);

// True for 127.0.0.0/8, ::1, "localhost" and unix sockets.
bool IsLocalAddress(absl::string_view address);

// The build's version, e.g. "0.1.0".
absl::string_view ServerVersion();

}  // namespace plumbline

#endif  // PLUMBLINE_SERVER_CONFIG_H_
