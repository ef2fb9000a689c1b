// The engine as the rest of the server sees it: hosts models, admits adapters, pins subjects. No
// torch type here, so the server and its tests build without the LibTorch island
// (tests/support/fake_model_host.h implements it in a few lines).
//
// Adapters are immutable versions named by the SHA-256 of their content. LoadAdapter reads,
// validates and proves one off the device thread and ends with one pointer published under the
// alias; whoever pinned an older version keeps it, and its memory goes when the last holder lets
// go.
#ifndef PLUMBLINE_CORE_ENGINE_MODEL_HOST_H_
#define PLUMBLINE_CORE_ENGINE_MODEL_HOST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/eval/language_model.h"

namespace plumbline {

struct LoadModelOptions {
  std::string name;            // [a-z0-9][a-z0-9_.-]{0,63}
  std::string path;            // a Hugging Face checkpoint directory
  std::string dtype = "auto";  // "auto" (the checkpoint's own), "float32" or "bfloat16"
  std::string device = "cpu";  // "cpu", "cpu:KERNELS" (kernels.h) or "cuda:N"
  int max_batch = 0;           // rows decoded together; 0: the engine's default
  int64_t kv_cache_bytes = 0;  // budget of the KV cache; 0: the engine's default

  bool operator==(const LoadModelOptions&) const = default;
};

// Packed adapter weights of one model (core/engine/adapter_slots_internal.h).
struct AdapterMemoryStats {
  int64_t max_bytes = 0;  // 0: no bound
  int max_resident = 0;   // adapters; 0: no bound
  int resident = 0;       // packed now
  int pinned = 0;         // of these, held by a job or a call: never evicted
  int64_t bytes = 0;      // of the packed ones
  int64_t evictions = 0;  // since start
  int64_t repacks = 0;    // since start: adapters that came back from the store
};

struct ModelInfo {
  LoadModelOptions options;  // as loaded: nothing is "auto" or 0 any more
  std::string architecture;  // e.g. "LlamaForCausalLM"
  std::string version;       // SHA-256 over config and weights' headers: names this checkpoint
  int64_t parameters = 0;
  int64_t weight_bytes = 0;
  int64_t kv_cache_bytes = 0;  // planned
  int context_length = 0;      // tokens of prompt + response
  int vocabulary = 0;
  int threads = 0;
  bool has_chat_template = false;
  Numerics numerics;
  absl::Duration load_time;
  AdapterMemoryStats adapters;  // as of now
  // What in the checkpoint is not followed and may surprise, in full sentences.
  std::vector<std::string> warnings;
};

struct LoadAdapterOptions {
  std::string model;
  std::string alias;           // [A-Za-z0-9][A-Za-z0-9_.-]{0,63}
  std::string path;            // a PEFT adapter directory
  std::string nominal_target;  // capability its label claims; empty: none declared
};

// What an adapter does to a module.
enum class AppliedKind {
  kLinear,       // adds B·A to a linear map (Linear or Conv1D)
  kEmbedding,    // adds B·A to an embedding
  kReplacement,  // brings the weight whole: modules_to_save, or a base weight stored beside a LoRA
  kBias,         // brings the bias only
  kTokens,       // brings rows of an embedding: trainable_token_indices
};

// One module of the base that the adapter changes.
struct AppliedModule {
  std::string module;  // e.g. "model.layers.0.self_attn.q_proj"
  int rank = 0;
  double alpha = 0;
  double scaling = 0;  // what B·A is multiplied by
  int64_t in_features = 0;
  int64_t out_features = 0;
  AppliedKind kind = AppliedKind::kLinear;
  double delta_norm = 0;  // Frobenius norm of scaling · B·A
};

// The proof that a version was really applied. All of it was measured at load.
struct AdmissionReport {
  std::string version;  // SHA-256 of adapter_config.json and adapter_model.safetensors
  int tensors_in_file = 0;
  int tensors_applied = 0;  // always equal to tensors_in_file: otherwise the load fails
  std::vector<AppliedModule> modules;
  bool rslora = false;
  bool dora = false;
  double canary_max_abs_logit_change = 0;  // > 0: the canary prompt's logits differ from the base's
  bool base_restored_bitwise =
      false;  // base logits of the canary with and without the adapter resident have the same bits
  std::vector<std::string>
      warnings;  // e.g. unknown configuration keys, another base_model_name_or_path
};

// Where the time of a load went.
struct LoadPhases {
  absl::Duration read;     // files into memory, digested on the way
  absl::Duration check;    // core/lora's proofs
  absl::Duration pack;     // for the kernels
  absl::Duration prove;    // canary, the wait for the step under way included
  absl::Duration store;    // copy, synced to disk
  absl::Duration publish;  // from then on the alias is the new version's
};

struct AdapterInfo {
  std::string model;
  std::string
      alias;  // empty: no alias points to this version any more, but somebody still holds it
  std::string version;
  std::string nominal_target;
  std::string source_path;
  absl::Time loaded_at;
  absl::Duration load_time;
  LoadPhases phases;      // of a version that was not known before; else read and publish
  int64_t bytes = 0;      // memory of its packed weights
  int pins = 0;           // LanguageModel handles alive
  bool resident = false;  // its weights are packed now; else they will be when it is pinned
  AdmissionReport report;
};

// Counters since start and gauges of now; one reading is consistent.
struct EngineStats {
  int64_t prompt_tokens = 0;      // computed in prefill
  int64_t completion_tokens = 0;  // sampled
  int64_t scored_tokens = 0;
  int64_t steps = 0;  // device steps
  int64_t rows = 0;   // Σ rows over steps: rows / steps is the mean batch width
  int running = 0;    // sequences in flight; the model's max_batch at most
  int waiting = 0;    // sequences queued
  int64_t kv_tokens_used = 0;
  int64_t kv_tokens_capacity = 0;
  AdapterMemoryStats adapters;
};

// Thread-safe. Loads block their caller (seconds), never the device thread.
class ModelHost : public ModelProvider {
 public:
  // InvalidArgument / FailedPrecondition: what in the checkpoint is not usable, by file and key.
  // AlreadyExists: the name is taken by another path or other options; the same again is OK and
  // returns the loaded one. Unimplemented: architecture or feature by name.
  virtual absl::StatusOr<ModelInfo> LoadModel(const LoadModelOptions& options) = 0;
  // FailedPrecondition while a subject of it is pinned.
  virtual absl::Status UnloadModel(absl::string_view name) = 0;
  virtual std::vector<ModelInfo> ListModels() const = 0;
  virtual absl::StatusOr<ModelInfo> GetModel(absl::string_view name) const = 0;

  // Validates, proves and publishes. Nothing changes unless all of it succeeds. Loading a new
  // version under an alias in use is a hot swap. InvalidArgument names the tensor or the key;
  // NotFound the path.
  virtual absl::StatusOr<AdapterInfo> LoadAdapter(const LoadAdapterOptions& options) = 0;
  // Takes the alias away; running holders keep their version.
  virtual absl::Status UnloadAdapter(absl::string_view model, absl::string_view alias) = 0;
  // Of one model, or of all when `model` is empty. By model, then alias.
  virtual std::vector<AdapterInfo> ListAdapters(absl::string_view model) const = 0;

  // By model name.
  virtual std::vector<std::pair<std::string, EngineStats>> Stats() const = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_MODEL_HOST_H_
