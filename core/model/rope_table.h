// cos and sin of every position, computed once, when a position is first needed.
#ifndef PLUMBLINE_CORE_MODEL_ROPE_TABLE_H_
#define PLUMBLINE_CORE_MODEL_ROPE_TABLE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "core/model/decoder_spec.h"
#include "core/model/rope.h"

namespace plumbline {

// Of cos and sin in a model of `dtype`: transformers casts them to the activations' dtype before
// use, but for the families that cast late.
inline ComputeType RotationDtype(const DecoderSpec& spec, ComputeType dtype) {
  return spec.rope_late_cast ? ComputeType::kFloat32 : dtype;
}

// Thread-compatible.
class RopeTable {
 public:
  // Every cos and sin is rounded to `dtype`: RotationDtype.
  RopeTable(RopeSpec spec, ComputeType dtype) : spec_(std::move(spec)), dtype_(dtype) {}

  int64_t half() const { return spec_.dims / 2; }
  // cos and sin [half] of one position in a sequence of `length` tokens.
  void Row(int64_t position, int64_t length, float* cos, float* sin);

 private:
  void Compute(int64_t position, const std::vector<float>& frequencies, float* cos,
               float* sin) const;

  RopeSpec spec_;
  ComputeType dtype_;
  std::vector<float> frequencies_;  // for lengths up to FixedLength
  std::vector<float> rows_;         // [positions, 2, half]
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_ROPE_TABLE_H_
