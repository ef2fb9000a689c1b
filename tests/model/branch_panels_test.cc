#include "core/model/branch_panels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace plumbline {
namespace {

std::vector<float> RoundTrip(const std::vector<float>& values, int64_t n, int64_t k, bool half) {
  std::vector<const float*> rows;
  for (int64_t i = 0; i < n; ++i) rows.push_back(values.data() + i * k);
  PanelArena arena;
  const BranchPanels panels = PackBranch(rows, k, arena);
  EXPECT_EQ(panels.half != nullptr, half);
  EXPECT_EQ(panels.wide == nullptr, half);
  std::vector<float> back(values.size());
  UnpackBranch(panels, n, k, back.data());
  return back;
}

TEST(BranchPanels, ValuesThatBfloat16HoldsTakeHalfTheBytes) {
  std::vector<float> values;
  for (int i = 0; i < 17 * 5; ++i) values.push_back(static_cast<float>(i % 2 == 0 ? i : -i) / 64);
  EXPECT_EQ(RoundTrip(values, 17, 5, /*half=*/true), values);
  values.back() = 0.1f;  // one value that bfloat16 would round
  EXPECT_EQ(RoundTrip(values, 17, 5, /*half=*/false), values);
}

TEST(BranchPanels, AnArenaGrowsAndKeepsWhatItGave) {
  PanelArena arena(256);
  std::vector<char*> taken;
  for (int i = 0; i < 40; ++i) {
    taken.push_back(static_cast<char*>(arena.Take(100 + 50 * i)));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(taken.back()) % 64, 0u);
    std::fill_n(taken.back(), 100 + 50 * i, static_cast<char>(i));
  }
  const PanelArena moved = std::move(arena);
  for (int i = 0; i < 40; ++i) {
    for (int b = 0; b < 100 + 50 * i; ++b) ASSERT_EQ(taken[static_cast<size_t>(i)][b], i);
  }
}

}  // namespace
}  // namespace plumbline
