// The threads of one device: many short parallel loops a step, so starting one must cost a
// microsecond, and a worker that the operating system has not scheduled must hold up nobody.
//
// Workers spin for a moment after a loop (the next one of the same step is near) and then sleep.
// Work is handed out in grains from one counter; a worker that comes late finds the loop closed.
// Which thread does which grain does not matter to the results: every grain writes its own outputs.
//
// Not OpenMP: LibTorch brings its own libgomp, and its workers cannot be skipped when they sleep.
#ifndef PLUMBLINE_CORE_MODEL_THREAD_POOL_H_
#define PLUMBLINE_CORE_MODEL_THREAD_POOL_H_

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"

namespace plumbline {

class ThreadPool {
 public:
  // [begin, end) of the units; `thread` in [0, threads()).
  using Body = absl::FunctionRef<void(int64_t begin, int64_t end, int thread)>;

  // `threads` >= 1, the calling one included.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Runs body over [0, units) in grains of `grain`; returns when all are done. Only one thread may
  // call it, and not from inside a body. A body must not throw.
  void Run(int64_t units, int64_t grain, Body body);

 private:
  void Work(int thread);
  void Grains(int thread);
  bool Join(uint64_t& seen);

  // loop number << 32 | open << 31 | workers inside
  std::atomic<uint64_t> state_{0};
  std::atomic<int64_t> next_{0};
  std::atomic<uint32_t> wake_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
  int64_t units_ = 0;
  int64_t grain_ = 1;
  const Body* body_ = nullptr;
  std::vector<std::thread> workers_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_THREAD_POOL_H_
