#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/status_macros.h"
#include "core/model/attention_internal.h"
#include "core/model/bf16.h"
#include "core/model/decoder_internal.h"
#include "core/model/decoder_weights_internal.h"
#include "core/model/linear_internal.h"
#include "core/model/segment.h"
#include "core/model/sharing.h"

namespace plumbline {
namespace {

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
        linear_(kernels_, threads),
        attention_(spec_, options, kernels_, threads) {
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
  KvLayout kv_layout() const override { return KvLayoutOf<T>(spec_); }
  int64_t output_rows() const override { return output_rows_; }

  void Forward(absl::Span<const Chunk> chunks) override;
  void Logits(int64_t begin, int64_t end, float* out) override {
    FirstLogits(begin, end, spec_.vocabulary, out);
  }
  void FirstLogits(int64_t begin, int64_t end, int64_t columns, float* out) override;

 private:
  int64_t QkvWidth() const { return spec_.q_width() + 2 * spec_.kv_width(); }

  void LayOutRows(absl::Span<const Chunk> chunks);
  void Embed();
  void KeepOutputs();

  // A segment's norm is select(adapter) where that is present.
  template <typename Select>
  void Norm(const NormWeights& norm, const T* x, T* y, Select select,
            const std::vector<Segment>& segments);
  void Add(const T* x, T* y, int64_t rows);
  // out [E] = row `index` of the table (undefined: the head's), or the adapter's own.
  void CopyRow(const at::Tensor& table, const EmbeddingChange* change, int32_t index, T* out) const;
  // out [rows, E] = rows index(row) of the table, changed as each segment's adapter says.
  template <typename Index>
  void LookUpRows(const at::Tensor& table, EmbeddingChange LoraWeights::*member, float scale,
                  Index index, T* out);
  const DecoderSpec spec_;
  const DecoderOptions options_;
  const DecoderWeights<T> weights_;
  const Kernels<T>& kernels_;
  ThreadPool& threads_;

  // The step at hand.
  LinearRunner<T> linear_;
  AttentionRunner<T> attention_;
  StepRows step_;
  std::vector<Segment> segments_;      // over rows
  std::vector<Segment> out_segments_;  // over output rows
  int64_t output_rows_ = 0;

  // Activations, [max_rows, ...].
  AlignedBuffer<T> x_;          // [rows, E]: the residual stream
  AlignedBuffer<T> normed_;     // [rows, E]
  AlignedBuffer<T> qkv_;        // [rows, (H + 2G)·D]
  AlignedBuffer<T> attended_;   // [rows, H·D]
  AlignedBuffer<T> joined_;     // [rows, E]: what joins the residual
  AlignedBuffer<T> mlp_;        // [rows, 2F] or [rows, F]
  AlignedBuffer<T> activated_;  // [rows, F]
  AlignedBuffer<T> hidden_;     // [output rows, E]
  AlignedBuffer<T> logits_;     // [kLogitRows, V]
  AlignedBuffer<float> h_;      // [rows, rank]: an embedding's branch
};

// ---- the step: the decoder as the papers write it ----

template <typename T>
void DecoderImpl<T>::Forward(absl::Span<const Chunk> chunks) {
  LayOutRows(chunks);
  Embed();
  attention_.Begin(step_);
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
    attention_.Run(layer, w, qkv_.data(), attended_.data());
    linear_.Run(w.attention_out, attended_.data(), joined_.data(), group(&LoraLayer::attention_out),
                segments_);
    if (w.after_attention.present()) {
      Norm(w.after_attention, joined_.data(), joined_.data(), norm(&LoraLayer::after_attention),
           segments_);
    }
    Add(joined_.data(), x_.data(), step_.count);

    // x += norm(mlp(norm(x)))
    input = x_.data();
    if (w.before_mlp.present()) {
      Norm(w.before_mlp, x_.data(), normed_.data(), norm(&LoraLayer::before_mlp), segments_);
      input = normed_.data();
    }
    linear_.Run(w.mlp_in, input, mlp_.data(), group(&LoraLayer::mlp_in), segments_);
    const int64_t f = spec_.intermediate;
    ForRows(threads_, step_.count, 8 * f, [&](int64_t begin, int64_t end) {
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
    Add(joined_.data(), x_.data(), step_.count);
  }
  KeepOutputs();
}

template <typename T>
void DecoderImpl<T>::LayOutRows(absl::Span<const Chunk> chunks) {
  step_.chunks.assign(chunks.begin(), chunks.end());
  step_.first.clear();
  step_.chunk_of.clear();
  segments_.clear();
  out_segments_.clear();
  step_.count = step_.longest = output_rows_ = 0;
  for (size_t c = 0; c < step_.chunks.size(); ++c) {
    const Chunk& chunk = step_.chunks[c];
    const int64_t count = static_cast<int64_t>(chunk.tokens.size());
    step_.first.push_back(step_.count);
    step_.chunk_of.insert(step_.chunk_of.end(), count, static_cast<int32_t>(c));
    AppendRows(chunk.adapter, step_.count, step_.count + count, segments_);
    const int64_t outputs = count - chunk.first_output;
    AppendRows(chunk.adapter, output_rows_, output_rows_ + outputs, out_segments_);
    step_.count += count;
    output_rows_ += outputs;
    step_.longest = std::max(step_.longest, chunk.position + count);
  }
}

template <typename T>
void DecoderImpl<T>::Embed() {
  LookUpRows(
      weights_.embedding, &LoraWeights::embedding, RoundTo(options_.dtype, spec_.embedding_scale),
      [&](int64_t row) { return step_.chunk(row).tokens[step_.offset(row)]; }, x_.data());
  if (!weights_.position_embedding.defined()) return;
  LookUpRows(
      weights_.position_embedding, &LoraWeights::position_embedding, 0,
      [&](int64_t row) { return static_cast<int32_t>(step_.position(row)); }, joined_.data());
  Add(joined_.data(), x_.data(), step_.count);
}

template <typename T>
template <typename Index>
void DecoderImpl<T>::LookUpRows(const at::Tensor& table, EmbeddingChange LoraWeights::*member,
                                float scale, Index index, T* out) {
  const int64_t e = spec_.hidden;
  for (const Segment& s : segments_) {
    const EmbeddingChange* change = s.adapter == nullptr ? nullptr : &(s.adapter->*member);
    ForRows(threads_, s.rows(), 4 * e, [&](int64_t begin, int64_t end) {
      for (int64_t row = s.begin + begin; row < s.begin + end; ++row) {
        CopyRow(table, change, index(row), out + row * e);
        if (scale != 0) kernels_.scale(scale, out + row * e, e);
      }
    });
    if (change == nullptr || change->low_rank.rank == 0) continue;
    const int64_t count = s.rows();
    const int64_t rank = change->low_rank.rank;
    if (h_.size() < count * rank) h_ = AlignedBuffer<float>(count * rank);
    for (int64_t row = 0; row < count; ++row) {
      std::copy_n(change->a.data() + int64_t{index(s.begin + row)} * rank, rank,
                  h_.data() + row * rank);
    }
    LoraUpArgs<T> up = LoraUpArgsOf<T>(change->low_rank);
    up.h = h_.data();
    up.ldh = rank;
    up.rows = count;
    up.y = out + s.begin * e;
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
    const int64_t row = segments[s].begin;
    for (++s; s < segments.size() && used(segments[s]) == weights;) ++s;
    const int64_t rows = segments[s - 1].end - row;
    ForRows(threads_, rows, 4 * e, [&](int64_t begin, int64_t end) {
      kernels_.norm(spec_.norm, x + (row + begin) * e, e, weights->weight.data(),
                    weights->bias.data(), spec_.norm_epsilon, end - begin, e, y + (row + begin) * e,
                    e);
    });
  }
}

template <typename T>
void DecoderImpl<T>::Add(const T* x, T* y, int64_t rows) {
  const int64_t e = spec_.hidden;
  ForRows(threads_, rows, e, [&](int64_t begin, int64_t end) {
    kernels_.add(x + begin * e, y + begin * e, (end - begin) * e);
  });
}

// ---- outputs ----

template <typename T>
void DecoderImpl<T>::KeepOutputs() {
  const int64_t e = spec_.hidden;
  int64_t out = 0;
  for (size_t c = 0; c < step_.chunks.size(); ++c) {
    const int64_t count = static_cast<int64_t>(step_.chunks[c].tokens.size());
    const int64_t kept = count - step_.chunks[c].first_output;
    std::memcpy(static_cast<void*>(joined_.data() + out * e),
                x_.data() + (step_.first[c] + step_.chunks[c].first_output) * e,
                static_cast<size_t>(kept * e) * sizeof(T));
    out += kept;
  }
  const auto norm = [](const LoraWeights& lora) -> const NormWeights& { return lora.final_norm; };
  Norm(weights_.final_norm, joined_.data(), hidden_.data(), norm, out_segments_);
}

template <typename T>
void DecoderImpl<T>::FirstLogits(int64_t begin, int64_t end, int64_t columns, float* out) {
  const int64_t v = spec_.vocabulary;
  const auto head = [](const LoraWeights& lora) -> const LoraGroup& { return lora.head; };
  for (int64_t row = begin; row < end; row += kLogitRows) {
    const int64_t count = std::min(kLogitRows, end - row);
    std::vector<Segment> segments;
    for (const Segment& s : out_segments_) {
      const int64_t from = std::max(s.begin, row) - row;
      const int64_t to = std::min(s.end, row + count) - row;
      if (from < to) segments.push_back({s.adapter, from, to});
    }
    T* logits = logits_.data();
    if constexpr (std::is_same_v<T, float>) {
      if (columns == v) logits = out + (row - begin) * v;
    }
    linear_.Run(weights_.head, hidden_.data() + row * spec_.hidden, logits, head, segments,
                columns);
    ForRows(threads_, count, 4 * columns, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        float* to = out + (row - begin + i) * columns;
        if (static_cast<const void*>(logits + i * v) != to) {
          kernels_.to_float(logits + i * v, to, columns);
        }
        if (spec_.logit_softcap > 0) kernels_.softcap(spec_.logit_softcap, to, columns);
      }
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
