// Same bits whatever the load: random steps over many sequences, compared with each alone. Works on
// any decoder; links no LibTorch.
#ifndef PLUMBLINE_TESTS_MODEL_MIXED_RUN_H_
#define PLUMBLINE_TESTS_MODEL_MIXED_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/decoder_internal.h"

namespace plumbline {

// One sequence, and what each of its tokens' logits must be.
struct MixedSequence {
  std::vector<int32_t> tokens;
  const LoraWeights* adapter = nullptr;
  std::vector<float> want;  // [tokens, V], of the sequence computed alone
  std::vector<void*> blocks;
  int64_t done = 0;
};

// Logits [tokens, V] of one sequence, cut at `cuts` (ascending).
std::vector<float> RunAlone(Decoder& decoder, KvPool& pool, const std::vector<int32_t>& tokens,
                            const std::vector<int64_t>& cuts, const LoraWeights* adapter);

// Steps of up to most_rows rows in random order, some sequences left out of some steps, chunks of
// one token or up to longest_chunk, until all are through. Says where the first row differs by a
// bit from `want`; "" if none does.
std::string CompareMixed(Decoder& decoder, KvPool& pool, std::vector<MixedSequence>& sequences,
                         int64_t longest_chunk, int64_t most_rows, uint32_t seed);

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_MODEL_MIXED_RUN_H_
