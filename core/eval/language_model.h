// The interface evaluation needs from a model, owned here and implemented by core/engine (and by a
// few lines in tests).
//
// A LanguageModel is one *pinned* subject: a model together with one immutable adapter version, or
// the base alone. Holding the shared_ptr keeps the version's memory; a swap of the alias never
// changes what a held LanguageModel computes.
#ifndef PLUMBLINE_CORE_EVAL_LANGUAGE_MODEL_H_
#define PLUMBLINE_CORE_EVAL_LANGUAGE_MODEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/eval/prompt.h"

namespace plumbline {

// How the next token is chosen. temperature 0 is greedy (ties: the lowest id). A draw depends on
// (seed, prompt, position) only, so a sampled text is as reproducible as a greedy one.
struct Decoding {
  double temperature = 0;  // >= 0
  int top_k = 0;           // 0: off
  double top_p = 1;        // in (0, 1]
  uint64_t seed = 0;
  int max_new_tokens = 256;  // > 0
  std::vector<std::string>
      stop;  // the text is cut before the first of these; EOS tokens always stop as well
};

enum class FinishReason {
  kStop,
  kLength,
  kCancelled
};  // kStop: EOS or a stop string; kLength: max_new_tokens

struct Generation {
  std::string text;  // valid UTF-8, without special tokens, cut at the first stop string
  FinishReason finish_reason = FinishReason::kStop;
  int prompt_tokens = 0;
  int completion_tokens = 0;
};

// One token of a scored text.
struct TokenScore {
  struct Alternative {
    int32_t id = 0;
    std::string text;
    double log_probability = 0;  // natural logarithm
  };
  int32_t id = 0;
  std::string text;                 // the token's own text; may be part of a character
  bool has_log_probability = true;  // false for the first token of a text, which nothing precedes
  double log_probability = 0;       // log p(token | all tokens before it); natural logarithm, <= 0
  std::vector<Alternative> top;     // the most probable tokens at this position, best first
};

struct LogLikelihood {
  double sum = 0;          // Σ log p of the continuation's tokens, natural logarithm
  bool is_greedy = false;  // every continuation token was the most probable one
  int tokens = 0;          // of the continuation
};

// What a result was computed with; recorded in every verdict.
struct Numerics {
  std::string device;  // "cpu:avx512_bf16" (the kernels) or "cuda:0 NVIDIA H100 80GB HBM3"
  std::string dtype;   // "float32" or "bfloat16"
  std::string mode;    // "batch_invariant": same bits whatever the load

  bool operator==(const Numerics&) const = default;
};

struct ModelIdentity {
  std::string model;    // the name the server knows it by
  std::string adapter;  // alias at the time of pinning; empty for the base
  std::string
      adapter_version;  // SHA-256 of the adapter's content, 64 hex digits; empty for the base
  std::string nominal_target;  // capability the adapter's label claims; may be empty
  Numerics numerics;
  // SHA-256 that names the checkpoint, 64 hex digits (docs/exports.md says what it covers);
  // empty where the implementation has none.
  std::string model_version;
};

// Ends the work of a call early. Thread-safe. A cancelled call still gets its callback, with
// kCancelled.
class CancelToken {
 public:
  virtual ~CancelToken() = default;
  virtual bool cancelled() const = 0;
};

// Who asks, for the order in which calls get their turn (core/engine/fair_queue.h): a higher
// priority goes first, callers of one priority share evenly by tokens. Changes no result.
struct CallOrigin {
  std::string caller;  // a job's id; calls of one caller stay in order
  int priority = 0;    // jobs: -100 to 100, as JobSpec::priority
};
// Of Generate and Score: a person waits, and what is asked is small.
inline constexpr int kInteractivePriority = 1000;

// Thread-safe. Calls return at once; `done` is called exactly once, from an engine thread, and must
// not block. Errors: InvalidArgument (empty prompt, bad decoding), OutOfRange (prompt +
// max_new_tokens exceed the context: names both numbers; never a silently cut prompt),
// ResourceExhausted (memory, queue full), Cancelled, Unavailable (shutting down).
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;
  virtual const ModelIdentity& identity() const = 0;

  // Generates a response. `sample_index` distinguishes several samples of one prompt: it is part of
  // the draw's counter.
  struct GenerateCall {
    Prompt prompt;
    Decoding decoding;
    int sample_index = 0;
    std::shared_ptr<const CancelToken> cancel;  // may be null
    CallOrigin origin;
  };
  virtual void Generate(GenerateCall call,
                        std::function<void(absl::StatusOr<Generation>)> done) = 0;

  // log p(continuation | context) for each continuation of one context, in order. The token
  // boundary is lm-eval's: trailing spaces of the context move to the continuation, context +
  // continuation are encoded together and split at len(encode(context)); an empty context is the
  // BOS (or EOS) token. The context is computed once.
  struct LogLikelihoodCall {
    Prompt context;
    std::vector<std::string> continuations;  // not empty
    std::shared_ptr<const CancelToken> cancel;
    CallOrigin origin;
  };
  virtual void LogLikelihoods(
      LogLikelihoodCall call,
      std::function<void(absl::StatusOr<std::vector<LogLikelihood>>)> done) = 0;

  // The log-probability of every token of `text` (tokenised with special tokens), with the `top`
  // best alternatives at each position.
  struct ScoreCall {
    std::string text;
    int top = 5;  // 0..100
    std::shared_ptr<const CancelToken> cancel;
    CallOrigin origin;
  };
  virtual void Score(ScoreCall call,
                     std::function<void(absl::StatusOr<std::vector<TokenScore>>)> done) = 0;
};

// Finds and pins subjects. Thread-safe.
class ModelProvider {
 public:
  virtual ~ModelProvider() = default;
  // `adapter` is an alias, a version (64 hex digits) or empty for the base. NotFound names what is
  // missing and lists what there is.
  virtual absl::StatusOr<std::shared_ptr<LanguageModel>> Pin(absl::string_view model,
                                                             absl::string_view adapter) = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_LANGUAGE_MODEL_H_
