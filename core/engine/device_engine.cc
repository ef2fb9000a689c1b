#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "core/engine/device_engine_internal.h"
#include "core/engine/torch_guard_internal.h"

namespace plumbline {
namespace {

constexpr int64_t kLogitRows = 64;

bool IsCancelled(const Request& request) {
  return request.cancel != nullptr && request.cancel->cancelled();
}

// Everything besides the tokens that keys and values depend on.
std::string PrefixSalt(const DecoderSpec& spec, const Request& request) {
  std::string salt = request.adapter == nullptr ? "base" : request.adapter->version;
  const int64_t length = static_cast<int64_t>(request.tokens.size());
  for (const RopeSpec& rope : spec.ropes) {
    if (length > FixedLength(rope)) return absl::StrCat(salt, " length ", length);
  }
  return salt;
}

}  // namespace

DeviceEngine::DeviceEngine(std::unique_ptr<ThreadPool> threads, std::unique_ptr<Decoder> decoder,
                           std::unique_ptr<KvPool> pool, const DeviceEngineOptions& options)
    : options_(options),
      threads_(std::move(threads)),
      decoder_(std::move(decoder)),
      pool_(std::move(pool)),
      cache_(pool_.get(), options.prefix_cache),
      logits_(kLogitRows * decoder_->spec().vocabulary) {
  thread_ = std::thread([this] { Loop(); });
}

DeviceEngine::~DeviceEngine() { Stop(); }

void DeviceEngine::Submit(std::unique_ptr<Request> request) {
  const int64_t needed = BlocksFor(request->max_tokens) + ReserveFor(*request);
  absl::Status refused;
  if (needed > pool_->blocks()) {
    refused = absl::ResourceExhaustedError(
        absl::StrCat("the request needs a KV cache of ", needed * kKvBlockTokens,
                     " tokens and this model's holds ", cache_tokens()));
  } else {
    absl::MutexLock lock(&mutex_);
    if (stopping_) {
      refused = absl::UnavailableError("the model is shutting down");
    } else if (queued_ >= options_.max_queue) {
      refused = absl::ResourceExhaustedError(
          absl::StrCat("the model's queue is full (", options_.max_queue, " requests)"));
    } else {
      ++queued_;
      arrivals_.push_back(std::move(request));
      return;
    }
  }
  request->work->Finish(refused);
}

absl::Status DeviceEngine::RunBetweenSteps(std::function<void(Decoder&)> task) {
  absl::Notification done;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::UnavailableError("the model is shutting down");
    tasks_.push_back([&] {
      task(*decoder_);
      done.Notify();
    });
  }
  done.WaitForNotification();
  return absl::OkStatus();
}

void DeviceEngine::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

EngineStats DeviceEngine::stats() const {
  absl::MutexLock lock(&mutex_);
  return stats_;
}

bool DeviceEngine::Woken() const { return stopping_ || !arrivals_.empty() || !tasks_.empty(); }

void DeviceEngine::Loop() {
  for (;;) {
    std::vector<std::function<void()>> tasks;
    bool stopping;
    {
      absl::MutexLock lock(&mutex_);
      if (running_.empty() && waiting_.empty() && families_.empty()) {
        mutex_.Await(absl::Condition(this, &DeviceEngine::Woken));
      }
      for (std::unique_ptr<Request>& request : arrivals_) waiting_.push_back(std::move(request));
      arrivals_.clear();
      tasks.swap(tasks_);
      stopping = stopping_;
    }
    for (std::function<void()>& task : tasks) task();
    if (stopping) {
      FailEverything(absl::UnavailableError("the model is shutting down"));
      return;
    }
    DropCancelled();
    Admit();
    if (const absl::Status status = RunStep(); !status.ok()) FailEverything(status);
    CountStep();
  }
}

// ---- admission ----

int64_t DeviceEngine::ReserveFor(const Request& request) const {
  if (request.largest_child == 0) return 0;
  const int64_t context = static_cast<int64_t>(request.tokens.size());
  return BlocksFor(context + request.largest_child) - context / kKvBlockTokens;
}

