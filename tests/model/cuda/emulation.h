// Runs CUDA kernels on a CPU, thread by thread: what kernels/portable.cuh takes from CUDA.
//
// The threads of a block are fibers that switch at barriers and warp-wide operations, so shared
// memory, shuffles and barriers mean what they mean on a GPU. A barrier that some thread never
// reaches ends the process with a message. Asynchronous copies happen as late as they may. The
// order in which threads run is chosen (Schedule): results that depend on it are a missing barrier.
//
// What it cannot show: the hardware's rounding inside mma.m16n8k16 (here: products summed in double
// and rounded once), memory models weaker than the CPU's, and speed.
#ifndef PLUMBLINE_TESTS_MODEL_CUDA_EMULATION_H_
#define PLUMBLINE_TESTS_MODEL_CUDA_EMULATION_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#define PLUMBLINE_CUDA_EMULATION 1
#define PLUMBLINE_KERNEL(threads) inline void
#define PLUMBLINE_DEVICE inline
#define PLUMBLINE_SHARED static thread_local

namespace plumbline::cuda {

enum class Schedule { kAscending, kDescending, kShuffled };

namespace emulation {

// Runs `body` once for every thread of every block.
void RunGrid(int64_t blocks_x, int64_t blocks_y, int threads, Schedule schedule,
             const std::function<void()>& body);

// Of the thread that runs now.
int Thread();
int Block(int dimension);
void BlockBarrier();
void WarpBarrier();
float Shuffle(float value, int lane);
void QueueCopy(void* target, const void* source);
void CloseCopies();
void AwaitCopies(int pending);
void Mma(float (&acc)[4], const uint32_t (&fragment)[6]);

}  // namespace emulation

inline int ThreadIndex() { return emulation::Thread(); }
inline int BlockX() { return emulation::Block(0); }
inline int BlockY() { return emulation::Block(1); }
inline void SyncBlock() { emulation::BlockBarrier(); }
inline void SyncWarp() { emulation::WarpBarrier(); }
inline float ShuffleXor(float value, int mask) {
  return emulation::Shuffle(value, (emulation::Thread() % 32) ^ mask);
}
inline void CopyAsync16(void* shared, const void* global) { emulation::QueueCopy(shared, global); }
inline void CommitCopies() { emulation::CloseCopies(); }
template <int Pending>
void WaitForCopies() {
  emulation::AwaitCopies(Pending);
}
inline void MmaBf16(float (&acc)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3,
                    uint32_t b0, uint32_t b1) {
  emulation::Mma(acc, {a0, a1, a2, a3, b0, b1});
}
inline uint32_t BitsOf(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}
inline float FloatOf(uint32_t x) {
  float value;
  std::memcpy(&value, &x, sizeof(value));
  return value;
}
using std::fmaf;
using std::fmaxf;

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_TESTS_MODEL_CUDA_EMULATION_H_
