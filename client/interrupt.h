// Ctrl-C as a value instead of a death: a call in flight is cancelled, and the command says how to
// go on.
#ifndef PLUMBLINE_CLIENT_INTERRUPT_H_
#define PLUMBLINE_CLIENT_INTERRUPT_H_

#include <grpcpp/client_context.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace plumbline::client {

// While it lives, SIGINT and SIGTERM set interrupted() and cancel the current call instead of
// ending the process; a second one ends it at once. Must be made before any other thread starts
// (threads inherit the signal mask); one at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;

  bool interrupted() const { return interrupted_; }

  // Runs `call` with a context that a signal cancels.
  grpc::Status Run(const std::function<grpc::Status(grpc::ClientContext*)>& call);

  // Waits, or returns early with false when a signal came.
  bool Sleep(std::chrono::milliseconds duration);

 private:
  void Wait();

  std::atomic<bool> interrupted_{false};
  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  grpc::ClientContext* current_ = nullptr;  // guarded by mutex_
  std::thread waiter_;
};

}  // namespace plumbline::client

#endif  // PLUMBLINE_CLIENT_INTERRUPT_H_
