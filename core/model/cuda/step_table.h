// What a step tells the kernels: tokens' places in tables, positions' rotations, blocks of the
// cache, tiles of attention, adapters. All of it lies in one stretch of pinned memory, is copied in
// one go to one stretch of device memory, and is laid out by the number of rows alone, so that a
// graph captured for some number of rows finds it in the same places every time.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_STEP_TABLE_H_
#define PLUMBLINE_CORE_MODEL_CUDA_STEP_TABLE_H_

#include <cstdint>
#include <vector>

#include "core/model/cuda/device_memory.h"
#include "core/model/cuda/params.h"

namespace plumbline::cuda {

// One array of the table, on the host and on the device.
template <typename T>
struct Column {
  T* host = nullptr;
  T* device = nullptr;
};

struct StepTableShape {
  int64_t max_rows = 0;
  int64_t units_per_row = 1;    // tiles of attention for one query, at most
  std::vector<int64_t> halves;  // of each rope
  int64_t context_blocks = 0;   // of one sequence, at most
};

// Thread-compatible.
class StepTable {
 public:
  StepTable(const StepTableShape& shape, Device& device);

  // Lays the columns out for `rows` rows.
  void LayOut(int64_t rows);
  // Room for a sequence's blocks, behind everything else. host and device.
  Column<const void*> TakeBlocks(int64_t count);
  // Sends what LayOut and TakeBlocks gave out. The host's side must not change until it has
  // arrived.
  void Send();

  Column<const void*> sources;              // [rows]: the embedding of each row's token
  Column<const void*> position_sources;     // [rows]: and of its position
  Column<const LoraGroupParams*> adapters;  // [rows]
  Column<void*> blocks;                     // [rows]: where its key and value go
  Column<int32_t> slots;                    // [rows]: and which place in there
  Column<int32_t> outputs;                  // [rows]: row of each output row
  Column<AttentionUnit> units;              // [rows · units_per_row]
  Column<const float*> branch_sources;      // [rows]: Aᵀ's row of each row's token or position
  std::vector<Column<float>> ropes;         // by rope: [rows, 2, half]

 private:
  template <typename T>
  void Take(Column<T>& column, int64_t count);

  const StepTableShape shape_;
  Device& device_;
  DeviceBuffer memory_;
  PinnedBuffer staging_;
  int64_t used_ = 0;
};

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_STEP_TABLE_H_
