// cos and sin of every position, computed once, when a position is first needed.
#ifndef PLUMBLINE_CORE_MODEL_ROPE_TABLE_H_
#define PLUMBLINE_CORE_MODEL_ROPE_TABLE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "core/model/rope.h"

namespace plumbline {

// Thread-compatible.
class RopeTable {
 public:
  // `round` is applied to every cos and sin: the activations' dtype (transformers casts them before
  // use).
  RopeTable(RopeSpec spec, float (*round)(float)) : spec_(std::move(spec)), round_(round) {}

  int64_t half() const { return spec_.dims / 2; }
  // cos and sin [half] of one position in a sequence of `length` tokens.
  void Row(int64_t position, int64_t length, float* cos, float* sin);

 private:
  void Compute(int64_t position, const std::vector<float>& frequencies, float* cos,
               float* sin) const;

  RopeSpec spec_;
  float (*round_)(float);
  std::vector<float> frequencies_;  // for lengths up to FixedLength
  std::vector<float> rows_;         // [positions, 2, half]
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_ROPE_TABLE_H_
