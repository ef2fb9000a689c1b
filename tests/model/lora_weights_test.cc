#include "core/model/lora_weights_internal.h"

#include <gtest/gtest.h>

namespace plumbline {
namespace {

TEST(LoraGroup, ChangesTheOutputByABranchABiasAWeightOrRows) {
  LoraGroup group;
  EXPECT_FALSE(group.changes_output());
  group.in = 8;
  EXPECT_FALSE(group.changes_output());
  const auto changes = [](auto change) {
    LoraGroup changed;
    change(changed);
    return changed.changes_output();
  };
  EXPECT_TRUE(changes([](LoraGroup& g) { g.parts.emplace_back(); }));
  EXPECT_TRUE(changes([](LoraGroup& g) { g.bias = {1}; }));
  EXPECT_TRUE(changes([](LoraGroup& g) { g.replaced.emplace_back(); }));
  EXPECT_TRUE(changes([](LoraGroup& g) { g.rows.columns = {3}; }));
}

}  // namespace
}  // namespace plumbline
