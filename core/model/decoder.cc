#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/status_macros.h"
#include "core/model/decoder_internal.h"
#include "core/model/decoder_weights_internal.h"
#include "core/model/linear_internal.h"
#include "core/model/rope_table.h"

namespace plumbline {
namespace {

constexpr int64_t kLogitRows = 64;  // output rows whose logits are computed at a time

template <typename T>
float RoundTo(float x);
template <>
float RoundTo<float>(float x) {
  return x;
}
template <>
float RoundTo<Bf16>(float x) {
  Bf16 rounded;
  BestKernels<Bf16>().from_float(&x, &rounded, 1);
  const uint32_t bits = static_cast<uint32_t>(rounded.bits) << 16;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

template <typename T>
class DecoderImpl : public Decoder {
 public:
  DecoderImpl(DecoderSpec spec, DecoderOptions options, DecoderWeights<T> weights,
              ThreadPool* threads)
      : spec_(std::move(spec)),
        options_(options),
        weights_(std::move(weights)),
        kernels_(*KernelsFor<T>(options.isa)),
        threads_(*threads),
        linear_(kernels_, *KernelsFor<float>(options.isa), threads),
        scratch_(threads->threads()) {
    float (*const exact)(float) = [](float x) { return x; };
    for (const RopeSpec& rope : spec_.ropes) {
      ropes_.emplace_back(rope, spec_.rope_late_cast ? exact : RoundTo<T>);
      rope_rows_.emplace_back(options_.max_rows * rope.dims);
    }
    const int64_t rows = options_.max_rows;
    x_ = AlignedBuffer<T>(rows * spec_.hidden);
    normed_ = AlignedBuffer<T>(rows * spec_.hidden);
    qkv_ = AlignedBuffer<T>(rows * QkvWidth());
    attended_ = AlignedBuffer<T>(rows * spec_.q_width());
    joined_ = AlignedBuffer<T>(rows * spec_.hidden);
    mlp_ = AlignedBuffer<T>(rows * spec_.intermediate * (spec_.gated_mlp ? 2 : 1));
    activated_ = AlignedBuffer<T>(rows * spec_.intermediate);
    hidden_ = AlignedBuffer<T>(rows * spec_.hidden);
    logits_ = AlignedBuffer<T>(kLogitRows * spec_.vocabulary);
  }

  const DecoderSpec& spec() const override { return spec_; }
  const DecoderOptions& options() const override { return options_; }
  int64_t weight_bytes() const override { return weights_.bytes; }
  int64_t parameters() const override { return weights_.parameters; }
  KvLayout kv_layout() const override {
    return {static_cast<int64_t>(spec_.layers.size()), spec_.kv_heads, spec_.head_dim, sizeof(T)};
  }
  int64_t output_rows() const override { return output_rows_; }

  void Forward(absl::Span<const Chunk> chunks) override;
  void Logits(int64_t begin, int64_t end, float* out) override;

 private:
  // One (chunk, KV head, run of attention rows): what one thread attends to at a time.
  struct AttentionUnit {
    int32_t chunk;
    int32_t head;
    int32_t row_begin;
    int32_t row_end;
  };

  int64_t QkvWidth() const { return spec_.q_width() + 2 * spec_.kv_width(); }
  bool late() const { return spec_.rope_late_cast; }

  void Arrange(absl::Span<const Chunk> chunks);
  void PrepareRopes();
  void Embed();
  void Attend(int64_t layer);
  void RotateAndStore(int64_t layer, int64_t row);
  void KeepOutputs();

  // body(row_begin, row_end) over `rows`, each worth `cost` multiply-adds.
  template <typename Body>
  void ForRows(int64_t rows, int64_t cost, Body body) {
    const int64_t grain =
        std::max<int64_t>(kWorthSharing / std::max<int64_t>(cost, 1),
                          (rows + 4 * threads_.threads() - 1) / (4 * threads_.threads()));
    threads_.Run(rows, std::max<int64_t>(grain, 1),
                 [&](int64_t begin, int64_t end, int) { body(begin, end); });
  }
  // A segment's norm is select(adapter) where that is present.
  template <typename Select>
  void Norm(const NormWeights& norm, const T* x, T* y, Select select,
            const std::vector<Segment>& segments);
  void Add(const T* x, T* y, int64_t rows);
  // out [E] = row `index` of the table (undefined: the head's), or the adapter's own.
  void CopyRow(const at::Tensor& table, const EmbeddingChange* change, int32_t index, T* out) const;
  // out [rows, E] = rows index(row) of the table, changed as each segment's adapter says.
  template <typename Index>
  void Look(const at::Tensor& table, EmbeddingChange LoraWeights::*member, float scale, Index index,
            T* out);
  const DecoderSpec spec_;
  const DecoderOptions options_;
  const DecoderWeights<T> weights_;
  const Kernels<T>& kernels_;
  ThreadPool& threads_;

  // The step at hand.
  LinearRunner<T> linear_;
  std::vector<Chunk> chunks_;
  std::vector<int64_t> chunk_rows_;    // first row of each chunk
  std::vector<int32_t> row_chunk_;     // by row
  std::vector<Segment> segments_;      // over rows
  std::vector<Segment> out_segments_;  // over output rows
  std::vector<AttentionUnit> units_;
  int64_t rows_ = 0;
  int64_t output_rows_ = 0;
  int64_t longest_ = 0;  // tokens in the longest sequence

  // Activations, [max_rows, ...].
  AlignedBuffer<T> x_;          // [rows, E]: the residual stream
  AlignedBuffer<T> normed_;     // [rows, E]
  AlignedBuffer<T> qkv_;        // [rows, (H + 2G)·D]
  AlignedBuffer<T> attended_;   // [rows, H·D]
  AlignedBuffer<T> joined_;     // [rows, E]: what joins the residual
  AlignedBuffer<T> mlp_;        // [rows, 2F] or [rows, F]
  AlignedBuffer<T> activated_;  // [rows, F]
  AlignedBuffer<T> hidden_;     // [output rows, E]
  AlignedBuffer<T> logits_;     // [64, V]
  AlignedBuffer<float> h_;      // [rows, rank]: an embedding's branch
  std::vector<RopeTable> ropes_;
  std::vector<AlignedBuffer<float>> rope_rows_;  // by rope: [rows, cos and sin]
  std::vector<AlignedBuffer<float>> scratch_;    // attention's, by thread
};

// ---- the step: the decoder as the papers write it ----

template <typename T>
void DecoderImpl<T>::Forward(absl::Span<const Chunk> chunks) {
  Arrange(chunks);
  Embed();
  PrepareRopes();
  for (size_t i = 0; i < spec_.layers.size(); ++i) {
    const int64_t layer = static_cast<int64_t>(i);
    const LayerWeights<T>& w = weights_.layers[i];
    const auto group = [i](LoraGroup LoraLayer::*member) {
      return [i, member](const LoraWeights& lora) -> const LoraGroup& {
        return lora.layers[i].*member;
      };
    };

    // x += norm(attention(norm(x)))
    const auto norm = [i](NormWeights LoraLayer::*member) {
      return [i, member](const LoraWeights& lora) -> const NormWeights& {
        return lora.layers[i].*member;
      };
    };
    const T* input = x_.data();
    if (w.before_attention.present()) {
      Norm(w.before_attention, x_.data(), normed_.data(), norm(&LoraLayer::before_attention),
           segments_);
      input = normed_.data();
    }
    linear_.Run(w.attention_in, input, qkv_.data(), group(&LoraLayer::attention_in), segments_);
    Attend(layer);
    linear_.Run(w.attention_out, attended_.data(), joined_.data(), group(&LoraLayer::attention_out),
                segments_);
    if (w.after_attention.present()) {
      Norm(w.after_attention, joined_.data(), joined_.data(), norm(&LoraLayer::after_attention),
           segments_);
    }
    Add(joined_.data(), x_.data(), rows_);

    // x += norm(mlp(norm(x)))
    input = x_.data();
    if (w.before_mlp.present()) {
      Norm(w.before_mlp, x_.data(), normed_.data(), norm(&LoraLayer::before_mlp), segments_);
      input = normed_.data();
    }
    linear_.Run(w.mlp_in, input, mlp_.data(), group(&LoraLayer::mlp_in), segments_);
    const int64_t f = spec_.intermediate;
    ForRows(rows_, 8 * f, [&](int64_t begin, int64_t end) {
      if (spec_.gated_mlp) {
        kernels_.gated(spec_.activation, mlp_.data() + begin * 2 * f, 2 * f, end - begin, f,
                       activated_.data() + begin * f, f);
      } else {
        kernels_.activate(spec_.activation, mlp_.data() + begin * f, (end - begin) * f);
      }
    });
    linear_.Run(w.mlp_out, spec_.gated_mlp ? activated_.data() : mlp_.data(), joined_.data(),
                group(&LoraLayer::mlp_out), segments_);
    if (w.after_mlp.present()) {
      Norm(w.after_mlp, joined_.data(), joined_.data(), norm(&LoraLayer::after_mlp), segments_);
    }
    Add(joined_.data(), x_.data(), rows_);
  }
  KeepOutputs();
}

template <typename T>
void DecoderImpl<T>::Arrange(absl::Span<const Chunk> chunks) {
  chunks_.assign(chunks.begin(), chunks.end());
  chunk_rows_.clear();
  row_chunk_.clear();
  segments_.clear();
  out_segments_.clear();
  units_.clear();
  rows_ = output_rows_ = longest_ = 0;
  const auto extend = [](std::vector<Segment>& segments, const LoraWeights* adapter, int64_t begin,
                         int64_t end) {
    if (begin == end) return;
    if (!segments.empty() && segments.back().adapter == adapter) {
      segments.back().row_end = end;
    } else {
      segments.push_back({adapter, begin, end});
    }
  };
  const int64_t group = spec_.heads / spec_.kv_heads;
  for (size_t c = 0; c < chunks_.size(); ++c) {
    const Chunk& chunk = chunks_[c];
    const int64_t count = static_cast<int64_t>(chunk.tokens.size());
    chunk_rows_.push_back(rows_);
    row_chunk_.insert(row_chunk_.end(), count, static_cast<int32_t>(c));
    extend(segments_, chunk.adapter, rows_, rows_ + count);
    const int64_t outputs = count - chunk.first_output;
    extend(out_segments_, chunk.adapter, output_rows_, output_rows_ + outputs);
    rows_ += count;
    output_rows_ += outputs;
    longest_ = std::max(longest_, chunk.position + count);
    // Long prompts are cut into runs that two threads can share.
    constexpr int64_t kRun = 8 * kAttentionTileRows;
    for (int64_t row = 0; row < count * group; row += kRun) {
      for (int64_t head = 0; head < spec_.kv_heads; ++head) {
        units_.push_back({static_cast<int32_t>(c), static_cast<int32_t>(head),
                          static_cast<int32_t>(row),
                          static_cast<int32_t>(std::min(row + kRun, count * group))});
      }
    }
  }
}

template <typename T>
void DecoderImpl<T>::Embed() {
  const auto offset = [this](int64_t row) { return row - chunk_rows_[row_chunk_[row]]; };
  Look(
      weights_.embedding, &LoraWeights::embedding, RoundTo<T>(spec_.embedding_scale),
      [&](int64_t row) { return chunks_[row_chunk_[row]].tokens[offset(row)]; }, x_.data());
  if (!weights_.position_embedding.defined()) return;
  Look(
      weights_.position_embedding, &LoraWeights::position_embedding, 0,
      [&](int64_t row) {
        return static_cast<int32_t>(chunks_[row_chunk_[row]].position + offset(row));
      },
      joined_.data());
  Add(joined_.data(), x_.data(), rows_);
}

template <typename T>
template <typename Index>
void DecoderImpl<T>::Look(const at::Tensor& table, EmbeddingChange LoraWeights::*member,
                          float scale, Index index, T* out) {
  const int64_t e = spec_.hidden;
  for (const Segment& s : segments_) {
    const EmbeddingChange* change = s.adapter == nullptr ? nullptr : &(s.adapter->*member);
    ForRows(s.rows(), 4 * e, [&](int64_t begin, int64_t end) {
      for (int64_t row = s.row_begin + begin; row < s.row_begin + end; ++row) {
        CopyRow(table, change, index(row), out + row * e);
        if (scale != 0) kernels_.scale(scale, out + row * e, e);
      }
    });
    if (change == nullptr || change->low_rank.rank == 0) continue;
    const int64_t count = s.row_end - s.row_begin;
    const int64_t rank = change->low_rank.rank;
    if (h_.size() < count * rank) h_ = AlignedBuffer<float>(count * rank);
    for (int64_t row = 0; row < count; ++row) {
      std::copy_n(change->a.data() + int64_t{index(s.row_begin + row)} * rank, rank,
                  h_.data() + row * rank);
    }
    LoraUpArgs<T> up = LoraUpArgsOf<T>(change->low_rank);
    up.h = h_.data();
    up.ldh = rank;
    up.rows = count;
    up.y = out + s.row_begin * e;
    up.ldy = e;
    threads_.Run(PanelCount(e), 16,
                 [&](int64_t begin, int64_t end, int) { kernels_.lora_up(up, begin, end); });
  }
}

template <typename T>
void DecoderImpl<T>::CopyRow(const at::Tensor& table, const EmbeddingChange* change, int32_t index,
                             T* out) const {
  const int64_t e = spec_.hidden;
  const auto rows_of = [](const DtypeBuffer& b) { return reinterpret_cast<const T*>(b.data()); };
  const T* from = nullptr;
  if (change != nullptr) {
    const auto trained = change->rows.find(index);
    if (trained != change->rows.end()) {
      from = rows_of(change->trained) + int64_t{trained->second} * e;
    } else if (change->table.size() > 0) {
      from = rows_of(change->table) + int64_t{index} * e;
    }
  }
  if (from == nullptr && !table.defined()) {
    return UnpackRow(weights_.head.panels.data(), spec_.vocabulary, e, index, out);
  }
  if (from == nullptr) from = static_cast<const T*>(table.const_data_ptr()) + int64_t{index} * e;
  std::memcpy(static_cast<void*>(out), from, static_cast<size_t>(e) * sizeof(T));
}

template <typename T>
void DecoderImpl<T>::PrepareRopes() {
  for (size_t r = 0; r < ropes_.size(); ++r) {
    const int64_t half = ropes_[r].half();
    for (int64_t row = 0; row < rows_; ++row) {
      const Chunk& chunk = chunks_[row_chunk_[row]];
      const int64_t position = chunk.position + row - chunk_rows_[row_chunk_[row]];
      float* cos = rope_rows_[r].data() + row * 2 * half;
      ropes_[r].Row(position, std::max(chunk.prompt_length, position + 1), cos, cos + half);
    }
  }
}

// ---- attention ----

// Normalises and rotates the row's queries and keys, and puts keys and values into the cache.
template <typename T>
void DecoderImpl<T>::RotateAndStore(int64_t layer, int64_t row) {
  const LayerWeights<T>& w = weights_.layers[layer];
  const Chunk& chunk = chunks_[row_chunk_[row]];
  const int d = static_cast<int>(spec_.head_dim);
  T* q = qkv_.data() + row * QkvWidth();
  T* k = q + spec_.q_width();
  const T* v = k + spec_.kv_width();
  const float eps = spec_.norm_epsilon;
  const LoraLayer* own =
      chunk.adapter == nullptr ? nullptr : &chunk.adapter->layers[static_cast<size_t>(layer)];
  const NormWeights& q_norm = own != nullptr && own->q_norm.present() ? own->q_norm : w.q_norm;
  const NormWeights& k_norm = own != nullptr && own->k_norm.present() ? own->k_norm : w.k_norm;
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
    kernels_.rope(q, static_cast<int>(spec_.heads), d, half, cos, cos + half, late());
    kernels_.rope(k, static_cast<int>(spec_.kv_heads), d, half, cos, cos + half, late());
  }
  const int64_t position = chunk.position + row - chunk_rows_[row_chunk_[row]];
  T* block = static_cast<T*>(chunk.blocks[position / kKvBlockTokens]);
  const KvLayout layout = kv_layout();
  for (int64_t head = 0; head < spec_.kv_heads; ++head) {
    kernels_.kv_write(k + head * d, v + head * d, d, static_cast<int>(position % kKvBlockTokens),
                      block + layout.k_offset(layer, head), block + layout.v_offset(layer, head));
  }
}

template <typename T>
void DecoderImpl<T>::Attend(int64_t layer) {
  ForRows(rows_, 8 * QkvWidth(), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) RotateAndStore(layer, row);
  });
  const int64_t floats = AttentionScratchFloats(longest_, static_cast<int>(spec_.head_dim));
  for (AlignedBuffer<float>& scratch : scratch_) {
    if (scratch.size() < floats) scratch = AlignedBuffer<float>(floats + floats / 2);
  }
  const KvLayout layout = kv_layout();
  const int64_t group = spec_.heads / spec_.kv_heads;
  const auto attend = [&](int64_t begin, int64_t end, int thread) {
    for (int64_t u = begin; u < end; ++u) {
      const AttentionUnit& unit = units_[u];
      const Chunk& chunk = chunks_[unit.chunk];
      const int64_t row = chunk_rows_[unit.chunk];
      AttentionArgs<T> args;
      args.q = qkv_.data() + row * QkvWidth() + unit.head * group * spec_.head_dim;
      args.ldq = QkvWidth();
      args.out = attended_.data() + row * spec_.q_width() + unit.head * group * spec_.head_dim;
      args.ldo = spec_.q_width();
      args.first_position = chunk.position;
      args.group = static_cast<int>(group);
      args.head_dim = static_cast<int>(spec_.head_dim);
      args.blocks = reinterpret_cast<const T* const*>(chunk.blocks.data());
      args.k_offset = layout.k_offset(layer, unit.head);
      args.v_offset = layout.v_offset(layer, unit.head);
      args.window = spec_.layers[layer].window;
      args.scale = spec_.attention_scale[layer];
      args.softcap = spec_.attention_softcap;
      kernels_.attention(args, unit.row_begin, unit.row_end, scratch_[thread].data());
    }
  };
  const int64_t units = static_cast<int64_t>(units_.size());
  const int64_t cost = longest_ * spec_.head_dim * group;  // of a decoding unit, at most
  const int64_t grain = std::max<int64_t>(
      1,
      std::min(units / (4 * threads_.threads()), 2 * kWorthSharing / std::max<int64_t>(cost, 1)));
  if (units * cost < kWorthSharing) {
    attend(0, units, 0);
  } else {
    threads_.Run(units, grain, attend);
  }
}

