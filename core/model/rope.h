// Rotary position embeddings and their scalings, as transformers defines them
// (modeling_rope_utils.py).
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_ROPE_H_
#define PLUMBLINE_CORE_MODEL_ROPE_H_

#include <cstdint>
#include <vector>

namespace plumbline {

enum class RopeKind { kDefault, kLinear, kDynamic, kYarn, kLlama3, kLongRope };

struct RopeSpec {
  RopeKind kind = RopeKind::kDefault;
  double theta = 10000;
  int64_t dims = 0;  // rotated dimensions of a head, even
  double factor = 1;
  double attention_factor = 1;   // cos and sin are multiplied by it
  int64_t max_position = 0;      // kDynamic: lengths beyond it stretch the base
  int64_t original_context = 0;  // kYarn, kLlama3, kLongRope: before the extension
  double low_freq_factor = 1;    // kLlama3
  double high_freq_factor = 4;
  double beta_fast = 32;  // kYarn
  double beta_slow = 1;
  bool truncate = true;
  std::vector<float> short_factor;  // kLongRope, dims / 2 each
  std::vector<float> long_factor;
};

// Inverse frequencies in fp32, dims / 2 of them, for a sequence of `length` tokens.
std::vector<float> InverseFrequencies(const RopeSpec& rope, int64_t length);

// The length up to which frequencies stay those of length 1; longer sequences differ.
int64_t FixedLength(const RopeSpec& rope);

// Whether a position is rotated alike in a sequence of `a` tokens and in one of `b`.
bool RotatesAlike(const RopeSpec& rope, int64_t a, int64_t b);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_ROPE_H_
