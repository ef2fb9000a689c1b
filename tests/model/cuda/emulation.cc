#include "tests/model/cuda/emulation.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// Saves the callee-saved registers and the stack pointer of one fiber and takes up another's.
extern "C" void PlumblineSwitchStacks(void** from, void* to);
asm(R"(
.text
.globl PlumblineSwitchStacks
.type PlumblineSwitchStacks, @function
PlumblineSwitchStacks:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size PlumblineSwitchStacks, .-PlumblineSwitchStacks
)");

namespace plumbline::cuda::emulation {
namespace {

constexpr int kWarpSize = 32;
constexpr size_t kStackBytes = 256 << 10;

struct Copy {
  void* target;
  const void* source;
};

struct Fiber {
  std::unique_ptr<char[]> stack;
  void* stack_pointer = nullptr;
  bool done = false;
  // Waits while *generation == awaited; null: ready.
  const int64_t* generation = nullptr;
  int64_t awaited = 0;
  std::vector<Copy> open;                // copies of no group yet
  std::deque<std::vector<Copy>> groups;  // committed, not yet waited for
};

struct Barrier {
  int64_t generation = 0;
  int arrived = 0;
};

struct Warp {
  Barrier barrier;
  // By parity of the generation: what is read after one barrier is not overwritten before the next.
  float values[2][kWarpSize];
  uint32_t fragments[2][kWarpSize][6];
};

struct Executor {
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  Barrier block;
  int threads = 0;
  int current = 0;
  int64_t block_index[2] = {0, 0};
  void* scheduler = nullptr;
  const std::function<void()>* body = nullptr;
  std::mt19937 random{7};
#if defined(__SANITIZE_ADDRESS__)
  const void* main_stack = nullptr;
  size_t main_stack_size = 0;
#endif
};

thread_local Executor storage;
// Of the grid that runs; set by RunGrid, so that the many readers need no check of TLS.
constinit thread_local Executor* running = nullptr;
inline Executor& Current() { return *running; }

void ToScheduler([[maybe_unused]] bool last) {
  Executor& e = Current();
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(last ? nullptr : &fake, e.main_stack, e.main_stack_size);
#endif
  PlumblineSwitchStacks(&e.fibers[e.current].stack_pointer, e.scheduler);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

void Entry() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &Current().main_stack, &Current().main_stack_size);
#endif
  (*Current().body)();
  Current().fibers[Current().current].done = true;
  ToScheduler(true);
  std::abort();
}

void Prepare(Fiber& fiber) {
  if (fiber.stack == nullptr) fiber.stack.reset(new char[kStackBytes]);
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(fiber.stack.get(), kStackBytes);
#endif
  uintptr_t top = reinterpret_cast<uintptr_t>(fiber.stack.get() + kStackBytes) & ~uintptr_t{15};
  void** slot = reinterpret_cast<void**>(top);
  *--slot = nullptr;                          // as if Entry had been called
  *--slot = reinterpret_cast<void*>(&Entry);  // the return address
  for (int i = 0; i < 6; ++i) *--slot = nullptr;
  fiber.stack_pointer = slot;
  fiber.done = false;
  fiber.generation = nullptr;
  fiber.open.clear();
  fiber.groups.clear();
}

void Resume(int thread) {
  Executor& e = Current();
  e.current = thread;
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, e.fibers[thread].stack.get(), kStackBytes);
#endif
  PlumblineSwitchStacks(&e.scheduler, e.fibers[thread].stack_pointer);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

void RunBlock(const std::vector<int>& order) {
  Executor& e = Current();
  for (int t = 0; t < e.threads; ++t) Prepare(e.fibers[t]);
  for (Warp& warp : e.warps) warp.barrier = {};
  e.block = {};
  int left = e.threads;
  while (left > 0) {
    bool progress = false;
    for (int t : order) {
      Fiber& fiber = e.fibers[t];
      if (fiber.done || (fiber.generation != nullptr && *fiber.generation == fiber.awaited)) {
        continue;
      }
      fiber.generation = nullptr;
      Resume(t);
      progress = true;
      if (fiber.done) --left;
    }
    if (!progress) {
      std::fprintf(stderr, "emulation: %d threads of block (%d, %d) wait at a barrier for ever\n",
                   left, Block(0), Block(1));
      std::abort();
    }
  }
}

void Arrive(Barrier& barrier, int expected) {
  if (++barrier.arrived == expected) {
    barrier.arrived = 0;
    ++barrier.generation;
    return;
  }
  Fiber& fiber = Current().fibers[Current().current];
  fiber.generation = &barrier.generation;
  fiber.awaited = barrier.generation;
  ToScheduler(false);
}

Warp& MyWarp() { return Current().warps[Current().current / kWarpSize]; }

float LowHalf(uint32_t pair) { return FloatOf(pair << 16); }
float HighHalf(uint32_t pair) { return FloatOf(pair & 0xffff0000u); }

}  // namespace