// ---- the pieces ----

template <typename T>
template <typename Select>
void DecoderImpl<T>::Norm(const NormWeights& norm, const T* x, T* y, Select select,
                          const std::vector<Segment>& segments) {
  const int64_t e = spec_.hidden;
  const auto used = [&](const Segment& s) {
    return s.adapter != nullptr && select(*s.adapter).present() ? &select(*s.adapter) : &norm;
  };
  for (size_t s = 0; s < segments.size();) {  // neighbours with one norm together
    const NormWeights* weights = used(segments[s]);
    const int64_t row = segments[s].row_begin;
    for (++s; s < segments.size() && used(segments[s]) == weights;) ++s;
    const int64_t rows = segments[s - 1].row_end - row;
    ForRows(rows, 4 * e, [&](int64_t begin, int64_t end) {
      kernels_.norm(spec_.norm, x + (row + begin) * e, e, weights->weight.data(),
                    weights->bias.data(), spec_.norm_epsilon, end - begin, e, y + (row + begin) * e,
                    e);
    });
  }
}

template <typename T>
void DecoderImpl<T>::Add(const T* x, T* y, int64_t rows) {
  const int64_t e = spec_.hidden;
  ForRows(rows, e, [&](int64_t begin, int64_t end) {
    kernels_.add(x + begin * e, y + begin * e, (end - begin) * e);
  });
}

