// Chooses the next token from logits. A pure function of the logits, the decoding options and the
// draw's key: batch, time and neighbours cannot change it.
//
// No torch type here. Thread-safe.
#ifndef PLUMBLINE_CORE_ENGINE_SAMPLER_H_
#define PLUMBLINE_CORE_ENGINE_SAMPLER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/eval/language_model.h"

namespace plumbline {

// What a draw depends on besides the logits.
struct DrawKey {
  uint64_t seed = 0;
  uint64_t prompt = 0;  // PromptKey of the prompt's tokens
  uint32_t sample = 0;  // which of several samples of one prompt
  uint32_t position = 0;
};

// The first 8 bytes of the SHA-256 of the ids.
uint64_t PromptKey(absl::Span<const int32_t> tokens);

// Uniform in [0, 1), 53 bits, from Philox.
double Draw(const DrawKey& key);

// InvalidArgument names the option and its range.
absl::Status ValidateDecoding(const Decoding& decoding);

// The next token. temperature 0: the most probable, ties to the lowest id. Else transformers'
// order: temperature, then top_k, then top_p; ties at top_k's border are kept, as there.
int32_t SampleToken(absl::Span<const float> logits, const Decoding& decoding, const DrawKey& key);

// The `count` largest logits, best first, ties to the lowest id.
std::vector<int32_t> TopTokens(absl::Span<const float> logits, int count);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_SAMPLER_H_
