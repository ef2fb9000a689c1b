// Damage to an adapter's two files: never a crash, and never an admission without every tensor
// applied.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/lora/adapter_fixture.h"

namespace plumbline {
namespace {

std::string Damage(std::string bytes, std::mt19937& random) {
  for (unsigned edit = 0; edit <= random() % 3; ++edit) {
    const size_t at = random() % bytes.size();
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
        break;
      case 2:
        bytes.erase(at, 1 + random() % 8);
        break;
      default:
        bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 16));
    }
    if (bytes.empty()) bytes.push_back('{');
  }
  return bytes;
}

TEST(AdapterFuzz, DamagedFilesAreRefusedOrWhollyApplied) {
  const AdapterFiles good = AdapterFiles::Good();
  const std::string config = good.config.dump();
  const std::string tensors = SafetensorsBytes(good.tensors);
  std::mt19937 random(7);
  TempDir dir;
  int refused = 0;
  constexpr int kRounds = 1000;
  for (int round = 0; round < kRounds; ++round) {
    const bool spoil_config = round % 2 == 0;
    dir.Write("adapter_config.json", spoil_config ? Damage(config, random) : config);
    dir.Write("adapter_model.safetensors", spoil_config ? tensors : Damage(tensors, random));
    const auto adapter = LoadFrom(dir.path(), SmallBase());
    if (!adapter.ok()) {
      ++refused;
      EXPECT_NE(adapter.status().code(), absl::StatusCode::kInternal) << adapter.status();
      continue;
    }
    EXPECT_EQ((*adapter)->tensors_applied, (*adapter)->tensors_in_file);
    EXPECT_EQ((*adapter)->tensors_in_file, 8);
    EXPECT_EQ((*adapter)->modules.size(), 4u);
  }
  EXPECT_GT(refused, kRounds / 4);
}

}  // namespace
}  // namespace plumbline
