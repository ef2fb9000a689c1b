// Same bits whatever the load: random steps over many sequences, compared with each alone. Works on
// any decoder; links no LibTorch.
#ifndef PLUMBLINE_TESTS_MODEL_CUDA_MIXED_RUN_H_
#define PLUMBLINE_TESTS_MODEL_CUDA_MIXED_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/decoder_internal.h"

namespace plumbline::cuda {

// One sequence, and what each of its tokens' logits must be.
struct Sequence {
  std::vector<int32_t> tokens;
  const LoraWeights* adapter = nullptr;
  std::vector<float> want;  // [tokens, V], of the sequence computed alone
  std::vector<void*> blocks;
  int64_t done = 0;
};

// Logits [tokens, V] of one sequence, cut at `cuts` (ascending).
std::vector<float> RunAlone(Decoder& decoder, KvPool& pool, const std::vector<int32_t>& tokens,
                            const std::vector<int64_t>& cuts, const LoraWeights* adapter);

// Steps of up to most_rows rows, chunks of up to longest_chunk tokens, in random order, until all
// sequences are through. Says where the first row differs by a bit from `want`; "" if none does.
std::string CompareMixed(Decoder& decoder, KvPool& pool, std::vector<Sequence>& sequences,
                         int64_t longest_chunk, int64_t most_rows, uint32_t seed);

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_TESTS_MODEL_CUDA_MIXED_RUN_H_
