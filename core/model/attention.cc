#include <algorithm>

#include "core/model/attention_internal.h"
#include "core/model/sharing.h"

namespace plumbline {

template <typename T>
AttentionRunner<T>::AttentionRunner(const DecoderSpec& spec, const DecoderOptions& options,
                                    const Kernels<T>& kernels, ThreadPool* threads)
    : spec_(spec),
      kernels_(kernels),
      threads_(*threads),
      layout_(KvLayoutOf<T>(spec)),
      scratch_(threads->threads()) {
  for (const RopeSpec& rope : spec_.ropes) {
    ropes_.emplace_back(rope, RotationDtype(spec_, options.dtype));
    rope_rows_.emplace_back(options.max_rows * rope.dims);
  }
}

template <typename T>
void AttentionRunner<T>::Begin(const StepRows& rows) {
  rows_ = &rows;
  units_.clear();
  const int64_t group = spec_.heads / spec_.kv_heads;
  for (size_t c = 0; c < rows.chunks.size(); ++c) {
    const int64_t count = static_cast<int64_t>(rows.chunks[c].tokens.size()) * group;
    // Long prompts are cut into runs that two threads can share.
    constexpr int64_t kRun = 8 * kAttentionTileRows;
    for (int64_t row = 0; row < count; row += kRun) {
      for (int64_t head = 0; head < spec_.kv_heads; ++head) {
        units_.push_back({static_cast<int32_t>(c), static_cast<int32_t>(head),
                          static_cast<int32_t>(row),
                          static_cast<int32_t>(std::min(row + kRun, count))});
      }
    }
  }
  for (size_t r = 0; r < ropes_.size(); ++r) {
    const int64_t half = ropes_[r].half();
    for (int64_t row = 0; row < rows.count; ++row) {
      const int64_t position = rows.position(row);
      float* cos = rope_rows_[r].data() + row * 2 * half;
      ropes_[r].Row(position, std::max(rows.chunk(row).prompt_length, position + 1), cos,
                    cos + half);
    }
  }
  const int64_t floats = AttentionScratchFloats(rows.longest, static_cast<int>(spec_.head_dim));
  for (AlignedBuffer<float>& scratch : scratch_) {
    if (scratch.size() < floats) scratch = AlignedBuffer<float>(floats + floats / 2);
  }
}

// Normalises and rotates the row's queries and keys, and puts keys and values into the cache.
template <typename T>
void AttentionRunner<T>::RotateAndStore(int64_t layer, const LayerWeights<T>& weights, int64_t row,
                                        T* qkv) const {
  const Chunk& chunk = rows_->chunk(row);
  const int d = static_cast<int>(spec_.head_dim);
  T* q = qkv + row * QkvWidth();
  T* k = q + spec_.q_width();
  const T* v = k + spec_.kv_width();
  const float eps = spec_.norm_epsilon;
  const LoraLayer* own =
      chunk.adapter == nullptr ? nullptr : &chunk.adapter->layers[static_cast<size_t>(layer)];
  const NormWeights& q_norm =
      own != nullptr && own->q_norm.present() ? own->q_norm : weights.q_norm;
  const NormWeights& k_norm =
      own != nullptr && own->k_norm.present() ? own->k_norm : weights.k_norm;
  if (spec_.qk_norm == QkNorm::kPerHead) {
    kernels_.norm(spec_.norm, q, d, q_norm.weight.data(), nullptr, eps, spec_.heads, d, q, d);
    kernels_.norm(spec_.norm, k, d, k_norm.weight.data(), nullptr, eps, spec_.kv_heads, d, k, d);
  } else if (spec_.qk_norm == QkNorm::kFullWidth) {
    kernels_.norm(spec_.norm, q, 0, q_norm.weight.data(), nullptr, eps, 1, spec_.q_width(), q, 0);
    kernels_.norm(spec_.norm, k, 0, k_norm.weight.data(), nullptr, eps, 1, spec_.kv_width(), k, 0);
  }
  if (const int rope = spec_.layers[layer].rope; rope >= 0) {
    const int half = static_cast<int>(ropes_[rope].half());
    const float* cos = rope_rows_[rope].data() + row * 2 * half;
    const bool late = spec_.rope_late_cast;
    kernels_.rope(q, static_cast<int>(spec_.heads), d, half, cos, cos + half, late);
    kernels_.rope(k, static_cast<int>(spec_.kv_heads), d, half, cos, cos + half, late);
  }
  const int64_t position = rows_->position(row);
  T* block = static_cast<T*>(chunk.blocks[position / kKvBlockTokens]);
  for (int64_t head = 0; head < spec_.kv_heads; ++head) {
    kernels_.kv_write(k + head * d, v + head * d, d, static_cast<int>(position % kKvBlockTokens),
                      block + layout_.k_offset(layer, head), block + layout_.v_offset(layer, head));
  }
}

template <typename T>
void AttentionRunner<T>::Attend(int64_t layer, const Unit& unit, const T* qkv, T* out,
                                float* scratch) const {
  const Chunk& chunk = rows_->chunks[unit.chunk];
  const int64_t row = rows_->first[unit.chunk];
  const int64_t group = spec_.heads / spec_.kv_heads;
  AttentionArgs<T> args;
  args.q = qkv + row * QkvWidth() + unit.head * group * spec_.head_dim;
  args.ldq = QkvWidth();
  args.out = out + row * spec_.q_width() + unit.head * group * spec_.head_dim;
  args.ldo = spec_.q_width();
  args.first_position = chunk.position;
  args.group = static_cast<int>(group);
  args.head_dim = static_cast<int>(spec_.head_dim);
  args.blocks = reinterpret_cast<const T* const*>(chunk.blocks.data());
  args.k_offset = layout_.k_offset(layer, unit.head);
  args.v_offset = layout_.v_offset(layer, unit.head);
  args.window = spec_.layers[layer].window;
  args.scale = spec_.attention_scale[layer];
  args.softcap = spec_.attention_softcap;
  kernels_.attention(args, unit.row_begin, unit.row_end, scratch);
}

template <typename T>
void AttentionRunner<T>::Run(int64_t layer, const LayerWeights<T>& weights, T* qkv, T* out) {
  ForRows(threads_, rows_->count, 8 * QkvWidth(), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) RotateAndStore(layer, weights, row, qkv);
  });
  const auto attend = [&](int64_t begin, int64_t end, int thread) {
    for (int64_t u = begin; u < end; ++u) {
      Attend(layer, units_[u], qkv, out, scratch_[thread].data());
    }
  };
  const int64_t units = static_cast<int64_t>(units_.size());
  // Of a decoding unit, at most.
  const int64_t cost = rows_->longest * spec_.head_dim * (spec_.heads / spec_.kv_heads);
  const int64_t grain = std::max<int64_t>(
      1,
      std::min(units / (4 * threads_.threads()), 2 * kWorthSharing / std::max<int64_t>(cost, 1)));
  if (units * cost < kWorthSharing) {
    attend(0, units, 0);
  } else {
    threads_.Run(units, grain, attend);
  }
}

template class AttentionRunner<float>;
template class AttentionRunner<Bf16>;

}  // namespace plumbline
