// What is asked of a model, as the device thread sees it: token ids in, logits of some positions
// out, a result at the end. The scheduler (device_engine_internal.h) knows only this interface.
#ifndef PLUMBLINE_CORE_ENGINE_WORK_INTERNAL_H_
#define PLUMBLINE_CORE_ENGINE_WORK_INTERNAL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/engine/fair_queue.h"
#include "core/engine/response_text.h"
#include "core/engine/sampler.h"
#include "core/eval/language_model.h"
#include "core/model/lora_weights_internal.h"

namespace plumbline {

// Thread-compatible, but for TakeLogits.
class Work {
 public:
  virtual ~Work() = default;

  // Logits of the token at absolute position `position`. Called once for every output position,
  // from the device's threads, for different positions at once: it writes to the position's own
  // place.
  virtual void TakeLogits(int64_t position, absl::Span<const float> logits) = 0;
  // After a step with outputs of this work, on the device thread. `tokens` may be extended by the
  // next token to compute. True: finished.
  virtual absl::StatusOr<bool> Advance(std::vector<int32_t>& tokens) = 0;
  // Ends the work: hands the result, or the error, to the caller. Called exactly once. OK means
  // Advance has returned true. Cancelled: what there is so far may be handed over.
  virtual void Finish(const absl::Status& status) = 0;
  // Sequences that continue this one after it has finished; they share its keys and values.
  virtual std::vector<std::unique_ptr<struct Request>> Children() { return {}; }
};

// A work on its way to the device.
struct Request {
  std::unique_ptr<Work> work;
  std::vector<int32_t> tokens;  // to compute; not empty
  int64_t output_from = 0;      // logits are wanted from this position on
  int64_t max_tokens = 0;       // tokens.size() plus what Advance may add: what the cache must hold
  int64_t largest_child = 0;    // tokens that a child adds at most; 0: no children
  bool samples = false;         // its outputs are sampled tokens, not scores
  bool share_prefix = true;     // may take and leave blocks in the prefix cache
  bool lone_children = false;   // children compute the context anew: longer, it rotates otherwise
  std::shared_ptr<const LoraWeights> adapter;  // null: the base
  std::shared_ptr<const CancelToken> cancel;   // may be null
  Ticket ticket;                         // its tokens: what may be computed, children included
  std::vector<std::string> prefix_keys;  // of the prompt's whole blocks, once they were needed
};

// Runs a callback outside of the device thread.
using Deliver = std::function<void(std::function<void()>)>;

struct GenerateSpec {
  std::shared_ptr<const Tokenizer> tokenizer;
  Decoding decoding;
  int sample_index = 0;
  absl::flat_hash_set<int32_t> end_tokens;
};
// `tokens`: the prompt.
std::unique_ptr<Request> MakeGenerate(std::vector<int32_t> tokens, GenerateSpec spec,
                                      std::function<void(absl::StatusOr<Generation>)> done,
                                      Deliver deliver);

// A token's own log-probability and the best ids, before their texts are looked up.
struct TokenLogits {
  double log_probability = 0;
  std::vector<int32_t> top;
  std::vector<double> top_log_probabilities;
};
// `tokens`: all of the text; result i belongs to tokens[i + 1]. Needs two tokens at least.
std::unique_ptr<Request> MakeScore(
    std::vector<int32_t> tokens, int top,
    std::function<void(absl::StatusOr<std::vector<TokenLogits>>)> done, Deliver deliver);

// `context` and continuations: not empty. `shares_context`: its keys and values are those of the
// longer sequences, too.
std::unique_ptr<Request> MakeLogLikelihoods(
    std::vector<int32_t> context, std::vector<std::vector<int32_t>> continuations,
    bool shares_context, std::function<void(absl::StatusOr<std::vector<LogLikelihood>>)> done,
    Deliver deliver);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_WORK_INTERNAL_H_