void RunGrid(int64_t blocks_x, int64_t blocks_y, int threads, Schedule schedule,
             const std::function<void()>& body) {
  running = &storage;
  Executor& e = Current();
  if (e.fibers.size() < static_cast<size_t>(threads)) e.fibers.resize(threads);
  e.threads = threads;
  e.warps.resize((threads + kWarpSize - 1) / kWarpSize);
  e.body = &body;
  std::vector<int> order(threads);
  std::iota(order.begin(), order.end(), 0);
  if (schedule == Schedule::kDescending) std::reverse(order.begin(), order.end());
  std::vector<int64_t> blocks(blocks_x * blocks_y);
  std::iota(blocks.begin(), blocks.end(), 0);
  if (schedule == Schedule::kDescending) std::reverse(blocks.begin(), blocks.end());
  if (schedule == Schedule::kShuffled) std::shuffle(blocks.begin(), blocks.end(), e.random);
  for (int64_t block : blocks) {
    if (schedule == Schedule::kShuffled) std::shuffle(order.begin(), order.end(), e.random);
    e.block_index[0] = block % blocks_x;
    e.block_index[1] = block / blocks_x;
    RunBlock(order);
  }
}

int Thread() { return Current().current; }
int Block(int dimension) { return static_cast<int>(Current().block_index[dimension]); }
void BlockBarrier() { Arrive(Current().block, Current().threads); }
void WarpBarrier() { Arrive(MyWarp().barrier, kWarpSize); }

float Shuffle(float value, int lane) {
  Warp& warp = MyWarp();
  float* const values = warp.values[warp.barrier.generation & 1];
  values[Current().current % kWarpSize] = value;
  WarpBarrier();
  return values[lane];
}

void QueueCopy(void* target, const void* source) {
  Current().fibers[Current().current].open.push_back({target, source});
}

void CloseCopies() {
  Fiber& fiber = Current().fibers[Current().current];
  fiber.groups.push_back(std::move(fiber.open));
  fiber.open.clear();
}

void AwaitCopies(int pending) {
  Fiber& fiber = Current().fibers[Current().current];
  while (static_cast<int>(fiber.groups.size()) > pending) {
    for (const Copy& copy : fiber.groups.front()) std::memcpy(copy.target, copy.source, 16);
    fiber.groups.pop_front();
  }
}

void Mma(float (&acc)[4], const uint32_t (&fragment)[6]) {
  Warp& warp = MyWarp();
  const int lane = Current().current % kWarpSize;
  auto* const all = warp.fragments[warp.barrier.generation & 1];
  std::copy_n(fragment, 6, all[lane]);
  WarpBarrier();
  const int g = lane / 4;
  const int t = lane % 4;
  for (int i = 0; i < 4; ++i) {
    const int upper = i / 2;  // row g or g + 8
    const int column = 2 * t + i % 2;
    double sum = 0;
    for (int u = 0; u < 4; ++u) {  // the four threads that share a row of a, a column of b
      const uint32_t* a = all[4 * g + u];
      const uint32_t* b = all[4 * column + u] + 4;
      for (int half = 0; half < 2; ++half) {
        const uint32_t ai = a[2 * half + upper];
        sum += static_cast<double>(LowHalf(ai)) * LowHalf(b[half]);
        sum += static_cast<double>(HighHalf(ai)) * HighHalf(b[half]);
      }
    }
    acc[i] = static_cast<float>(acc[i] + sum);
  }
}

}  // namespace plumbline::cuda::emulation
