// The packed A and B of an adapter's low-rank branches, in the order in which a step reads them.
//
// A decode step reads each of them once, so an adapter costs its bytes. Two things keep those few:
// a matrix all of whose values are bfloat16 numbers (adapters saved in bfloat16) is kept in
// bfloat16 and widened in registers, which changes no result; and the matrices lie side by side in
// huge pages, where the processor's prefetcher runs on from one to the next.
#ifndef PLUMBLINE_CORE_MODEL_BRANCH_PANELS_H_
#define PLUMBLINE_CORE_MODEL_BRANCH_PANELS_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "core/model/aligned_buffer.h"
#include "core/model/kernels/kernels.h"

namespace plumbline {

// Memory that is handed out in order and freed as a whole. Thread-compatible.
class PanelArena {
 public:
  // The first block's size; a block takes memory only where it is written. 0: as needed.
  explicit PanelArena(int64_t block_bytes = 0) : block_bytes_(block_bytes) {}

  // `bytes` uninitialised from a cache line's start, valid as long as the arena or what it was
  // moved to.
  void* Take(int64_t bytes);

 private:
  int64_t block_bytes_;
  int64_t used_ = 0;  // of the last block
  std::vector<AlignedBuffer<uint8_t>> blocks_;
};

// A matrix [n, k] in panels (kernels.h). Borrows an arena's memory.
struct BranchPanels {
  const float* wide = nullptr;  // fp32, or null and
  const Bf16* half = nullptr;   // bfloat16
  int64_t bytes = 0;
};

// Work that fills panels, each piece independent of the others.
using PanelFills = std::vector<std::function<void()>>;

// Packs rows[i], k values each. With `later`, only their place is taken: the panels are written,
// and the rows read, when the piece that is added there runs.
BranchPanels PackBranch(std::vector<const float*> rows, int64_t k, PanelArena& arena,
                        PanelFills* later = nullptr);
// The way back: rows [n, k].
void UnpackBranch(const BranchPanels& panels, int64_t n, int64_t k, float* rows);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_BRANCH_PANELS_H_
