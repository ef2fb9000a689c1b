// plumblined: reads its configuration, starts the server with the LibTorch engine, and stops it on
// SIGTERM or SIGINT (a second one: at once). Exit codes: 0 after a shutdown, 1 when it cannot
// serve, 2 for wrong usage.
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "core/engine/engine_host.h"
#include "server/config.h"
#include "server/server.h"

namespace plumbline {
namespace {

// Before any thread starts, so that all of them inherit it and only sigwait sees these signals.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

int WaitForSignal(const sigset_t& signals) {
  int number = 0;
  sigwait(&signals, &number);
  return number;
}

int Fail(const absl::Status& status, int code) {
  const std::string message(status.message());
  std::fprintf(stderr, "plumblined: %s\n", message.c_str());
  return code;
}

absl::StatusOr<std::unique_ptr<ModelHost>> MakeEngine(const ServerConfig& config,
                                                      const std::string& adapter_store) {
  EngineHostOptions options;
  options.adapter_store_dir = adapter_store;
  options.threads = config.threads;
  options.adapter_memory_bytes = config.adapter_memory_bytes;
  options.max_resident_adapters = config.max_resident_adapters;
  return CreateEngineHost(options);
}

int Main(int argc, char** argv) {
  const sigset_t signals = BlockStopSignals();
  const absl::StatusOr<std::optional<ServerConfig>> parsed =
      ParseServerConfig(argc, argv, std::cout);
  if (!parsed.ok()) return Fail(parsed.status(), 2);
  if (!parsed->has_value()) return 0;
  const ServerConfig& config = **parsed;
  spdlog::set_default_logger(spdlog::stderr_color_mt("plumblined"));
  spdlog::set_level(spdlog::level::from_str(config.log_level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");

  absl::Notification stop;
  std::atomic<bool> serving{false};
  std::thread([&, signals] {
    const int number = WaitForSignal(signals);
    if (!serving) _exit(128 + number);  // models are still loading: nothing is lost
    spdlog::info("signal {}: draining for at most {} s; a second one stops at once", number,
                 absl::ToDoubleSeconds(config.drain_timeout));
    stop.Notify();
    _exit(128 + WaitForSignal(signals));
  }).detach();

  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(
      config, [&](const std::string& adapter_store) { return MakeEngine(config, adapter_store); });
  if (!server.ok()) return Fail(server.status(), 1);
  serving = true;
  stop.WaitForNotification();
  (*server)->Shutdown(config.drain_timeout);
  server->reset();
  spdlog::info("stopped");
  spdlog::default_logger()->flush();
  _exit(0);  // the signal thread still waits on this stack
}

}  // namespace
}  // namespace plumbline

int main(int argc, char** argv) { return plumbline::Main(argc, argv); }
