// plumblined as a child process: started on free ports, killed at will, its log kept.
#ifndef PLUMBLINE_TESTS_INTEGRATION_SERVER_PROCESS_H_
#define PLUMBLINE_TESTS_INTEGRATION_SERVER_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace plumbline {

// The binary of this build (<PLUMBLINE_BIN_DIR>/plumblined), or nothing: skip, and say so.
std::optional<std::string> ServerBinary();

// Thread-compatible. Killed when destroyed.
class ServerProcess {
 public:
  // Starts `plumblined --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 <flags>` and returns when
  // it serves. FailedPrecondition, with what it wrote to stderr, when it exits instead.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(const std::string& binary,
                                                              const std::string& port_file,
                                                              std::vector<std::string> flags);
  ~ServerProcess();

  const std::string& grpc_address() const { return grpc_address_; }
  const std::string& metrics_address() const { return metrics_address_; }

  // kill -9, and waits until it is gone.
  void Kill();
  // Sends the signal and returns the exit code (128 + signal when that ended it).
  int Stop(int signal);
  // Waits until the log has the text; false when the process ended without it.
  bool LogHas(absl::string_view text) const;
  // Memory it holds now, in bytes.
  int64_t resident_bytes() const;
  // What it has written to stderr so far.
  std::string log() const;
  // Exit code, once it has exited by itself.
  int exit_code() const { return exit_code_; }

 private:
  ServerProcess() = default;
  absl::Status Spawn(const std::string& binary, const std::vector<std::string>& arguments);
  void ReadLog(int fd);
  int Wait();

  pid_t pid_ = -1;
  int exit_code_ = -1;
  std::string grpc_address_;
  std::string metrics_address_;
  mutable absl::Mutex mutex_;
  std::string log_ ABSL_GUARDED_BY(mutex_);
  bool log_ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread reader_;
};

// Body of GET http://<address><path>, or "" and a test failure.
std::string HttpGet(const std::string& address, const std::string& path);

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_INTEGRATION_SERVER_PROCESS_H_
