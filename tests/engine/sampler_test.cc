#include "core/engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "core/engine/philox.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

TEST(PhiloxTest, GivesTheAuthorsKnownAnswers) {
  EXPECT_EQ(Philox({0, 0, 0, 0}, {0, 0}),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t f = 0xffffffff;
  EXPECT_EQ(Philox({f, f, f, f}, {f, f}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(SamplerTest, GreedyTakesTheLowestOfEquals) {
  EXPECT_EQ(SampleToken({1.f, 5.f, 5.f, 2.f}, {}, {}), 1);
  std::vector<float> many(1000, -1.f);
  many[999] = many[37] = 3.f;
  EXPECT_EQ(SampleToken(many, {}, {}), 37);
  EXPECT_EQ(TopTokens(many, 3), (std::vector<int32_t>{37, 999, 0}));
}

TEST(SamplerTest, FrequenciesFollowTheDistribution) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  Decoding decoding;
  decoding.temperature = 1;
  std::map<int32_t, int> counts;
  for (uint32_t i = 0; i < 20000; ++i) ++counts[SampleToken(logits, decoding, {7, 9, 0, i})];
  EXPECT_NEAR(counts[0] / 20000.0, 0.5, 0.02);
  EXPECT_NEAR(counts[1] / 20000.0, 0.3, 0.02);
  EXPECT_NEAR(counts[2] / 20000.0, 0.2, 0.02);
}

TEST(SamplerTest, TopKAndTopPNarrowTheChoice) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  Decoding decoding;
  decoding.temperature = 1;
  decoding.top_k = 2;
  for (uint32_t i = 0; i < 500; ++i) EXPECT_NE(SampleToken(logits, decoding, {1, 1, 0, i}), 2);
  decoding.top_k = 0;
  decoding.top_p = 0.4;
  for (uint32_t i = 0; i < 500; ++i) EXPECT_EQ(SampleToken(logits, decoding, {1, 1, 0, i}), 0);
}

TEST(SamplerTest, DecodingIsValidated) {
  Decoding decoding;
  EXPECT_OK(ValidateDecoding(decoding));
  decoding.temperature = std::nan("");
  EXPECT_THAT(ValidateDecoding(decoding), StatusIs(absl::StatusCode::kInvalidArgument));
  decoding = {};
  decoding.stop = {""};
  EXPECT_THAT(ValidateDecoding(decoding), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace plumbline
