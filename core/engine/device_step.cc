// One step of the device: what goes into it, the decoder's run, and what its logits are for.
//
// One bad request takes nobody down. A row's bits do not depend on its neighbours, so a step that
// fails is run again sequence by sequence, and only those that fail alone are ended; an exception
// while logits are looked at or a text grows ends the sequence that they belong to.
#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/engine/device_engine_internal.h"
#include "core/engine/step_plan.h"
#include "core/weights/torch_guard_internal.h"

namespace plumbline {
namespace {

bool AllFinite(absl::Span<const float> values) {
  constexpr uint32_t kExponent = 0x7f800000;  // all of its bits: NaN or infinity
  uint32_t found = 0;
  for (const float value : values) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    found |= (bits & kExponent) == kExponent ? 1 : 0;
  }
  return found == 0;
}

absl::Status BrokenLogits(int64_t position) {
  return absl::DataLossError(
      absl::StrCat("after ", position + 1,
                   " tokens the model's logits hold NaN or infinity: damaged weights of ",
                   "the model or the adapter, or values beyond bfloat16 (try float32)"));
}

}  // namespace

void DeviceEngine::BuildStep() {
  step_ = {};
  RestartGrown();
  std::vector<StepCandidate> candidates;
  for (const Sequence& s : running_) {
    candidates.push_back({static_cast<int64_t>(s.request->tokens.size()) - s.computed,
                          s.computed >= s.prompt_length, s.request->ticket.priority});
  }
  const std::vector<int64_t> counts = PlanStep(candidates, decoder_->options().max_rows);
  std::vector<std::pair<Chunk, Sequence*>> picked;
  size_t next = 0;
  for (Sequence& s : running_) {
    const int64_t count = counts[next++];
    if (count <= 0) continue;
    Chunk chunk;
    chunk.tokens = absl::MakeConstSpan(s.request->tokens).subspan(s.computed, count);
    chunk.position = s.computed;
    chunk.prompt_length = s.prompt_length;
    chunk.blocks = absl::MakeConstSpan(s.blocks);
    chunk.adapter = s.request->adapter.get();
    chunk.first_output = std::clamp<int64_t>(s.request->output_from - s.computed, 0, count);
    picked.emplace_back(chunk, &s);
    const int64_t outputs = count - chunk.first_output;
    step_.rows += count;
    if (s.computed < s.prompt_length) step_.prompt_tokens += count;
    (s.request->samples ? step_.completion_tokens : step_.scored_tokens) += outputs;
  }
  // Rows of one adapter side by side: one pass over its branch.
  std::stable_sort(picked.begin(), picked.end(), [](const auto& a, const auto& b) {
    return std::less<const LoraWeights*>()(a.first.adapter, b.first.adapter);
  });
  chunks_.clear();
  chunk_sequences_.clear();
  for (auto& [chunk, sequence] : picked) {
    chunks_.push_back(chunk);
    chunk_sequences_.push_back(sequence);
  }
}

void DeviceEngine::RunStep() {
  BuildStep();
  if (chunks_.empty()) return;
  absl::Status status = ComputeChunks(0, chunks_.size());
  for (size_t c = 0; !status.ok() && c < chunks_.size(); ++c) {
    chunk_sequences_[c]->failure.Update(chunks_.size() == 1 ? status : ComputeChunks(c, c + 1));
  }
  for (size_t c = 0; c < chunks_.size(); ++c) {
    if (!chunk_sequences_[c]->failure.ok()) continue;
    chunk_sequences_[c]->computed += static_cast<int64_t>(chunks_[c].tokens.size());
    Publish(*chunk_sequences_[c]);
  }
  AdvanceAll();
}

// An error means that nothing was handed out.
absl::Status DeviceEngine::ComputeChunks(size_t begin, size_t end) {
  const absl::Status status = GuardTorch([&]() -> absl::Status {
    decoder_->Forward(absl::MakeConstSpan(chunks_).subspan(begin, end - begin));
    return absl::OkStatus();
  });
  if (status.ok()) HandOutLogits(begin, end);
  return status;
}

void DeviceEngine::HandOutLogits(size_t begin, size_t end) {
  outputs_.clear();
  for (size_t c = begin; c < end; ++c) {
    const int64_t count = static_cast<int64_t>(chunks_[c].tokens.size());
    for (int64_t i = chunks_[c].first_output; i < count; ++i) {
      outputs_.push_back({chunk_sequences_[c], chunks_[c].position + i});
    }
  }
  const int64_t rows = static_cast<int64_t>(outputs_.size());
  for (int64_t first = 0; first < rows; first += kLogitRows) {
    HandOutRows(first, std::min(first + kLogitRows, rows));
  }
}

void DeviceEngine::HandOutRows(int64_t begin, int64_t end) {
  const int64_t v = decoder_->spec().vocabulary;
  const absl::Status status = GuardTorch([&]() -> absl::Status {
    decoder_->Logits(begin, end, logits_.data());
    return absl::OkStatus();
  });
  std::fill(row_failures_.begin(), row_failures_.end(), status);
  if (status.ok()) {
    threads_->Run(end - begin, std::max<int64_t>(1, 20'000 / v),
                  [&](int64_t first, int64_t last, int) {
                    for (int64_t i = first; i < last; ++i) {
                      const OutputRow& output = outputs_[begin + i];
                      const absl::Span<const float> logits(logits_.data() + i * v, v);
                      row_failures_[i] = GuardTorch([&]() -> absl::Status {
                        if (!AllFinite(logits)) return BrokenLogits(output.position);
                        output.sequence->request->work->TakeLogits(output.position, logits);
                        return absl::OkStatus();
                      });
                    }
                  });
  }
  for (int64_t i = begin; i < end; ++i)
    outputs_[i].sequence->failure.Update(row_failures_[i - begin]);
}

void DeviceEngine::AdvanceAll() {
  for (auto it = running_.begin(); it != running_.end();) {
    const auto next = std::next(it);
    Request& request = *it->request;
    const bool whole = it->computed == static_cast<int64_t>(request.tokens.size());
    if (!it->failure.ok()) {
      End(it, it->failure);
    } else if (whole && it->computed > request.output_from) {
      const absl::StatusOr<bool> finished =
          GuardTorch([&] { return request.work->Advance(request.tokens); });
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

void DeviceEngine::CountStep() {
  absl::MutexLock lock(&mutex_);
  if (!chunks_.empty()) ++stats_.steps;
  stats_.prompt_tokens += step_.prompt_tokens;
  stats_.completion_tokens += step_.completion_tokens;
  stats_.scored_tokens += step_.scored_tokens;
  stats_.rows += step_.rows;
  stats_.running = static_cast<int>(running_.size());
  stats_.waiting = queued_;
  stats_.kv_tokens_capacity = cache_tokens();
  stats_.kv_tokens_used = (pool_->blocks() - pool_->free_blocks()) * kKvBlockTokens;
}

}  // namespace plumbline
