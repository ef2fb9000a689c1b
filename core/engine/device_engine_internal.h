// The device thread of one model: continuous batching over a decoder and a KV cache.
//
// Requests wait by priority and client (fair_queue.h). A sequence is admitted when the cache has
// room for all it may become, so nothing running is ever evicted. Each step (step_plan.h) takes one
// token of every sequence that is decoding and fills up with slices of prompts, runs the decoder
// once and hands out logits. What a step happens to contain changes no result (decoder_internal.h).
//
// device_engine.cc: the thread, admission, endings. device_step.cc: a step.
//
// Island-internal.
#ifndef PLUMBLINE_CORE_ENGINE_DEVICE_ENGINE_INTERNAL_H_
#define PLUMBLINE_CORE_ENGINE_DEVICE_ENGINE_INTERNAL_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "core/engine/fair_queue.h"
#include "core/engine/model_host.h"
#include "core/engine/prefix_cache.h"
#include "core/engine/work_internal.h"
#include "core/model/decoder_internal.h"
#include "core/model/kv_pool.h"
#include "core/model/thread_pool.h"

namespace plumbline {

struct DeviceEngineOptions {
  int max_batch = 32;
  int max_queue = 65536;
  bool prefix_cache = true;
};

// Thread-safe.
class DeviceEngine {
 public:
  DeviceEngine(std::unique_ptr<ThreadPool> threads, std::unique_ptr<Decoder> decoder,
               std::unique_ptr<KvPool> pool, const DeviceEngineOptions& options);
  ~DeviceEngine();

  // Queues a request; its work is finished with an error where that is impossible:
  // ResourceExhausted (queue full, or more tokens than the whole cache holds), Unavailable
  // (stopped).
  void Submit(std::unique_ptr<Request> request);
  // Runs `task` on the device thread between two steps and waits for it. Unavailable: stopped.
  absl::Status RunBetweenSteps(std::function<void(Decoder&)> task);
  // Ends the thread; whatever is under way is finished with Unavailable. Idempotent; not from the
  // device thread.
  void Stop();

  EngineStats stats() const;
  const Decoder& decoder() const { return *decoder_; }
  int threads() const { return threads_->threads(); }
  // Tokens that one sequence can have in the cache at most.
  int64_t cache_tokens() const { return pool_->blocks() * kKvBlockTokens; }

 private:
  static constexpr int64_t kLogitRows = 64;  // handed out at once
  using Waiting = FairQueue<std::unique_ptr<Request>>;
  struct Fork;
  // A sequence that holds blocks.
  struct Sequence {
    std::unique_ptr<Request> request;
    int64_t prompt_length = 0;  // tokens when it came
    int64_t computed = 0;       // tokens whose keys and values are in the cache
    int64_t reused = 0;         // of these, found there
    std::vector<void*> blocks;
    std::vector<std::string> keys;  // of the prompt's whole blocks
    size_t published = 0;           // keys that are in the prefix cache, or were found there
    Fork* fork = nullptr;           // of a child
    absl::Status failure;           // why it has to end with this step
  };
  // A finished sequence whose children still need its keys and values.
  struct Fork {
    std::unique_ptr<Request> parent;  // adapter and cancel token
    int64_t context = 0;              // tokens that children share; 0: they compute them anew
    std::vector<void*> blocks;
    std::vector<void*> reserve;  // enough for one child, so that a full cache cannot stop it
    std::deque<std::unique_ptr<Request>> waiting;
    size_t reserve_size = 0;
    int running = 0;
  };
  struct OutputRow {
    Sequence* sequence;
    int64_t position;
  };

  void Loop();
  bool Woken() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void DropCancelled();
  void Admit();
  Waiting::Answer AdmitRequest(std::unique_ptr<Request>& request);
  const std::vector<std::string>& KeysOf(Request& request) const;
  void AdmitChildren();
  bool AdmitChild(Fork& fork);
  void BuildStep();
  void RunStep();
  absl::Status ComputeChunks(size_t begin, size_t end);
  void HandOutLogits(size_t begin, size_t end);
  void HandOutRows(int64_t begin, int64_t end);
  void AdvanceAll();
  void Publish(Sequence& sequence);
  void End(std::list<Sequence>::iterator sequence, absl::Status status);
  void Settle(const Sequence& sequence, const absl::Status& status);
  void Retire(Sequence& sequence, bool keep_blocks);
  void StartFork(Sequence& sequence, std::vector<std::unique_ptr<Request>> children);
  void RefillReserve(Fork& fork, Sequence& child);
  void DropFork(std::list<Fork>::iterator fork, const absl::Status& status);
  void FailEverything(const absl::Status& status);
  int64_t BlocksFor(int64_t tokens) const { return (tokens + kKvBlockTokens - 1) / kKvBlockTokens; }
  int64_t ReserveFor(const Request& request) const;
  void RestartGrown();
  void ReleaseAll(std::vector<void*>& blocks);
  void CountStep();

  const DeviceEngineOptions options_;
  const std::unique_ptr<ThreadPool> threads_;
  const std::unique_ptr<Decoder> decoder_;
  const std::unique_ptr<KvPool> pool_;

  // The device thread's own.
  PrefixCache cache_;
  std::list<Sequence> running_;  // in order of admission
  std::list<Fork> forks_;
  Waiting waiting_;
  absl::flat_hash_map<std::string, int> pending_;  // prefix keys being computed
  std::vector<Chunk> chunks_;
  std::vector<Sequence*> chunk_sequences_;
  std::vector<OutputRow> outputs_;
  EngineStats step_;                        // what the step at hand adds
  AlignedBuffer<float> logits_;             // [kLogitRows, V]
  std::vector<absl::Status> row_failures_;  // [kLogitRows]; each written by one thread

  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<Request>> arrivals_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int queued_ ABSL_GUARDED_BY(mutex_) = 0;  // arrivals_ + waiting_
  EngineStats stats_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_DEVICE_ENGINE_INTERNAL_H_
