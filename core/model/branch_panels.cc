#include "core/model/branch_panels.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

namespace plumbline {
namespace {

// Whether bfloat16 holds each of `count` values exactly.
bool AllBf16(const float* values, int64_t count) {
  constexpr int64_t kAtATime = 1024;  // vectorised, and soon done where the answer is no
  for (int64_t begin = 0; begin < count; begin += kAtATime) {
    uint32_t dropped = 0;
    for (int64_t i = begin; i < std::min(count, begin + kAtATime); ++i) {
      uint32_t bits;
      std::memcpy(&bits, values + i, sizeof(bits));
      dropped |= bits & 0xffffu;
    }
    if (dropped != 0) return false;
  }
  return true;
}

void FillWide(const std::vector<const float*>& rows, int64_t k, float* panels) {
  const int64_t n = static_cast<int64_t>(rows.size());
  PackPanels(rows.data(), n, k, panels, 0, PanelCount(n));
}

void FillHalf(const std::vector<const float*>& rows, int64_t k, Bf16* panels) {
  const int64_t n = static_cast<int64_t>(rows.size());
  std::vector<Bf16> halves(static_cast<size_t>(n * k));
  std::vector<const Bf16*> half_rows;
  Bf16* to = halves.data();
  for (const float* row : rows) {
    half_rows.push_back(to);
    for (int64_t i = 0; i < k; ++i) {
      uint32_t bits;
      std::memcpy(&bits, row + i, sizeof(bits));
      *to++ = {static_cast<uint16_t>(bits >> 16)};
    }
  }
  PackPanels(half_rows.data(), n, k, panels, 0, PanelCount(n));
}

}  // namespace

void* PanelArena::Take(int64_t bytes) {
  constexpr int64_t kLine = 64;
  bytes = (bytes + kLine - 1) / kLine * kLine;
  if (blocks_.empty() || used_ + bytes > blocks_.back().size()) {
    blocks_.emplace_back(std::max(bytes, block_bytes_));
    used_ = 0;
  }
  used_ += bytes;
  return blocks_.back().data() + used_ - bytes;
}

BranchPanels PackBranch(std::vector<const float*> rows, int64_t k, PanelArena& arena,
                        PanelFills* later) {
  const int64_t n = static_cast<int64_t>(rows.size());
  BranchPanels panels;
  std::function<void()> fill;
  if (std::all_of(rows.begin(), rows.end(), [k](const float* r) { return AllBf16(r, k); })) {
    panels.bytes = PackedElements<Bf16>(n, k) * static_cast<int64_t>(sizeof(Bf16));
    Bf16* to = static_cast<Bf16*>(arena.Take(panels.bytes));
    panels.half = to;
    fill = [rows = std::move(rows), k, to] { FillHalf(rows, k, to); };
  } else {
    panels.bytes = PackedElements<float>(n, k) * static_cast<int64_t>(sizeof(float));
    float* to = static_cast<float*>(arena.Take(panels.bytes));
    panels.wide = to;
    fill = [rows = std::move(rows), k, to] { FillWide(rows, k, to); };
  }
  if (later == nullptr) {
    fill();
  } else {
    later->push_back(std::move(fill));
  }
  return panels;
}

void UnpackBranch(const BranchPanels& panels, int64_t n, int64_t k, float* rows) {
  if (panels.wide != nullptr) return UnpackPanels(panels.wide, n, k, rows);
  std::vector<Bf16> halves(static_cast<size_t>(n * k));
  UnpackPanels(panels.half, n, k, halves.data());
  for (const Bf16 half : halves) {
    const uint32_t bits = static_cast<uint32_t>(half.bits) << 16;
    std::memcpy(rows++, &bits, sizeof(bits));
  }
}

}  // namespace plumbline