void DeviceEngine::DropCancelled() {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (!IsCancelled(**it)) {
      ++it;
      continue;
    }
    (*it)->work->Finish(absl::CancelledError("cancelled"));
    it = waiting_.erase(it);
    absl::MutexLock lock(&mutex_);
    --queued_;
  }
  for (auto it = running_.begin(); it != running_.end();) {
    const auto next = std::next(it);
    if (IsCancelled(*it->request)) End(it, absl::CancelledError("cancelled"));
    it = next;
  }
  for (auto it = families_.begin(); it != families_.end();) {
    const auto next = std::next(it);
    if (IsCancelled(*it->parent)) DropFamily(it, absl::CancelledError("cancelled"));
    it = next;
  }
}

void DeviceEngine::Admit() {
  AdmitChildren();
  for (auto it = waiting_.begin();
       it != waiting_.end() && static_cast<int>(running_.size()) < options_.max_batch;) {
    bool deferred = false;
    if (AdmitRequest(*it, deferred)) {
      it = waiting_.erase(it);
      absl::MutexLock lock(&mutex_);
      --queued_;
    } else if (deferred) {
      ++it;
    } else {
      return;  // no room: those behind it must not overtake it for ever
    }
  }
}

// Takes blocks for a request, a known prefix first. `deferred`: another sequence is just computing
// the prefix it needs.
bool DeviceEngine::AdmitRequest(std::unique_ptr<Request>& request, bool& deferred) {
  Sequence sequence;
  sequence.prompt_length = static_cast<int64_t>(request->tokens.size());
  if (options_.prefix_cache && request->share_prefix) {
    sequence.keys = PrefixKeys(PrefixSalt(decoder_->spec(), *request), request->tokens,
                               sequence.prompt_length / kKvBlockTokens);
    const size_t usable = std::min<size_t>(
        sequence.keys.size(), static_cast<size_t>(request->output_from / kKvBlockTokens));
    size_t known = 0;
    while (known < usable && cache_.Contains(sequence.keys[known])) ++known;
    if (known < usable && pending_.contains(sequence.keys[known])) {
      deferred = true;
      return false;
    }
    sequence.blocks = cache_.Find(absl::MakeConstSpan(sequence.keys).first(known));
    sequence.published = known;
    sequence.computed = static_cast<int64_t>(known) * kKvBlockTokens;
  }
  const int64_t own = BlocksFor(request->max_tokens) - static_cast<int64_t>(sequence.blocks.size());
  const int64_t reserve = ReserveFor(*request);
  std::vector<void*> taken = cache_.Take(own + reserve);
  if (taken.empty() && own + reserve > 0) {
    ReleaseAll(sequence.blocks);
    return false;
  }
  sequence.blocks.insert(sequence.blocks.end(), taken.begin(), taken.end());
  for (size_t i = sequence.published; i < sequence.keys.size(); ++i) ++pending_[sequence.keys[i]];
  sequence.request = std::move(request);
  running_.push_back(std::move(sequence));
  return true;
}

void DeviceEngine::AdmitChildren() {
  for (Family& family : families_) {
    while (!family.waiting.empty() && AdmitChild(family)) {
    }
  }
}

// A child shares its parent's whole blocks and copies the one that the context ends in.
bool DeviceEngine::AdmitChild(Family& family) {
  Request& child = *family.waiting.front();
  const int64_t shared = family.context / kKvBlockTokens;
  const int64_t own = BlocksFor(child.max_tokens) - shared;
  std::vector<void*> blocks = cache_.Take(own);
  if (blocks.empty()) {
    if (family.running > 0) return false;
    while (static_cast<int64_t>(blocks.size()) < own) {
      blocks.push_back(family.reserve.back());
      family.reserve.pop_back();
    }
  }
  Sequence sequence;
  sequence.prompt_length = static_cast<int64_t>(child.tokens.size());
  sequence.computed = family.context;
  sequence.family = &family;
  for (int64_t i = 0; i < shared; ++i) {
    pool_->Share(family.blocks[i]);
    sequence.blocks.push_back(family.blocks[i]);
  }
  if (family.context % kKvBlockTokens != 0) {
    std::memcpy(blocks[0], family.blocks[shared],
                static_cast<size_t>(pool_->layout().block_bytes()));
  }
  sequence.blocks.insert(sequence.blocks.end(), blocks.begin(), blocks.end());
  sequence.request = std::move(family.waiting.front());
  family.waiting.pop_front();
  ++family.running;
  running_.push_back(std::move(sequence));
  return true;
}

// ---- a step ----

