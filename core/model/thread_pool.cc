#include "core/model/thread_pool.h"

#include <immintrin.h>

#include <algorithm>

namespace plumbline {
namespace {

constexpr uint64_t kOpen = uint64_t{1} << 31;
constexpr uint64_t kInside = kOpen - 1;
constexpr int kSpins = 4000;  // about 100 µs of pause instructions

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { Work(i); });
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  wake_.fetch_add(1);
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::Grains(int thread) {
  for (;;) {
    const int64_t begin = next_.fetch_add(grain_);
    if (begin >= units_) return;
    (*body_)(begin, std::min(begin + grain_, units_), thread);
  }
}

void ThreadPool::Run(int64_t units, int64_t grain, Body body) {
  if (units <= 0) return;
  if (workers_.empty() || units <= grain) {
    body(0, units, 0);
    return;
  }
  units_ = units;
  grain_ = grain;
  body_ = &body;
  next_ = 0;
  const uint64_t loop = (state_.load() >> 32) + 1;
  state_ = loop << 32 | kOpen;
  wake_.fetch_add(1);
  if (sleepers_.load() > 0) wake_.notify_all();
  Grains(0);
  state_.fetch_and(~kOpen);
  while ((state_.load() & kInside) != 0) _mm_pause();
}

// Enters an open loop that this worker has not seen yet.
bool ThreadPool::Join(uint64_t& seen) {
  uint64_t state = state_.load();
  while ((state & kOpen) != 0 && state >> 32 != seen) {
    if (state_.compare_exchange_weak(state, state + 1)) {
      seen = state >> 32;
      return true;
    }
  }
  return false;
}

void ThreadPool::Work(int thread) {
  uint64_t seen = 0;
  int idle = 0;
  while (!stop_) {
    const uint32_t wake = wake_.load();
    if (Join(seen)) {
      Grains(thread);
      state_.fetch_sub(1);
      idle = 0;
    } else if (++idle < kSpins) {
      _mm_pause();
    } else {
      sleepers_.fetch_add(1);
      if (!stop_) wake_.wait(wake);
      sleepers_.fetch_sub(1);
      idle = 0;
    }
  }
}

}  // namespace plumbline
