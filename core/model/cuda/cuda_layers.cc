#include <algorithm>

#include "core/model/bf16.h"
#include "core/model/cuda/cuda_decoder_impl_internal.h"

namespace plumbline::cuda {
namespace {

constexpr NormParams kNoNorm{};

// From head to head in a block of the cache, in elements.
int64_t HeadStride(const KvLayout& layout) { return layout.k_elements() + layout.v_elements(); }

const DeviceReplacements& LayerReplacements(const DeviceAdapter& adapter, int64_t layer,
                                            int which) {
  return adapter.layers[static_cast<size_t>(layer)].groups[which];
}

}  // namespace

// ---- the step: the decoder as the papers write it ----

void CudaDecoder::RunLayers(const Step& step) {
  EmbedRows(step);
  const auto none = [](const DeviceAdapter*) { return kNoNorm; };
  // The norm `member` of a layer, the adapter's where it brings one.
  const auto norm = [this](size_t layer, NormParams DeviceLayer::*member,
                           NormParams DeviceLoraLayer::*own) {
    const NormParams base = weights_.layers[layer].*member;
    return [=](const DeviceAdapter* adapter) {
      if (base.weight == nullptr || adapter == nullptr) return base;
      const NormParams theirs = adapter->layers[layer].*own;
      return theirs.weight == nullptr ? base : theirs;
    };
  };
  const auto before_attention = [&](size_t layer) {
    return norm(layer, &DeviceLayer::before_attention, &DeviceLoraLayer::before_attention);
  };
  const size_t layers = spec_.layers.size();
  if (weights_.layers[0].before_attention.weight != nullptr) {
    Join({}, step.segments, none, before_attention(0), normed_);
  }
  for (size_t i = 0; i < layers; ++i) {
    const int64_t layer = static_cast<int64_t>(i);
    const DeviceLayer& w = weights_.layers[i];

    // x += norm(attention(norm(x))), and the MLP's norm of it
    const bool normed = w.before_attention.weight != nullptr;
    RunLinear(w.attention_in, normed ? normed_ : x_, qkv_, layer, kAttentionIn, step);
    Rotate(step, layer);
    Attend(step, layer);
    RunLinear(w.attention_out, attended_, joined_, layer, kAttentionOut, step);
    Join(joined_, step.segments,
         norm(i, &DeviceLayer::after_attention, &DeviceLoraLayer::after_attention),
         norm(i, &DeviceLayer::before_mlp, &DeviceLoraLayer::before_mlp), normed_);

    // x += norm(mlp(norm(x))), and the next layer's norm of it
    RunLinear(w.mlp_in, w.before_mlp.weight != nullptr ? normed_ : x_, mlp_, layer, kMlpIn, step);
    Activate(step);
    RunLinear(w.mlp_out, activated_, joined_, layer, kMlpOut, step);
    const auto post = norm(i, &DeviceLayer::after_mlp, &DeviceLoraLayer::after_mlp);
    if (i + 1 < layers) {
      Join(joined_, step.segments, post, before_attention(i + 1), normed_);
    } else {
      Join(joined_, step.segments, post, none, {});
    }
  }
  NormOutputs(step);
}

void CudaDecoder::EmbedRows(const Step& step) {
  EmbedParams embed{};
  embed.dtype = options_.dtype;
  embed.sources = table_.sources.device;
  embed.width = spec_.hidden;
  embed.scale = RoundTo(options_.dtype, spec_.embedding_scale);
  embed.rows = step.rows;
  embed.y = x_.data;
  embed.ldy = x_.ld;
  device_->Run(embed);
  if (!step.plain) AddBranch(step, /*positions=*/false, x_);
  if (weights_.position_embedding == nullptr) return;
  embed.sources = table_.position_sources.device;
  embed.scale = 0;
  if (step.plain) {
    embed.add = true;
    device_->Run(embed);
    return;
  }
  embed.y = joined_.data;
  device_->Run(embed);
  AddBranch(step, /*positions=*/true, joined_);
  const auto none = [](const DeviceAdapter*) { return kNoNorm; };
  Join(joined_, step.segments, none, none, {});
}

// The low-rank branch of an embedding, where a segment's adapter has one: h is a row of Aᵀ.
void CudaDecoder::AddBranch(const Step& step, bool positions, const View& y) {
  std::vector<const float*> sources(static_cast<size_t>(step.tokens), nullptr);
  int64_t widest = 0;
  int64_t row = 0;
  for (size_t c = 0; c < step.chunks.size(); ++c) {
    const Chunk& chunk = step.chunks[c];
    for (size_t i = 0; i < chunk.tokens.size(); ++i, ++row) {
      if (step.adapters[c] == nullptr) continue;
      const DeviceEmbedding& change =
          positions ? step.adapters[c]->position_embedding : step.adapters[c]->embedding;
      if (change.rank == 0) continue;
      const int64_t index = positions ? chunk.position + static_cast<int64_t>(i) : chunk.tokens[i];
      sources[static_cast<size_t>(row)] = change.a + index * change.rank;
      widest = std::max(widest, change.rank);
    }
  }
  if (widest == 0) return;
  device_->CopyToDevice(table_.branch_sources.device, sources.data(),
                        sources.size() * sizeof(sources[0]));
  for (const DeviceSegment& s : step.segments) {
    if (s.adapter == nullptr) continue;
    const int64_t rank = positions ? s.adapter->position_embedding.rank : s.adapter->embedding.rank;
    if (rank == 0) continue;
    GatherParams gather{};
    gather.sources = table_.branch_sources.device + s.begin;
    gather.rank = rank;
    gather.h = reinterpret_cast<float*>(h_.data()) + s.begin * rank_capacity_;
    gather.ldh = rank_capacity_;
    gather.rows = s.rows();
    device_->Run(gather);
  }
  LoraParams up{};
  up.dtype = options_.dtype;
  up.adapters = table_.adapters.device;
  up.group = positions ? bank_.position_group() : bank_.embedding_group();
  up.max_rank = static_cast<int32_t>(widest);
  up.h = reinterpret_cast<float*>(h_.data());
  up.ldh = rank_capacity_;
  up.y = y.data;
  up.ldy = y.ld;
  up.n = spec_.hidden;
  up.rows = step.rows;
  up.up_only = true;
  device_->Run(up);
}

template <typename Post, typename Next>
void CudaDecoder::Join(const View& t, const std::vector<DeviceSegment>& segments, Post post,
                       Next next, const View& y) {
  const auto same = [](const NormParams& a, const NormParams& b) {
    return a.weight == b.weight && a.bias == b.bias;
  };
  JoinParams join{};
  join.dtype = options_.dtype;
  join.style = spec_.norm;
  join.epsilon = spec_.norm_epsilon;
  join.width = spec_.hidden;
  join.ld = x_.ld;
  for (size_t i = 0; i < segments.size();) {  // neighbours with the same norms together
    join.post = post(segments[i].adapter);
    join.next = next(segments[i].adapter);
    const int64_t begin = segments[i].begin;
    for (++i; i < segments.size() && same(post(segments[i].adapter), join.post) &&
              same(next(segments[i].adapter), join.next);) {
      ++i;
    }
    if (t.data == nullptr && join.next.weight == nullptr) continue;
    join.t = t.data == nullptr ? nullptr : RowsOf(t, begin);
    join.x = RowsOf(x_, begin);
    join.y = y.data == nullptr ? nullptr : RowsOf(y, begin);
    join.rows = segments[i - 1].end - begin;
    device_->Run(join);
  }
}

// Normalises and rotates the step's queries and keys, and puts keys and values into the cache.
void CudaDecoder::Rotate(const Step& step, int64_t layer) {
  const DeviceLayer& w = weights_.layers[static_cast<size_t>(layer)];
  const LayerSpec& layer_spec = spec_.layers[static_cast<size_t>(layer)];
  const KvLayout layout = kv_layout();
  RotateParams rotate{};
  rotate.dtype = options_.dtype;
  rotate.ld = qkv_.ld;
  rotate.heads = static_cast<int32_t>(spec_.heads);
  rotate.kv_heads = static_cast<int32_t>(spec_.kv_heads);
  rotate.head_dim = static_cast<int32_t>(spec_.head_dim);
  rotate.qk_norm = spec_.qk_norm;
  rotate.style = spec_.norm;
  rotate.epsilon = spec_.norm_epsilon;
  rotate.late_cast = spec_.rope_late_cast;
  rotate.k_offset = layout.k_offset(layer, 0);
  rotate.head_stride = HeadStride(layout);
  const size_t rope = static_cast<size_t>(std::max(layer_spec.rope, 0));
  if (layer_spec.rope >= 0) rotate.half = static_cast<int32_t>(ropes_[rope].half());
  for (const DeviceSegment& s : step.segments) {
    rotate.q_weight = w.q_norm.weight;
    rotate.k_weight = w.k_norm.weight;
    if (s.adapter != nullptr) {
      const DeviceLoraLayer& own = s.adapter->layers[static_cast<size_t>(layer)];
      if (own.q_norm.weight != nullptr) rotate.q_weight = own.q_norm.weight;
      if (own.k_norm.weight != nullptr) rotate.k_weight = own.k_norm.weight;
    }
    rotate.qkv = RowsOf(qkv_, s.begin);
    rotate.rows = s.rows();
    rotate.blocks = table_.blocks.device + s.begin;
    rotate.slots = table_.slots.device + s.begin;
    if (rotate.half > 0) {
      rotate.cos_sin = table_.ropes[rope].device + s.begin * 2 * rotate.half;
    }
    device_->Run(rotate);
  }
}

void CudaDecoder::Attend(const Step& step, int64_t layer) {
  const LayerSpec& layer_spec = spec_.layers[static_cast<size_t>(layer)];
  const KvLayout layout = kv_layout();
  AttentionParams attention{};
  attention.dtype = options_.dtype;
  attention.units = table_.units.device;
  attention.unit_count = step.units;
  attention.q = qkv_.data;
  attention.ldq = qkv_.ld;
  attention.out = attended_.data;
  attention.ldo = attended_.ld;
  attention.kv_heads = static_cast<int32_t>(spec_.kv_heads);
  attention.group = static_cast<int32_t>(spec_.heads / spec_.kv_heads);
  attention.head_dim = static_cast<int32_t>(spec_.head_dim);
  attention.k_offset = layout.k_offset(layer, 0);
  attention.head_stride = HeadStride(layout);
  attention.window = layer_spec.window;
  attention.scale = spec_.attention_scale[static_cast<size_t>(layer)];
  attention.softcap = spec_.attention_softcap;
  device_->Run(attention);
}

void CudaDecoder::Activate(const Step& step) {
  ActivateParams activate{};
  activate.dtype = options_.dtype;
  activate.activation = spec_.activation;
  activate.gated = spec_.gated_mlp;
  activate.x = mlp_.data;
  activate.ldx = mlp_.ld;
  activate.width = spec_.intermediate;
  activate.y = activated_.data;
  activate.ldy = activated_.ld;
  activate.rows = step.rows;
  device_->Run(activate);
}

// The final norm of the rows whose logits may be asked for.
void CudaDecoder::NormOutputs(const Step& step) {
  for (const DeviceSegment& s : step.out_segments) {
    JoinParams join{};
    join.dtype = options_.dtype;
    join.style = spec_.norm;
    join.epsilon = spec_.norm_epsilon;
    join.width = spec_.hidden;
    join.x = x_.data;
    join.ld = x_.ld;
    join.next = s.adapter != nullptr && s.adapter->final_norm.weight != nullptr
                    ? s.adapter->final_norm
                    : weights_.final_norm;
    join.rows_in = table_.outputs.device + s.begin;
    join.y = RowsOf(hidden_, output_rows_ + s.begin);
    join.rows = s.rows();
    device_->Run(join);
  }
}

// ---- products ----

void CudaDecoder::RunLinear(const DeviceLinear& w, const View& x, const View& y, int64_t layer,
                            int which, const Step& step) {
  RunProducts(w, x, y, step.segments, LayerReplacements, layer, which);
  if (step.max_rank == 0) return;
  RunBranches(table_.adapters.device, LayerGroup(layer, which), step.max_rank, x, w.in, y, w.out,
              step.rows);
}

void CudaDecoder::RunBranches(const LoraGroupParams* const* adapters, int32_t group,
                              int64_t max_rank, const View& x, int64_t in, const View& y,
                              int64_t out, int64_t rows) {
  LoraParams lora{};
  lora.dtype = options_.dtype;
  lora.adapters = adapters;
  lora.group = group;
  lora.max_rank = static_cast<int32_t>(max_rank);
  lora.x = x.data;
  lora.ldx = x.ld;
  lora.k = in;
  lora.h = reinterpret_cast<float*>(h_.data());
  lora.ldh = rank_capacity_;
  lora.y = y.data;
  lora.ldy = y.ld;
  lora.n = out;
  lora.rows = rows;
  device_->Run(lora);
}

// The base's product for the rows it serves, in runs of one bias, then what adapters bring whole.
void CudaDecoder::RunProducts(const DeviceLinear& w, const View& x, const View& y,
                              const std::vector<DeviceSegment>& segments,
                              const DeviceReplacements& (*group)(const DeviceAdapter&, int64_t,
                                                                 int),
                              int64_t layer, int which) {
  GemmParams gemm{};
  gemm.dtype = options_.dtype;
  gemm.ldx = x.ld;
  gemm.k = w.in;
  gemm.w = w.w;
  gemm.ldy = y.ld;
  gemm.n = w.out;
  int64_t begin = 0, end = 0;  // of the run at hand
  const auto flush = [&] {
    if (begin == end) return;
    gemm.x = RowsOf(x, begin);
    gemm.y = RowsOf(y, begin);
    gemm.rows = end - begin;
    device_->Run(gemm);
  };
  for (const DeviceSegment& s : segments) {
    const DeviceReplacements* own =
        s.adapter == nullptr ? nullptr : &group(*s.adapter, layer, which);
    if (own != nullptr && own->replaces_all) continue;
    const float* bias = own != nullptr && own->bias != nullptr ? own->bias : w.bias;
    if (s.begin != end || bias != gemm.bias) {
      flush();
      begin = s.begin;
      gemm.bias = bias;
    }
    end = s.end;
  }
  flush();
  for (const DeviceSegment& s : segments) {
    if (s.adapter != nullptr) Replace(w, group(*s.adapter, layer, which), x, y, s);
  }
}

void CudaDecoder::Replace(const DeviceLinear& w, const DeviceReplacements& group, const View& x,
                          const View& y, const DeviceSegment& s) {
  GemmParams gemm{};
  gemm.dtype = options_.dtype;
  gemm.x = RowsOf(x, s.begin);
  gemm.ldx = x.ld;
  gemm.rows = s.rows();
  gemm.k = w.in;
  const float* bias = group.bias != nullptr ? group.bias : w.bias;
  for (const DeviceReplacedLinear& part : group.replaced) {
    gemm.w = part.w;
    gemm.bias = bias == nullptr ? nullptr : bias + part.column_begin;
    gemm.y = RowsOf(y, s.begin) + part.column_begin * element_;
    gemm.ldy = y.ld;
    gemm.n = part.columns;
    device_->Run(gemm);
  }
  if (group.row_count == 0) return;
  if (columns_width_ < Padded(group.row_count)) {
    columns_width_ = Padded(group.row_count);
    columns_ = DeviceBuffer();
    columns_ = DeviceBuffer(*device_, kLogitRows * columns_width_ * element_);
  }
  gemm.w = group.rows;
  gemm.bias = nullptr;  // a head that is an embedding has none
  gemm.y = columns_.data();
  gemm.ldy = columns_width_;
  gemm.n = group.row_count;
  device_->Run(gemm);
  ScatterParams scatter{};
  scatter.dtype = options_.dtype;
  scatter.x = columns_.data();
  scatter.ldx = columns_width_;
  scatter.columns = group.row_columns;
  scatter.count = group.row_count;
  scatter.y = RowsOf(y, s.begin);
  scatter.ldy = y.ld;
  scatter.rows = gemm.rows;
  device_->Run(scatter);
}

}  // namespace plumbline::cuda