// ---- outputs ----

template <typename T>
void DecoderImpl<T>::KeepOutputs() {
  const int64_t e = spec_.hidden;
  int64_t out = 0;
  for (size_t c = 0; c < chunks_.size(); ++c) {
    const int64_t count = static_cast<int64_t>(chunks_[c].tokens.size());
    const int64_t kept = count - chunks_[c].first_output;
    std::memcpy(static_cast<void*>(joined_.data() + out * e),
                x_.data() + (chunk_rows_[c] + chunks_[c].first_output) * e,
                static_cast<size_t>(kept * e) * sizeof(T));
    out += kept;
  }
  const auto norm = [](const LoraWeights& lora) -> const NormWeights& { return lora.final_norm; };
  Norm(weights_.final_norm, joined_.data(), hidden_.data(), norm, out_segments_);
}

template <typename T>
void DecoderImpl<T>::Logits(int64_t begin, int64_t end, float* out) {
  const int64_t v = spec_.vocabulary;
  const auto head = [](const LoraWeights& lora) -> const LoraGroup& { return lora.head; };
  for (int64_t row = begin; row < end; row += kLogitRows) {
    const int64_t count = std::min(kLogitRows, end - row);
    std::vector<Segment> segments;
    for (const Segment& s : out_segments_) {
      const int64_t from = std::max(s.row_begin, row) - row;
      const int64_t to = std::min(s.row_end, row + count) - row;
      if (from < to) segments.push_back({s.adapter, from, to});
    }
    T* logits = logits_.data();
    if constexpr (std::is_same_v<T, float>) logits = out + (row - begin) * v;
    linear_.Run(weights_.head, hidden_.data() + row * spec_.hidden, logits, head, segments);
    ForRows(count, 4 * v, [&](int64_t first, int64_t last) {
      float* to = out + (row - begin + first) * v;
      if constexpr (!std::is_same_v<T, float>) {
        kernels_.to_float(logits + first * v, to, (last - first) * v);
      }
      if (spec_.logit_softcap > 0) kernels_.softcap(spec_.logit_softcap, to, (last - first) * v);
    });
  }
}

template <typename T>
absl::StatusOr<std::unique_ptr<Decoder>> LoadAs(const DecoderSpec& spec,
                                                const Checkpoint& checkpoint,
                                                const DecoderOptions& options,
                                                ThreadPool* threads) {
  ABSL_ASSIGN_OR_RETURN(DecoderWeights<T> weights,
                        LoadDecoderWeights<T>(spec, checkpoint, *threads));
  return std::unique_ptr<Decoder>(new DecoderImpl<T>(spec, options, std::move(weights), threads));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Decoder>> Decoder::Load(const DecoderSpec& spec,
                                                       const Checkpoint& checkpoint,
                                                       const DecoderOptions& options,
                                                       ThreadPool* threads) {
  return options.dtype == ComputeType::kBfloat16
             ? LoadAs<Bf16>(spec, checkpoint, options, threads)
             : LoadAs<float>(spec, checkpoint, options, threads);
}

}  // namespace plumbline
