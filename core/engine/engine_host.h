// Makes the real ModelHost: LibTorch models on this machine.
#ifndef PLUMBLINE_CORE_ENGINE_ENGINE_HOST_H_
#define PLUMBLINE_CORE_ENGINE_ENGINE_HOST_H_

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/engine/model_host.h"

namespace plumbline {

struct EngineHostOptions {
  // Threads that compute, for each model; 0: one a logical CPU.
  int threads = 0;
  // Tokens of one device step. More: prompts are read in fewer passes over the weights; less:
  // sequences that are decoding wait less for other prompts.
  int step_tokens = 256;
  // Sequences decoded together where LoadModelOptions does not say.
  int max_batch = 32;
  // KV cache where LoadModelOptions does not say: what max_batch full contexts need, at most this.
  int64_t max_kv_cache_bytes = int64_t{2} << 30;
  // Requests that may wait for one model; more are refused (ResourceExhausted).
  int max_queue = 65536;
  // Keep the KV cache of prompt prefixes (whole blocks of 32 tokens) for later prompts that begin
  // with the same tokens under the same adapter version. Changes no result.
  bool prefix_cache = true;
  // Packed adapter weights of one model: adapters beyond that are packed again from their files
  // when they are pinned, in the place of those used least recently. 0: no bound. More: fewer
  // adapters have to be packed again (tens of milliseconds each).
  int64_t adapter_memory_bytes = int64_t{2} << 30;
  // The same as a number of adapters. 0: no bound.
  int max_resident_adapters = 0;
  // Where admitted adapters are copied to, as <dir>/<version>/; a path in there can be loaded
  // again. Empty: they are not copied.
  std::string adapter_store_dir;
};

// `clock` is borrowed. The host stops its threads when it is destroyed: calls still under way get
// Unavailable, handles that outlive it refuse every call.
std::unique_ptr<ModelHost> CreateEngineHost(const EngineHostOptions& options,
                                            const Clock& clock = SystemClock());

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_ENGINE_HOST_H_
