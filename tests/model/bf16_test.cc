#include "core/model/bf16.h"

#include <c10/util/BFloat16.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace plumbline {
namespace {

void ExpectAsTorch(float x) {
  const float want = static_cast<float>(c10::BFloat16(x));
  const float got = RoundToBf16(x);
  if (std::isnan(want)) {
    ASSERT_TRUE(std::isnan(got)) << std::hexfloat << x;
  } else {
    ASSERT_EQ(std::bit_cast<uint32_t>(got), std::bit_cast<uint32_t>(want)) << std::hexfloat << x;
  }
}

TEST(Bf16, RoundsAsTorchDoes) {
  using Limits = std::numeric_limits<float>;
  for (float x : {0.f, 1.f, 0.1f, 1.00390625f, 1.01171875f, Limits::min(), Limits::denorm_min(),
                  Limits::max(), 3.3895e38f, 3.3961e38f, Limits::infinity(), Limits::quiet_NaN(),
                  Limits::signaling_NaN()}) {
    ExpectAsTorch(x);
    ExpectAsTorch(-x);
  }
  // All of whose payload is in the half that is dropped, or that would carry into the sign.
  for (uint32_t bits : {0x7f800001u, 0xff800001u, 0x7fffffffu, 0xffffffffu}) {
    ExpectAsTorch(std::bit_cast<float>(bits));
  }
  std::mt19937 random(11);
  for (int i = 0; i < 1000000; ++i)
    ExpectAsTorch(std::bit_cast<float>(static_cast<uint32_t>(random())));
  // Ties, above an even number and above an odd one.
  for (uint32_t upper = 0; upper < 0x10000u; ++upper) {
    ExpectAsTorch(std::bit_cast<float>(upper << 16 | 0x8000u));
  }
}

TEST(Bf16, Float32IsLeftAsItIs) {
  EXPECT_EQ(RoundTo(ComputeType::kFloat32, 0.1f), 0.1f);
  EXPECT_EQ(RoundTo(ComputeType::kBfloat16, 0.1f), 0.10009765625f);
}

}  // namespace
}  // namespace plumbline
