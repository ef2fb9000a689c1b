#include "core/model/rope.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace plumbline {
namespace {

// base^(2i / dims), in fp32 as torch computes it.
std::vector<float> Wavelengths(double base, int64_t dims) {
  std::vector<float> result(dims / 2);
  for (size_t i = 0; i < result.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(dims);
    result[i] =
        static_cast<float>(std::pow(static_cast<float>(base), static_cast<double>(exponent)));
  }
  return result;
}

void ScaleLlama3(const RopeSpec& rope, std::vector<float>& frequencies) {
  const double context = static_cast<double>(rope.original_context);
  for (float& f : frequencies) {
    const double wavelength = 2 * M_PI / f;
    if (wavelength < context / rope.high_freq_factor) continue;
    if (wavelength > context / rope.low_freq_factor) {
      f = static_cast<float>(f / rope.factor);
      continue;
    }
    const double smooth = (context / wavelength - rope.low_freq_factor) /
                          (rope.high_freq_factor - rope.low_freq_factor);
    f = static_cast<float>((1 - smooth) * f / rope.factor + smooth * f);
  }
}

// The dimension that turns `rotations` times over the original context.
double YarnDimension(const RopeSpec& rope, double rotations) {
  return static_cast<double>(rope.dims) *
         std::log(static_cast<double>(rope.original_context) / (rotations * 2 * M_PI)) /
         (2 * std::log(rope.theta));
}

void ScaleYarn(const RopeSpec& rope, std::vector<float>& frequencies) {
  double low = YarnDimension(rope, rope.beta_fast);
  double high = YarnDimension(rope, rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(rope.dims - 1));
  if (low == high) high += 0.001;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    const double f = frequencies[i];
    frequencies[i] = static_cast<float>(f / rope.factor * ramp + f * (1 - ramp));
  }
}

}  // namespace

int64_t FixedLength(const RopeSpec& rope) {
  if (rope.kind == RopeKind::kDynamic) return rope.max_position;
  if (rope.kind == RopeKind::kLongRope) return rope.original_context;
  return std::numeric_limits<int64_t>::max();
}

bool RotatesAlike(const RopeSpec& rope, int64_t a, int64_t b) {
  const int64_t fixed = FixedLength(rope);
  if (rope.kind == RopeKind::kLongRope) return (a > fixed) == (b > fixed);
  return a == b || std::max(a, b) <= fixed;
}

std::vector<float> InverseFrequencies(const RopeSpec& rope, int64_t length) {
  double base = rope.theta;
  if (rope.kind == RopeKind::kDynamic) {
    const double positions = static_cast<double>(rope.max_position);
    const double seen = std::max(static_cast<double>(length), positions);
    const double dims = static_cast<double>(rope.dims);
    base *= std::pow(rope.factor * seen / positions - (rope.factor - 1), dims / (dims - 2));
  }
  std::vector<float> result = Wavelengths(base, rope.dims);
  const std::vector<float>* extension = nullptr;
  if (rope.kind == RopeKind::kLongRope) {
    extension = length > rope.original_context ? &rope.long_factor : &rope.short_factor;
  }
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = 1.0f / (extension == nullptr ? result[i] : (*extension)[i] * result[i]);
    if (rope.kind == RopeKind::kLinear) result[i] /= static_cast<float>(rope.factor);
  }
  if (rope.kind == RopeKind::kLlama3) ScaleLlama3(rope, result);
  if (rope.kind == RopeKind::kYarn) ScaleYarn(rope, result);
  return result;
}

}  // namespace plumbline
