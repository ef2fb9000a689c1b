#include "tests/integration/server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

extern char** environ;

namespace plumbline {

std::optional<std::string> ServerBinary() {
  const char* dir = std::getenv("PLUMBLINE_BIN_DIR");
  if (dir == nullptr) return std::nullopt;
  const std::string path = absl::StrCat(dir, "/plumblined");
  if (access(path.c_str(), X_OK) != 0) return std::nullopt;
  return path;
}

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(
    const std::string& binary, const std::string& port_file, std::vector<std::string> flags) {
  unlink(port_file.c_str());
  std::vector<std::string> arguments = {
      binary,        "--listen",    "127.0.0.1:0", "--metrics-listen",
      "127.0.0.1:0", "--port-file", port_file};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  std::unique_ptr<ServerProcess> process(new ServerProcess());
  ABSL_RETURN_IF_ERROR(process->Spawn(binary, arguments));
  if (!process->LogHas("serving:")) {
    process->exit_code_ = process->Wait();
    return absl::FailedPreconditionError(
        absl::StrCat("exit code ", process->exit_code_, ": ", process->log()));
  }
  std::ifstream ports(port_file);
  for (std::string line; std::getline(ports, line);) {
    if (absl::StartsWith(line, "grpc=")) process->grpc_address_ = line.substr(5);
    if (absl::StartsWith(line, "metrics=")) process->metrics_address_ = line.substr(8);
  }
  return process;
}

absl::Status ServerProcess::Spawn(const std::string& binary,
                                  const std::vector<std::string>& arguments) {
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) return absl::InternalError(std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDERR_FILENO);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int error = posix_spawn(&pid_, binary.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_fds[1]);
  reader_ = std::thread([this, fd = pipe_fds[0]] { ReadLog(fd); });
  return error == 0 ? absl::OkStatus() : absl::InternalError(std::strerror(error));
}

void ServerProcess::ReadLog(int fd) {
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0;) {
    absl::MutexLock lock(&mutex_);
    log_.append(buffer, n);
  }
  close(fd);
  absl::MutexLock lock(&mutex_);
  log_ended_ = true;
}

bool ServerProcess::LogHas(absl::string_view text) const {
  const auto found = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return absl::StrContains(log_, text) || log_ended_;
  };
  absl::MutexLock lock(&mutex_, absl::Condition(&found));
  return absl::StrContains(log_, text);
}

std::string ServerProcess::log() const {
  absl::MutexLock lock(&mutex_);
  return log_;
}

int64_t ServerProcess::resident_bytes() const {
  std::ifstream file(absl::StrCat("/proc/", pid_, "/statm"));
  int64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

int ServerProcess::Wait() {
  int status = 0;
  if (pid_ > 0) waitpid(pid_, &status, 0);
  pid_ = -1;
  if (reader_.joinable()) reader_.join();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int ServerProcess::Stop(int signal) {
  if (pid_ <= 0) return exit_code_;
  kill(pid_, signal);
  return exit_code_ = Wait();
}

void ServerProcess::Kill() { Stop(SIGKILL); }

ServerProcess::~ServerProcess() {
  Kill();
  if (reader_.joinable()) reader_.join();
}

std::string HttpGet(const std::string& address, const std::string& path) {
  const size_t colon = address.rfind(':');
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(std::atoi(address.c_str() + colon + 1)));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &name.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0) << address;
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  EXPECT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string reply;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0;) reply.append(buffer, n);
  close(fd);
  const size_t body = reply.find("\r\n\r\n");
  return body == std::string::npos ? "" : reply.substr(body + 4);
}

}  // namespace plumbline