void DeviceEngine::BuildStep() {
  chunks_.clear();
  chunk_sequences_.clear();
  step_ = {};
  int64_t budget = decoder_->options().max_rows;
  std::vector<std::pair<Chunk, Sequence*>> picked;
  const auto pick = [&](Sequence& s) {
    const int64_t left = static_cast<int64_t>(s.request->tokens.size()) - s.computed;
    const int64_t count = std::min(left, budget);
    if (count <= 0) return;
    Chunk chunk;
    chunk.tokens = absl::MakeConstSpan(s.request->tokens).subspan(s.computed, count);
    chunk.position = s.computed;
    chunk.prompt_length = s.prompt_length;
    chunk.blocks = absl::MakeConstSpan(s.blocks);
    chunk.adapter = s.request->adapter.get();
    chunk.first_output = std::clamp<int64_t>(s.request->output_from - s.computed, 0, count);
    picked.emplace_back(chunk, &s);
    budget -= count;
    const int64_t outputs = count - chunk.first_output;
    step_.rows += count;
    if (s.computed < s.prompt_length) step_.prompt_tokens += count;
    (s.request->samples ? step_.completion_tokens : step_.scored_tokens) += outputs;
  };
  const auto decoding = [](const Sequence& s) { return s.computed >= s.prompt_length; };
  for (Sequence& s : running_) {
    if (decoding(s)) pick(s);
  }
  for (Sequence& s : running_) {
    if (!decoding(s)) pick(s);
  }
  // Rows of one adapter side by side: one pass over its branch.
  std::stable_sort(picked.begin(), picked.end(), [](const auto& a, const auto& b) {
    return std::less<const LoraWeights*>()(a.first.adapter, b.first.adapter);
  });
  for (auto& [chunk, sequence] : picked) {
    chunks_.push_back(chunk);
    chunk_sequences_.push_back(sequence);
  }
}

