#include "core/model/cuda/step_table.h"

namespace plumbline::cuda {
namespace {

constexpr int64_t kAlignment = 16;

int64_t Aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

int64_t Capacity(const StepTableShape& shape) {
  int64_t a_row = 5 * sizeof(void*) + 2 * sizeof(int32_t) +
                  shape.units_per_row * static_cast<int64_t>(sizeof(AttentionUnit)) +
                  shape.context_blocks * static_cast<int64_t>(sizeof(void*));
  for (int64_t half : shape.halves) a_row += 2 * half * static_cast<int64_t>(sizeof(float));
  return shape.max_rows * a_row + (16 + static_cast<int64_t>(shape.halves.size())) * kAlignment;
}

}  // namespace

StepTable::StepTable(const StepTableShape& shape, Device& device)
    : ropes(shape.halves.size()),
      shape_(shape),
      device_(device),
      memory_(device, Capacity(shape)),
      staging_(device, Capacity(shape)) {}

template <typename T>
void StepTable::Take(Column<T>& column, int64_t count) {
  column.host = reinterpret_cast<T*>(staging_.data() + used_);
  column.device = reinterpret_cast<T*>(memory_.data() + used_);
  used_ += Aligned(count * static_cast<int64_t>(sizeof(T)));
}

void StepTable::LayOut(int64_t rows) {
  used_ = 0;
  Take(sources, rows);
  Take(position_sources, rows);
  Take(adapters, rows);
  Take(blocks, rows);
  Take(slots, rows);
  Take(outputs, rows);
  Take(units, rows * shape_.units_per_row);
  Take(branch_sources, rows);
  for (size_t r = 0; r < ropes.size(); ++r) Take(ropes[r], rows * 2 * shape_.halves[r]);
}

Column<const void*> StepTable::TakeBlocks(int64_t count) {
  Column<const void*> column;
  column.host = reinterpret_cast<const void**>(staging_.data() + used_);
  column.device = reinterpret_cast<const void**>(memory_.data() + used_);
  used_ += count * static_cast<int64_t>(sizeof(void*));
  return column;
}

void StepTable::Send() {
  device_.CopyToDevice(memory_.data(), staging_.data(), static_cast<size_t>(used_));
}

}  // namespace plumbline::cuda
