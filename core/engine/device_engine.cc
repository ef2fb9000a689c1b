#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "core/engine/device_engine_internal.h"

namespace plumbline {
namespace {

bool IsCancelled(const Request& request) {
  return request.cancel != nullptr && request.cancel->cancelled();
}

// Everything besides the tokens that keys and values depend on.
std::string PrefixSalt(const DecoderSpec& spec, const Request& request) {
  std::string salt = request.adapter == nullptr ? "base" : request.adapter->version;
  const int64_t length = static_cast<int64_t>(request.tokens.size());
  for (const RopeSpec& rope : spec.ropes) {
    if (length <= FixedLength(rope)) continue;
    return RotatesAlike(rope, length, length + 1) ? absl::StrCat(salt, " long")
                                                  : absl::StrCat(salt, " length ", length);
  }
  return salt;
}

// Whether a response will be computed anew on its way (DecoderSpec::restart_beyond).
bool Restarts(const DecoderSpec& spec, const Request& request, int64_t prompt_length) {
  return request.samples && prompt_length <= spec.restart_beyond &&
         request.max_tokens > spec.restart_beyond;
}

}  // namespace

DeviceEngine::DeviceEngine(std::unique_ptr<ThreadPool> threads, std::unique_ptr<Decoder> decoder,
                           std::unique_ptr<KvPool> pool, const DeviceEngineOptions& options)
    : options_(options),
      threads_(std::move(threads)),
      decoder_(std::move(decoder)),
      pool_(std::move(pool)),
      cache_(pool_.get(), options.prefix_cache),
      logits_(kLogitRows * decoder_->spec().vocabulary),
      row_failures_(kLogitRows) {
  thread_ = std::thread([this] { Loop(); });
}

DeviceEngine::~DeviceEngine() { Stop(); }

void DeviceEngine::Submit(std::unique_ptr<Request> request) {
  const int64_t needed = BlocksFor(request->max_tokens) + ReserveFor(*request);
  absl::Status refused;
  if (needed > pool_->blocks()) {
    refused = absl::ResourceExhaustedError(
        absl::StrCat("the request needs a KV cache of ", needed * kKvBlockTokens,
                     " tokens and this model's holds ", cache_tokens(),
                     ": ask for fewer, or load it with more (--kv-cache-bytes)"));
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
      if (running_.empty() && waiting_.empty() && forks_.empty()) {
        mutex_.Await(absl::Condition(this, &DeviceEngine::Woken));
      }
      for (std::unique_ptr<Request>& request : arrivals_) {
        const Ticket ticket = request->ticket;
        waiting_.Push(ticket, std::move(request));
      }
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
    RunStep();
    CountStep();
  }
}

// A response that has come to the length where its rotation changes goes back to its beginning. Its
// blocks are all its own.
void DeviceEngine::RestartGrown() {
  const DecoderSpec& spec = decoder_->spec();
  if (spec.restart_beyond == 0) return;
  for (Sequence& s : running_) {
    const int64_t length = static_cast<int64_t>(s.request->tokens.size());
    if (length != spec.restart_beyond + 1 || s.computed != spec.restart_beyond ||
        !Restarts(spec, *s.request, s.prompt_length)) {
      continue;
    }
    s.computed = 0;
    s.prompt_length = length;
    s.request->output_from = length - 1;
  }
}

// ---- admission ----

int64_t DeviceEngine::ReserveFor(const Request& request) const {
  if (request.largest_child == 0) return 0;
  const int64_t context = static_cast<int64_t>(request.tokens.size());
  const int64_t whole = BlocksFor(context + request.largest_child);
  return whole - (request.lone_children ? BlocksFor(context) : context / kKvBlockTokens);
}

void DeviceEngine::DropCancelled() {
  int dropped = 0;
  waiting_.RemoveIf([&](std::unique_ptr<Request>& request) {
    if (!IsCancelled(*request)) return false;
    request->work->Finish(absl::CancelledError("cancelled"));
    ++dropped;
    return true;
  });
  if (dropped > 0) {
    absl::MutexLock lock(&mutex_);
    queued_ -= dropped;
  }
  for (auto it = running_.begin(); it != running_.end();) {
    const auto next = std::next(it);
    if (IsCancelled(*it->request)) End(it, absl::CancelledError("cancelled"));
    it = next;
  }
  for (auto it = forks_.begin(); it != forks_.end();) {
    const auto next = std::next(it);
    if (IsCancelled(*it->parent)) DropFork(it, absl::CancelledError("cancelled"));
    it = next;
  }
}

void DeviceEngine::Admit() {
  AdmitChildren();
  int admitted = 0;
  waiting_.Serve([&](std::unique_ptr<Request>& request) {
    if (static_cast<int>(running_.size()) >= options_.max_batch) return Waiting::Answer::kFull;
    const Waiting::Answer answer = AdmitRequest(request);
    admitted += answer == Waiting::Answer::kTaken ? 1 : 0;
    return answer;
  });
  if (admitted == 0) return;
  absl::MutexLock lock(&mutex_);
  queued_ -= admitted;
}

// The keys of the prompt's whole blocks, computed once however often the request is offered.
const std::vector<std::string>& DeviceEngine::KeysOf(Request& request) const {
  const int64_t blocks = static_cast<int64_t>(request.tokens.size()) / kKvBlockTokens;
  if (request.prefix_keys.empty() && blocks > 0) {
    request.prefix_keys = PrefixKeys(PrefixSalt(decoder_->spec(), request), request.tokens, blocks);
  }
  return request.prefix_keys;
}

// Takes blocks for a request, a known prefix first. kLater: another sequence is just computing the
// prefix it needs.
DeviceEngine::Waiting::Answer DeviceEngine::AdmitRequest(std::unique_ptr<Request>& request) {
  Sequence sequence;
  sequence.prompt_length = static_cast<int64_t>(request->tokens.size());
  const bool shares =
      request->share_prefix && !Restarts(decoder_->spec(), *request, sequence.prompt_length);
  if (options_.prefix_cache && shares) {
    const std::vector<std::string>& keys = KeysOf(*request);
    const size_t usable =
        std::min<size_t>(keys.size(), static_cast<size_t>(request->output_from / kKvBlockTokens));
    size_t known = 0;
    while (known < usable && cache_.Contains(keys[known])) ++known;
    if (known < usable && pending_.contains(keys[known])) return Waiting::Answer::kLater;
    sequence.blocks = cache_.Find(absl::MakeConstSpan(keys).first(known));
    sequence.published = known;
    sequence.reused = sequence.computed = static_cast<int64_t>(known) * kKvBlockTokens;
  }
  const int64_t own = BlocksFor(request->max_tokens) - static_cast<int64_t>(sequence.blocks.size());
  const int64_t reserve = ReserveFor(*request);
  std::vector<void*> taken = cache_.Take(own + reserve);
  if (taken.empty() && own + reserve > 0) {
    ReleaseAll(sequence.blocks);
    return Waiting::Answer::kFull;
  }
  sequence.blocks.insert(sequence.blocks.end(), taken.begin(), taken.end());
  sequence.keys = std::move(request->prefix_keys);
  for (size_t i = sequence.published; i < sequence.keys.size(); ++i) ++pending_[sequence.keys[i]];
  sequence.request = std::move(request);
  running_.push_back(std::move(sequence));
  return Waiting::Answer::kTaken;
}

void DeviceEngine::AdmitChildren() {
  for (Fork& fork : forks_) {
    while (!fork.waiting.empty() && AdmitChild(fork)) {
    }
  }
}

// A child shares its parent's whole blocks and copies the one that the context ends in.
bool DeviceEngine::AdmitChild(Fork& fork) {
  Request& child = *fork.waiting.front();
  const int64_t shared = fork.context / kKvBlockTokens;
  const int64_t own = BlocksFor(child.max_tokens) - shared;
  std::vector<void*> blocks = cache_.Take(own);
  if (blocks.empty()) {
    if (fork.running > 0) return false;
    while (static_cast<int64_t>(blocks.size()) < own) {
      blocks.push_back(fork.reserve.back());
      fork.reserve.pop_back();
    }
  }
  Sequence sequence;
  sequence.prompt_length = static_cast<int64_t>(child.tokens.size());
  sequence.computed = fork.context;
  sequence.fork = &fork;
  for (int64_t i = 0; i < shared; ++i) {
    pool_->Share(fork.blocks[i]);
    sequence.blocks.push_back(fork.blocks[i]);
  }
  if (fork.context % kKvBlockTokens != 0) {
    pool_->Copy(blocks[0], fork.blocks[shared]);
  }
  sequence.blocks.insert(sequence.blocks.end(), blocks.begin(), blocks.end());
  sequence.request = std::move(fork.waiting.front());
  fork.waiting.pop_front();
  ++fork.running;
  running_.push_back(std::move(sequence));
  return true;
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

// The work is told last: who is answered finds that nothing of it is held any more, neither cache
// blocks nor the adapter's slot.
void DeviceEngine::End(std::list<Sequence>::iterator it, absl::Status status) {
  std::vector<std::unique_ptr<Request>> children;
  if (status.ok()) children = it->request->work->Children();
  Fork* const fork = it->fork;
  if (fork != nullptr && !fork->waiting.empty()) RefillReserve(*fork, *it);
  if (fork == nullptr) Settle(*it, status);
  Retire(*it, /*keep_blocks=*/!children.empty());
  const std::unique_ptr<Work> work = std::move(it->request->work);
  if (!children.empty()) StartFork(*it, std::move(children));
  running_.erase(it);
  if (fork != nullptr && --fork->running == 0 && fork->waiting.empty()) {
    DropFork(std::find_if(forks_.begin(), forks_.end(), [&](Fork& f) { return &f == fork; }),
             absl::OkStatus());
  }
  work->Finish(status);
}

// A response that ended early and a prefix that was known cost less than was charged. The choices
// of a question are charged with it.
void DeviceEngine::Settle(const Sequence& s, const absl::Status& status) {
  const Ticket& ticket = s.request->ticket;
  const bool whole = status.ok() && !s.request->samples;
  waiting_.Settle(ticket, (whole ? ticket.tokens : s.computed) - s.reused);
}

// What one child borrowed goes to the next one.
void DeviceEngine::RefillReserve(Fork& fork, Sequence& child) {
  const size_t shared = static_cast<size_t>(fork.context / kKvBlockTokens);
  while (fork.reserve.size() < fork.reserve_size && child.blocks.size() > shared) {
    fork.reserve.push_back(child.blocks.back());
    child.blocks.pop_back();
  }
}

void DeviceEngine::StartFork(Sequence& s, std::vector<std::unique_ptr<Request>> children) {
  Fork& fork = forks_.emplace_back();
  // Lone children take the parent's blocks, which nobody shares, for their own.
  fork.context = s.request->lone_children ? 0 : s.computed;
  const int64_t held = BlocksFor(fork.context);
  fork.blocks.assign(s.blocks.begin(), s.blocks.begin() + held);
  fork.reserve.assign(s.blocks.begin() + held, s.blocks.end());
  fork.reserve_size = fork.reserve.size();
  for (std::unique_ptr<Request>& child : children) {
    child->adapter = s.request->adapter;
    child->cancel = s.request->cancel;
    child->ticket = s.request->ticket;
    fork.waiting.push_back(std::move(child));
  }
  fork.parent = std::move(s.request);
}

// Ends what waits in a fork. Its running children end by themselves and then drop it.
void DeviceEngine::DropFork(std::list<Fork>::iterator fork, const absl::Status& status) {
  for (std::unique_ptr<Request>& child : fork->waiting) child->work->Finish(status);
  fork->waiting.clear();
  if (fork->running > 0) return;
  ReleaseAll(fork->blocks);
  ReleaseAll(fork->reserve);
  forks_.erase(fork);
}

// Loop() took the last arrivals and tasks under the lock under which it saw stopping_: none came
// since.
void DeviceEngine::FailEverything(const absl::Status& status) {
  while (!running_.empty()) End(running_.begin(), status);
  while (!forks_.empty()) DropFork(forks_.begin(), status);
  waiting_.RemoveIf([&](std::unique_ptr<Request>& request) {
    request->work->Finish(status);
    return true;
  });
  absl::MutexLock lock(&mutex_);
  queued_ = 0;
}

}  // namespace plumbline
