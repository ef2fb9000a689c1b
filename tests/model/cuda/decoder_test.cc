// The CUDA decoder, whole, on the emulated device: every family against transformers, every kind of
// adapter against PEFT, and the same bits whatever the load, with and without graphs. What this
// cannot show is said in emulation.h; gpu_test.cc does the rest where there is a GPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/model/cuda/cuda_decoder_internal.h"
#include "core/model/families/families.h"
#include "tests/model/case_files.h"
#include "tests/model/cuda/emulated_device.h"
#include "tests/model/cuda/emulation.h"
#include "tests/model/mixed_run.h"
#include "tests/support/status_matchers.h"

namespace plumbline::cuda {
namespace {

struct Setting {
  ComputeType dtype = ComputeType::kFloat32;
  int64_t max_rows = 512;
  Schedule schedule = Schedule::kAscending;
  CudaOptions cuda;
  EmulatedCounts* counts = nullptr;
};

std::unique_ptr<TestDecoder> Load(const std::string& directory, const Setting& setting) {
  const auto spec = LoadDecoderSpec(directory);
  const auto checkpoint = Checkpoint::Open(directory);
  if (!spec.ok() || !checkpoint.ok()) throw std::runtime_error(directory);
  CudaOptions cuda = setting.cuda;
  if (cuda.adapter_bytes == 0) cuda.adapter_bytes = int64_t{64} << 20;
  auto decoder =
      LoadDecoder(*spec, **checkpoint, {setting.dtype, setting.max_rows}, cuda,
                  MakeEmulatedDevice(setting.schedule, int64_t{1} << 30, setting.counts));
  if (!decoder.ok()) throw std::runtime_error(decoder.status().ToString());
  return std::make_unique<TestDecoder>(*std::move(decoder), int64_t{8} << 20);
}

float RangeOf(const std::vector<float>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *high - *low;
}

// ---- families ----

class CudaParityTest : public testing::TestWithParam<std::string> {};

TEST_P(CudaParityTest, Float32LogitsEqualTransformers) {
  const GoldenCase golden = LoadGoldenCase(GetParam());
  const auto decoder = Load(golden.directory, {ComputeType::kFloat32});
  const std::vector<float> logits = decoder->Run(golden.tokens);
  EXPECT_LE(MaxDifference(logits, golden.logits), 1e-4f * RangeOf(golden.logits));
}

TEST_P(CudaParityTest, Bfloat16StaysWithinTransformersOwnError) {
  const GoldenCase golden = LoadGoldenCase(GetParam());
  const auto decoder = Load(golden.directory, {ComputeType::kBfloat16});
  EXPECT_LE(MaxDifference(decoder->Run(golden.tokens), golden.logits), 1.5f * golden.bf16_error);
}

TEST_P(CudaParityTest, Float32LogitsEqualTheCpuDecoders) {
  const GoldenCase golden = LoadGoldenCase(GetParam());
  TestDecoder cpu(golden.directory, ComputeType::kFloat32);
  const std::vector<float> want = cpu.Run(golden.tokens);
  const auto decoder = Load(golden.directory, {ComputeType::kFloat32});
  EXPECT_LE(MaxDifference(decoder->Run(golden.tokens), want), 1e-5f * RangeOf(want));
  EXPECT_EQ(decoder->decoder().parameters(), cpu.decoder().parameters());
}

// Token by token means: as graphs, from the third token on.
TEST_P(CudaParityTest, ChunksSingleTokensAndSchedulesGiveTheSameBits) {
  const GoldenCase golden = LoadGoldenCase(GetParam());
  std::vector<int64_t> every;
  for (size_t i = 1; i < golden.tokens.size(); ++i) every.push_back(static_cast<int64_t>(i));
  for (ComputeType dtype : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
    Setting setting{dtype};
    const std::vector<float> whole = Load(golden.directory, setting)->Run(golden.tokens);
    EmulatedCounts counts;
    setting.schedule = Schedule::kShuffled;
    setting.counts = &counts;
    // Half of the cases each, for time's sake: fp32 starts in the middle.
    const bool half = dtype == ComputeType::kBfloat16;
    const std::vector<int64_t> cuts(every.begin() + (half ? 0 : every.size() / 2), every.end());
    EXPECT_EQ(Load(golden.directory, setting)->Run(golden.tokens, cuts), whole);
    EXPECT_EQ(counts.graphs, 1);
    EXPECT_GE(counts.replays, static_cast<int64_t>(cuts.size()) - 2);
    setting.schedule = Schedule::kDescending;
    setting.counts = nullptr;
    EXPECT_EQ(Load(golden.directory, setting)->Run(golden.tokens, {7, 9}), whole);
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, CudaParityTest, testing::ValuesIn(GoldenDirectories()),
                         [](const auto& info) {
                           std::string name = info.param.substr(info.param.rfind('/') + 1);
                           return name + "_" + std::to_string(info.index);
                         });

// ---- adapters ----

constexpr char kPeftCases[] = "tests/golden/peft";

class CudaPeftTest : public testing::TestWithParam<std::string> {
 protected:
  const std::string directory_ = std::string(kPeftCases) + "/" + GetParam();
  std::vector<std::string> AdapterNames() const { return SortedNames(directory_ + "/adapters"); }
  void RunMixed(const Setting& setting, std::vector<MixedSequence>& sequences,
                int64_t longest_chunk, int64_t most_rows, uint32_t seed) {
    const auto loaded = Load(directory_ + "/base", setting);
    EXPECT_EQ(
        CompareMixed(loaded->decoder(), loaded->pool(), sequences, longest_chunk, most_rows, seed),
        "");
  }
  std::shared_ptr<const LoraWeights> Adapter(const std::string& name, ComputeType dtype) const {
    return LoadAndPack(directory_ + "/base", directory_ + "/adapters/" + name, dtype);
  }
};

TEST_P(CudaPeftTest, LogitsEqualPeftsUnmergedForward) {
  const auto file = SafetensorsFile::Open(directory_ + "/golden.safetensors");
  ASSERT_OK(file);
  const std::vector<int32_t> tokens = ReadTensor<int32_t>(**file, "input_ids");
  const int64_t count = static_cast<int64_t>(tokens.size());
  for (ComputeType dtype : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
    const auto decoder = Load(directory_ + "/base", {dtype});
    for (const std::string& name : AdapterNames()) {
      const std::vector<float> want = ReadTensor<float>(**file, name);
      const float half_error = ReadTensor<float>(**file, name + ".bf16_error")[0];
      const auto adapter = Adapter(name, dtype);
      const std::vector<float> got =
          decoder->Run(tokens, {5, count - 3, count - 2, count - 1}, adapter.get());
      EXPECT_LE(MaxDifference(got, want),
                dtype == ComputeType::kFloat32 ? 1e-4f * RangeOf(want) : 2 * half_error)
          << name;
    }
  }
}

TEST_P(CudaPeftTest, ARowsBitsAreThoseOfTheSequenceAlone) {
  std::mt19937 random(5);
  const auto upto = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
  for (ComputeType dtype : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
    const auto alone = Load(directory_ + "/base", {dtype});
    const int64_t v = alone->decoder().spec().vocabulary;
    std::vector<std::shared_ptr<const LoraWeights>> adapters = {nullptr};
    int64_t largest = 0;
    for (const std::string& name : AdapterNames()) {
      adapters.push_back(Adapter(name, dtype));
      largest = std::max(largest, adapters.back()->bytes);
    }
    std::vector<MixedSequence> sequences(10);
    for (size_t i = 0; i < sequences.size(); ++i) {
      MixedSequence& s = sequences[i];
      s.tokens.resize(static_cast<size_t>(1 + upto(i == 0 ? 60 : 18)));
      for (int32_t& token : s.tokens) token = static_cast<int32_t>(upto(v));
      s.adapter = adapters[i % adapters.size()].get();
      s.want = alone->Run(s.tokens, {}, s.adapter);
    }
    Setting setting{dtype, 90, Schedule::kShuffled};
    RunMixed(setting, sequences, 12, 90, 6);
    // One token each: graphs where the adapters allow it.
    RunMixed(setting, sequences, 1, 90, 7);
    // Room for the largest adapter and little more: they come and go, and steps are split.
    setting.cuda.adapter_bytes = 3 * largest + (1 << 16);
    RunMixed(setting, sequences, 12, 90, 8);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, CudaPeftTest, testing::ValuesIn(SortedNames(kPeftCases)),
                         [](const auto& info) { return info.param; });

// ---- graphs ----

TEST(CudaGraphTest, AFewGraphsServeEveryWidthAndMix) {
  const std::string base = "tests/golden/engine";
  const auto alone = Load(base + "/base", {ComputeType::kBfloat16});
  const int64_t v = alone->decoder().spec().vocabulary;
  // No more than low-rank branches and trained rows.
  std::vector<std::shared_ptr<const LoraWeights>> adapters = {nullptr};
  for (const char* name : {"small", "wide", "dora", "one_layer", "tokens"}) {
    adapters.push_back(
        LoadAndPack(base + "/base", base + "/adapters/" + name, ComputeType::kBfloat16));
  }
  std::vector<MixedSequence> sequences(20);
  std::mt19937 random(3);
  for (size_t i = 0; i < sequences.size(); ++i) {
    sequences[i].tokens.resize(10 + 3 * (i % 9));  // the width falls as they end
    for (int32_t& token : sequences[i].tokens) token = static_cast<int32_t>(random() % v);
    sequences[i].adapter = adapters[i % adapters.size()].get();
    sequences[i].want = alone->Run(sequences[i].tokens, {}, sequences[i].adapter);
  }
  EmulatedCounts counts;
  const auto loaded =
      Load(base + "/base", {ComputeType::kBfloat16, 64, Schedule::kShuffled, {}, &counts});
  EXPECT_EQ(CompareMixed(loaded->decoder(), loaded->pool(), sequences, 1, 64, 4), "");
  EXPECT_GE(counts.graphs, 3);
  EXPECT_LE(counts.graphs, 10);
  EXPECT_GE(counts.replays, 15);
}

// ---- memory ----

TEST(CudaMemoryTest, WhatDoesNotFitIsRefusedWithTheNumbers) {
  const std::string directory = GoldenDirectories().front();
  const auto spec = LoadDecoderSpec(directory);
  const auto checkpoint = Checkpoint::Open(directory);
  EXPECT_THAT(LoadDecoder(*spec, **checkpoint, {ComputeType::kFloat32, 32}, {},
                          MakeEmulatedDevice(Schedule::kAscending, 10'000)),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       testing::AllOf(testing::HasSubstr("weights take"),
                                      testing::HasSubstr("--device cpu"))));
  DecoderSpec wide = *spec;
  wide.head_dim = 320;
  EXPECT_THAT(LoadDecoder(wide, **checkpoint, {ComputeType::kFloat32, 32}, {},
                          MakeEmulatedDevice(Schedule::kAscending, 1 << 30)),
              StatusIs(absl::StatusCode::kUnimplemented, testing::HasSubstr("head_dim 320")));
}

TEST(CudaMemoryTest, TheCacheLeavesWhatAdaptersWereKept) {
  const std::string directory = GoldenDirectories().front();
  const auto spec = LoadDecoderSpec(directory);
  const auto checkpoint = Checkpoint::Open(directory);
  EmulatedCounts counts;
  CudaOptions cuda;
  cuda.adapter_bytes = 8 << 20;
  constexpr int64_t kMemory = 64 << 20;
  auto decoder = LoadDecoder(*spec, **checkpoint, {ComputeType::kFloat32, 32}, cuda,
                             MakeEmulatedDevice(Schedule::kAscending, kMemory, &counts));
  ASSERT_OK(decoder);
  KvMemory& memory = (*decoder)->kv_memory();
  const int64_t available = memory.available();
  EXPECT_LE(counts.bytes + available + cuda.adapter_bytes, kMemory);
  auto pool = KvPool::Create((*decoder)->kv_layout(), available, memory);
  ASSERT_OK(pool);
  EXPECT_THAT(KvPool::Create((*decoder)->kv_layout(), available, memory),
              StatusIs(absl::StatusCode::kResourceExhausted, testing::HasSubstr("adapters")));
  pool->reset();
  ASSERT_OK(KvPool::Create((*decoder)->kv_layout(), available, memory));
}

TEST(CudaMemoryTest, AnAdapterLargerThanItsRoomIsAnError) {
  const std::string base = "tests/golden/peft/qwen2";
  const std::string name = SortedNames(base + "/adapters").front();
  const auto adapter =
      LoadAndPack(base + "/base", base + "/adapters/" + name, ComputeType::kFloat32);
  Setting setting;
  setting.cuda.adapter_bytes = 256;
  const auto decoder = Load(base + "/base", setting);
  try {
    decoder->Run({1, 2, 3}, {}, adapter.get());
    ADD_FAILURE() << "it ran";
  } catch (const std::bad_alloc& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("256 are kept for all adapters"));
  }
}

}  // namespace
}  // namespace plumbline::cuda
