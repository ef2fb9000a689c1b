// Same bits whatever the load: random steps of many sequences with any adapters, neighbours and
// chunks, compared bit for bit with each sequence computed alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/engine/tiny_model.h"
#include "tests/model/case_files.h"
#include "tests/model/mixed_run.h"

namespace plumbline {
namespace {

std::shared_ptr<const LoraWeights> PackAdapter(const std::string& name, ComputeType dtype) {
  return LoadAndPack(kTinyBase, TinyAdapter(name), dtype);
}

class InvarianceTest : public testing::TestWithParam<ComputeType> {};

TEST_P(InvarianceTest, NothingButTheOwnSequenceDeterminesARow) {
  const std::vector<std::shared_ptr<const LoraWeights>> adapters = {
      nullptr,
      PackAdapter("small", GetParam()),
      PackAdapter("wide", GetParam()),
      PackAdapter("dora", GetParam()),
      PackAdapter("biased", GetParam()),
      PackAdapter("one_layer", GetParam()),
      PackAdapter("saved", GetParam()),
      PackAdapter("tokens", GetParam())};
  std::mt19937 random(17);
  const auto upto = [&](int n) { return static_cast<int>(random() % n); };
  for (int round = 0; round < 6; ++round) {
    TestDecoder alone(kTinyBase, GetParam(), 1);
    TestDecoder loaded(kTinyBase, GetParam(), 1 + round % 3, 600);
    const int64_t v = alone.decoder().spec().vocabulary;
    std::vector<MixedSequence> sequences(1 + upto(64));
    for (MixedSequence& s : sequences) {
      s.tokens.resize(1 + upto(round % 2 == 0 ? 40 : 150));
      for (int32_t& token : s.tokens) token = upto(static_cast<int>(v));
      s.adapter = adapters[upto(static_cast<int>(adapters.size()))].get();
      s.want = alone.Run(s.tokens, {}, s.adapter);
    }
    EXPECT_EQ(CompareMixed(loaded.decoder(), loaded.pool(), sequences, 70, 600, round), "")
        << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, InvarianceTest,
                         testing::Values(ComputeType::kFloat32, ComputeType::kBfloat16));

class PeftParityTest : public testing::TestWithParam<const char*> {};

TEST_P(PeftParityTest, LogitsEqualPeftsUnmergedForward) {
  const std::string name = GetParam();
  const auto file = SafetensorsFile::Open("tests/golden/engine/golden.safetensors");
  ASSERT_OK(file);
  const auto read = [&](const std::string& key, auto value) {
    const absl::string_view bytes = (*file)->data(*(*file)->Find(key));
    std::vector<decltype(value)> result(bytes.size() / sizeof(value));
    std::copy_n(bytes.data(), bytes.size(), reinterpret_cast<char*>(result.data()));
    return result;
  };
  const std::vector<int32_t> tokens = read("input_ids", int32_t{});
  const std::vector<float> want = read(name, float{});
  const float half_error = read(name + ".bf16_error", float{})[0];
  for (ComputeType dtype : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
    const std::shared_ptr<const LoraWeights> adapter =
        name == "base" ? nullptr : PackAdapter(name, dtype);
    TestDecoder decoder(kTinyBase, dtype);
    const std::vector<float> got = decoder.Run(tokens, {}, adapter.get());
    float difference = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      difference = std::max(difference, std::fabs(got[i] - want[i]));
    }
    const auto [low, high] = std::minmax_element(want.begin(), want.end());
    const bool wide = dtype == ComputeType::kFloat32;
    EXPECT_LE(difference, wide ? 1e-4f * (*high - *low) : 1.5f * half_error) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Adapters, PeftParityTest,
                         testing::Values("base", "small", "wide", "dora", "biased", "one_layer",
                                         "saved", "tokens"));

}  // namespace
}  // namespace plumbline
