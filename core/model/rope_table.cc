#include "core/model/rope_table.h"

#include <algorithm>
#include <cmath>

#include "core/model/bf16.h"

namespace plumbline {

void RopeTable::Compute(int64_t position, const std::vector<float>& frequencies, float* cos,
                        float* sin) const {
  const float scale = static_cast<float>(spec_.attention_factor);
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double angle = static_cast<float>(position) * frequencies[i];  // the product in fp32
    cos[i] = RoundTo(dtype_, static_cast<float>(std::cos(angle)) * scale);
    sin[i] = RoundTo(dtype_, static_cast<float>(std::sin(angle)) * scale);
  }
}

void RopeTable::Row(int64_t position, int64_t length, float* cos, float* sin) {
  if (length > FixedLength(spec_)) {
    Compute(position, InverseFrequencies(spec_, length), cos, sin);
    return;
  }
  if (frequencies_.empty()) frequencies_ = InverseFrequencies(spec_, 1);
  const int64_t n = half();
  int64_t known = static_cast<int64_t>(rows_.size()) / (2 * n);
  if (position >= known) {
    rows_.resize((position + 1) * 2 * n);
    for (; known <= position; ++known) {
      float* row = rows_.data() + known * 2 * n;
      Compute(known, frequencies_, row, row + n);
    }
  }
  const float* row = rows_.data() + position * 2 * n;
  std::copy(row, row + n, cos);
  std::copy(row + n, row + 2 * n, sin);
}

}  // namespace plumbline
