#include "client/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>

#include "client/exit_code.h"

namespace plumbline::client {
namespace {

// SIGUSR1 is how the destructor wakes the waiting thread.
sigset_t WatchedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);
  return signals;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t signals = WatchedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_ = std::thread([this] { Wait(); });
}

Interrupt::~Interrupt() {
  ending_ = true;
  pthread_kill(waiter_.native_handle(), SIGUSR1);
  waiter_.join();
}

void Interrupt::Wait() {
  const sigset_t signals = WatchedSignals();
  int signal = 0;
  while (sigwait(&signals, &signal) == 0) {
    if (ending_) return;
    if (signal == SIGUSR1) continue;
    if (interrupted_.exchange(true)) _exit(kExitInterrupted);
    const std::lock_guard lock(mutex_);
    if (current_ != nullptr) current_->TryCancel();
  }
}

grpc::Status Interrupt::Run(const std::function<grpc::Status(grpc::ClientContext*)>& call) {
  grpc::ClientContext context;
  {
    const std::lock_guard lock(mutex_);
    if (interrupted_) return {grpc::StatusCode::CANCELLED, "interrupted"};
    current_ = &context;
  }
  grpc::Status status = call(&context);
  const std::lock_guard lock(mutex_);
  current_ = nullptr;
  return status;
}

bool Interrupt::Sleep(std::chrono::milliseconds duration) {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (!interrupted_ && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return !interrupted_;
}

}  // namespace plumbline::client
