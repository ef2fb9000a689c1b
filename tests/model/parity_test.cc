// Logits against transformers, for every family: fp32 within 1e-4 of the logits' range, bf16 within
// the error transformers' own bf16 has.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tests/model/case_files.h"

namespace plumbline {
namespace {

class ParityTest : public testing::TestWithParam<std::string> {};

TEST_P(ParityTest, Float32LogitsEqualTransformers) {
  const GoldenCase golden = LoadGoldenCase(GetParam());
  TestDecoder decoder(golden.directory, ComputeType::kFloat32);
  const std::vector<float> logits = decoder.Run(golden.tokens);
  ASSERT_EQ(logits.size(), golden.logits.size());
  const auto [low, high] = std::minmax_element(golden.logits.begin(), golden.logits.end());
  EXPECT_LE(MaxDifference(logits, golden.logits), 1e-4f * (*high - *low)) << golden.name;
}

TEST_P(ParityTest, EveryKernelTableAgrees) {
  const GoldenCase golden = LoadGoldenCase(GetParam());
  const auto [low, high] = std::minmax_element(golden.logits.begin(), golden.logits.end());
  for (Isa isa : {Isa::kReference, Isa::kPortable, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16}) {
    if (!CanRun(isa)) continue;
    TestDecoder decoder(golden.directory, ComputeType::kFloat32, 2, 512, isa);
    EXPECT_LE(MaxDifference(decoder.Run(golden.tokens), golden.logits), 1e-4f * (*high - *low))
        << golden.name << ", " << IsaName(isa);
  }
}

TEST_P(ParityTest, ChunksAndSingleTokensGiveTheSameBits) {
  const GoldenCase golden = LoadGoldenCase(GetParam());
  for (ComputeType dtype : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
    TestDecoder decoder(golden.directory, dtype);
    const std::vector<float> whole = decoder.Run(golden.tokens);
    std::vector<int64_t> every;
    for (size_t i = 1; i < golden.tokens.size(); ++i) every.push_back(static_cast<int64_t>(i));
    EXPECT_EQ(decoder.Run(golden.tokens, {7, 9}), whole) << golden.name;
    EXPECT_EQ(decoder.Run(golden.tokens, every), whole) << golden.name;
  }
}

TEST_P(ParityTest, Bfloat16StaysWithinTransformersOwnError) {
  const GoldenCase golden = LoadGoldenCase(GetParam());
  TestDecoder decoder(golden.directory, ComputeType::kBfloat16);
  const std::vector<float> logits = decoder.Run(golden.tokens);
  // Of one case both are partly luck: the largest of thousands of roundings more, the mean less.
  EXPECT_LE(MaxDifference(logits, golden.logits), 1.25f * golden.bf16_error) << golden.name;
  EXPECT_LE(RmsDifference(logits, golden.logits), 1.06f * golden.bf16_rms_error) << golden.name;
}

TEST(ParityOfBfloat16Test, IsNoWorseThanTransformersOverAllCases) {
  double sum = 0;
  const std::vector<std::string> directories = GoldenDirectories();
  for (const std::string& directory : directories) {
    const GoldenCase golden = LoadGoldenCase(directory);
    TestDecoder decoder(directory, ComputeType::kBfloat16);
    sum += RmsDifference(decoder.Run(golden.tokens), golden.logits) / golden.bf16_rms_error;
  }
  EXPECT_LE(sum / static_cast<double>(directories.size()), 1.0);
}

INSTANTIATE_TEST_SUITE_P(Golden, ParityTest, testing::ValuesIn(GoldenDirectories()),
                         [](const auto& info) {
                           std::string name = info.param.substr(info.param.rfind('/') + 1);
                           return name + "_" + std::to_string(info.index);
                         });

}  // namespace
}  // namespace plumbline