absl::Status DeviceEngine::RunStep() {
  BuildStep();
  if (chunks_.empty()) return absl::OkStatus();
  const absl::Status status = GuardTorch([&]() -> absl::Status {
    decoder_->Forward(chunks_);
    HandOutLogits();
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  for (size_t c = 0; c < chunks_.size(); ++c) {
    chunk_sequences_[c]->computed += static_cast<int64_t>(chunks_[c].tokens.size());
    Publish(*chunk_sequences_[c]);
  }
  AdvanceAll();
  return absl::OkStatus();
}

void DeviceEngine::HandOutLogits() {
  outputs_.clear();
  for (size_t c = 0; c < chunks_.size(); ++c) {
    const int64_t count = static_cast<int64_t>(chunks_[c].tokens.size());
    for (int64_t i = chunks_[c].first_output; i < count; ++i) {
      outputs_.push_back({chunk_sequences_[c], chunks_[c].position + i});
    }
  }
  const int64_t v = decoder_->spec().vocabulary;
  const int64_t rows = static_cast<int64_t>(outputs_.size());
  for (int64_t begin = 0; begin < rows; begin += kLogitRows) {
    const int64_t end = std::min(begin + kLogitRows, rows);
    decoder_->Logits(begin, end, logits_.data());
    threads_->Run(end - begin, std::max<int64_t>(1, 20'000 / v),
                  [&](int64_t first, int64_t last, int) {
                    for (int64_t i = first; i < last; ++i) {
                      const OutputRow& row = outputs_[begin + i];
                      row.sequence->request->work->TakeLogits(
                          row.position, absl::MakeConstSpan(logits_.data() + i * v, v));
                    }
                  });
  }
}

void DeviceEngine::AdvanceAll() {
  for (auto it = running_.begin(); it != running_.end();) {
    const auto next = std::next(it);
    Request& request = *it->request;
    const bool whole = it->computed == static_cast<int64_t>(request.tokens.size());
    if (whole && it->computed > request.output_from) {
      const absl::StatusOr<bool> finished = request.work->Advance(request.tokens);
      if (!finished.ok()) {
        End(it, finished.status());
      } else if (*finished) {
        End(it, absl::OkStatus());
      }
    }
    it = next;
  }
}

// Leaves the whole blocks of the prompt that are now computed for others to find.
void DeviceEngine::Publish(Sequence& s) {
  while (s.published < s.keys.size() &&
         static_cast<int64_t>(s.published + 1) * kKvBlockTokens <= s.computed) {
    cache_.Insert(s.keys[s.published], s.blocks[s.published]);
    const auto it = pending_.find(s.keys[s.published]);
    if (--it->second == 0) pending_.erase(it);
    ++s.published;
  }
}

// ---- endings ----

void DeviceEngine::ReleaseAll(std::vector<void*>& blocks) {
  for (void* block : blocks) pool_->Release(block);
  blocks.clear();
}

void DeviceEngine::Retire(Sequence& s, bool keep_blocks) {
  for (size_t i = s.published; i < s.keys.size(); ++i) {
    const auto it = pending_.find(s.keys[i]);
    if (--it->second == 0) pending_.erase(it);
  }
  if (!keep_blocks) ReleaseAll(s.blocks);
}

void DeviceEngine::End(std::list<Sequence>::iterator it, const absl::Status& status) {
  std::vector<std::unique_ptr<Request>> children;
  if (status.ok()) children = it->request->work->Children();
  Family* family = it->family;
  if (family != nullptr && !family->waiting.empty()) RefillReserve(*family, *it);
  Retire(*it, /*keep_blocks=*/!children.empty());
  it->request->work->Finish(status);
  if (!children.empty()) StartFamily(*it, std::move(children));
  running_.erase(it);
  if (family == nullptr) return;
  --family->running;
  if (family->running > 0 || !family->waiting.empty()) return;
  for (auto f = families_.begin(); f != families_.end(); ++f) {
    if (&*f == family) {
      DropFamily(f, absl::OkStatus());
      return;
    }
  }
}

// What one child borrowed goes to the next one.
void DeviceEngine::RefillReserve(Family& family, Sequence& child) {
  const size_t shared = static_cast<size_t>(family.context / kKvBlockTokens);
  while (family.reserve.size() < family.reserve_size && child.blocks.size() > shared) {
    family.reserve.push_back(child.blocks.back());
    child.blocks.pop_back();
  }
}

void DeviceEngine::StartFamily(Sequence& s, std::vector<std::unique_ptr<Request>> children) {
  Family& family = families_.emplace_back();
  family.context = s.computed;
  const int64_t held = BlocksFor(family.context);
  family.blocks.assign(s.blocks.begin(), s.blocks.begin() + held);
  family.reserve.assign(s.blocks.begin() + held, s.blocks.end());
  family.reserve_size = family.reserve.size();
  for (std::unique_ptr<Request>& child : children) {
    child->adapter = s.request->adapter;
    child->cancel = s.request->cancel;
    family.waiting.push_back(std::move(child));
  }
  family.parent = std::move(s.request);
}

// Ends what waits in a family. Its running children end by themselves and then drop it.
void DeviceEngine::DropFamily(std::list<Family>::iterator family, const absl::Status& status) {
  for (std::unique_ptr<Request>& child : family->waiting) child->work->Finish(status);
  family->waiting.clear();
  if (family->running > 0) return;
  ReleaseAll(family->blocks);
  ReleaseAll(family->reserve);
  families_.erase(family);
}

void DeviceEngine::FailEverything(const absl::Status& status) {
  while (!running_.empty()) End(running_.begin(), status);
  while (!families_.empty()) DropFamily(families_.begin(), status);
  for (std::unique_ptr<Request>& request : waiting_) request->work->Finish(status);
  const int dropped = static_cast<int>(waiting_.size());
  waiting_.clear();
  absl::MutexLock lock(&mutex_);
  queued_ -= dropped;
  if (!stopping_) return;
  for (std::unique_ptr<Request>& request : arrivals_) request->work->Finish(status);
  queued_ = 0;
  arrivals_.clear();
  for (std::function<void()>& task : tasks_) task();
  tasks_.clear();
}

void DeviceEngine::CountStep() {
  absl::MutexLock lock(&mutex_);
  if (!chunks_.empty()) ++stats_.steps;
  stats_.prompt_tokens += step_.prompt_tokens;
  stats_.completion_tokens += step_.completion_tokens;
  stats_.scored_tokens += step_.scored_tokens;
  stats_.rows += step_.rows;
  stats_.running = static_cast<int>(running_.size());
  stats_.waiting = queued_;
  stats_.kv_slots = options_.max_batch;
  stats_.kv_tokens_capacity = cache_tokens();
  stats_.kv_tokens_used = (pool_->blocks() - pool_->free_blocks()) * kKvBlockTokens;
}

}  // namespace plumbline
