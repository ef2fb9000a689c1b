#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/model/cuda/cuda_decoder_impl_internal.h"

namespace plumbline::cuda {
namespace {

constexpr int64_t kMegabyte = int64_t{1} << 20;
constexpr int64_t kMostAdapterBytes = int64_t{8} << 30;
constexpr int64_t kMostGraphRows = 256;
// A graph is captured at the second step of its kind: by then every kernel has run once, so nothing
// is loaded while it is recorded.
constexpr int kUsesBeforeGraph = 1;

// Rows of a graph: few enough kinds that all are soon captured, and little padding.
int64_t Bucket(int64_t rows) {
  if (rows <= 8) return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(rows)));
  const int64_t step = rows <= 64 ? 8 : 32;
  return (rows + step - 1) / step * step;
}
int64_t RankBucket(int64_t rank) {
  if (rank == 0) return 0;
  return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(rank, 32))));
}

int64_t UnitsPerRow(const DecoderSpec& spec) {
  return (spec.heads / spec.kv_heads + kAttentionRows - 1) / kAttentionRows;
}

StepTableShape ShapeOf(const DecoderSpec& spec, int64_t rows) {
  StepTableShape shape;
  shape.max_rows = rows;
  shape.units_per_row = UnitsPerRow(spec);
  for (const RopeSpec& rope : spec.ropes) shape.halves.push_back(rope.dims / 2);
  shape.context_blocks = (spec.context + kKvBlockTokens - 1) / kKvBlockTokens + 1;
  return shape;
}

int64_t AdapterBudget(const CudaOptions& options, Device& device) {
  if (options.adapter_bytes > 0) return options.adapter_bytes;
  return std::min(device.free_bytes() / 8, kMostAdapterBytes);
}

absl::Status CheckSupported(const DecoderSpec& spec) {
  if (spec.head_dim > kMaxHeadDim) {
    return absl::UnimplementedError(absl::StrCat(spec.architecture, ": head_dim ", spec.head_dim,
                                                 ": the CUDA kernels do ", kMaxHeadDim,
                                                 " at most; use --device cpu"));
  }
  if (spec.norm == NormStyle::kLayer && spec.qk_norm != QkNorm::kNone) {
    return absl::UnimplementedError(
        absl::StrCat(spec.architecture,
                     ": LayerNorm on queries and keys: the CUDA kernels cannot; use --device cpu"));
  }
  return absl::OkStatus();
}

}  // namespace

// ---- memory ----

int64_t DeviceKvMemory::Unpromised() const {
  return device_.free_bytes() - (bank_.budget() - bank_.used());
}

// Besides adapters something stays free: graphs, the driver's own, the blocks of a canary prompt.
int64_t DeviceKvMemory::available() const {
  const int64_t reserve = std::min(512 * kMegabyte, device_.info().total_bytes / 32);
  return std::max<int64_t>(0, Unpromised() - reserve);
}

absl::StatusOr<char*> DeviceKvMemory::Reserve(int64_t bytes) {
  const int64_t left = Unpromised();
  if (bytes > left) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a KV cache of ", bytes, " bytes does not fit on ", device_.info().name, ": ",
                     left, " bytes are free beside the ", bank_.budget(),
                     " kept for adapters; ask for a smaller cache"));
  }
  try {
    return static_cast<char*>(device_.Allocate(static_cast<size_t>(bytes)));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no ", bytes, " bytes in one piece on ", device_.info().name));
  }
}

CudaDecoder::CudaDecoder(const DecoderSpec& spec, const DecoderOptions& options,
                         const CudaOptions& cuda, std::unique_ptr<Device> device,
                         DeviceWeights weights)
    : spec_(spec),
      options_(options),
      graphs_enabled_(cuda.graphs),
      element_(ElementBytes(options.dtype)),
      capacity_((options.max_rows + 31) / 32 * 32),
      device_(std::move(device)),
      weights_(std::move(weights)),
      x_(MakeActivation(spec_.hidden, capacity_)),
      normed_(MakeActivation(spec_.hidden, capacity_)),
      qkv_(MakeActivation(spec_.q_width() + 2 * spec_.kv_width(), capacity_)),
      attended_(MakeActivation(spec_.q_width(), capacity_)),
      joined_(MakeActivation(spec_.hidden, capacity_)),
      mlp_(MakeActivation(spec_.intermediate * (spec_.gated_mlp ? 2 : 1), capacity_)),
      activated_(MakeActivation(spec_.intermediate, capacity_)),
      hidden_(MakeActivation(spec_.hidden, capacity_)),
      logits_(MakeActivation(spec_.vocabulary, kLogitRows)),
      float_logits_(*device_, kLogitRows * spec_.vocabulary * 4),
      head_adapters_(*device_, kLogitRows * static_cast<int64_t>(sizeof(void*))),
      spare_block_(*device_, kv_layout().block_bytes()),
      table_(ShapeOf(spec_, capacity_), *device_),
      bank_(spec_, options.dtype, *device_, AdapterBudget(cuda, *device_)),
      kv_memory_(*device_, bank_) {
  for (const RopeSpec& rope : spec_.ropes) {
    ropes_.emplace_back(rope, RotationDtype(spec_, options_.dtype));
  }
  device_->Synchronize();
}

CudaDecoder::~CudaDecoder() { DropGraphs(); }

CudaDecoder::View CudaDecoder::MakeActivation(int64_t width, int64_t rows) {
  const int64_t ld = Padded(width);
  const int64_t bytes = (rows + kRowSlack) * ld * element_;
  activations_.emplace_back(*device_, bytes);
  device_->Clear(activations_.back().data(), static_cast<size_t>(bytes));
  return {activations_.back().data(), ld};
}

// Room for h, the low-rank branches' middle. Graphs know where it was.
void CudaDecoder::EnsureRank(int64_t rank) {
  if (rank <= rank_capacity_) return;
  DropGraphs();
  rank_capacity_ = RankBucket(rank);
  h_ = DeviceBuffer();
  h_ = DeviceBuffer(*device_, capacity_ * rank_capacity_ * 4);
}

void CudaDecoder::DropGraphs() {
  for (auto& [key, graph] : graphs_) {
    if (graph.handle != nullptr) device_->DropGraph(graph.handle);
  }
  graphs_.clear();
}

// ---- a step ----

// Usually one step; more where the adapters do not all fit on the device at once.
void CudaDecoder::Forward(absl::Span<const Chunk> chunks) {
  out_segments_.clear();
  output_rows_ = 0;
  for (size_t begin = 0; begin < chunks.size();) {
    bank_.Begin();
    Step step;
    size_t end = begin;
    for (; end < chunks.size(); ++end) {
      const DeviceAdapter* adapter = nullptr;
      if (chunks[end].adapter != nullptr) {
        adapter = bank_.Get(*chunks[end].adapter);
        if (adapter == nullptr) break;
      }
      step.adapters.push_back(adapter);
    }
    if (end == begin) {
      throw DeviceMemoryError(absl::StrCat(
          "the adapter takes ", bank_.BytesOf(*chunks[begin].adapter), " bytes on ",
          device_->info().name, " and ", bank_.budget(), " are kept for all adapters"));
    }
    step.chunks = chunks.subspan(begin, end - begin);
    RunStep(step);
    begin = end;
  }
}

void CudaDecoder::RunStep(Step& step) {
  LayOut(step);
  const int64_t outputs = step.outputs;  // without those that fill a bucket
  const bool graph = CanBeGraph(step);
  if (graph) RoundUpToBucket(step);
  if (step.plain) {  // one run: what differs from row to row is behind the rows' pointers
    step.segments = {{nullptr, 0, step.rows}};
    step.out_segments = {{nullptr, 0, step.outputs}};
    if (step.outputs == 0) step.out_segments.clear();
  }
  Launch(step, graph);
  output_rows_ += outputs;
}

// Counts the chunks' rows, outputs and units, and cuts rows and outputs into segments.
void CudaDecoder::LayOut(Step& step) {
  const int64_t group = spec_.heads / spec_.kv_heads;
  for (size_t c = 0; c < step.chunks.size(); ++c) {
    const Chunk& chunk = step.chunks[c];
    const DeviceAdapter* adapter = step.adapters[c];
    const int64_t count = static_cast<int64_t>(chunk.tokens.size());
    const int64_t outputs = count - chunk.first_output;
    AppendRows(adapter, step.tokens, step.tokens + count, step.segments);
    AppendRows(adapter, step.outputs, step.outputs + outputs, step.out_segments);
    AppendRows(chunk.adapter, output_rows_ + step.outputs, output_rows_ + step.outputs + outputs,
               out_segments_);
    step.tokens += count;
    step.outputs += outputs;
    step.units += (count * group + kAttentionRows - 1) / kAttentionRows;
    if (adapter == nullptr) continue;
    step.max_rank = std::max(step.max_rank, adapter->max_rank);
    step.plain = step.plain && adapter->plain;
    EnsureRank(adapter->group_rank);
  }
  step.rows = step.tokens;
}

// What a graph is captured for.
void CudaDecoder::RoundUpToBucket(Step& step) {
  step.rows = step.outputs = Bucket(step.tokens);
  step.units = step.rows * UnitsPerRow(spec_);
  step.max_rank = RankBucket(step.max_rank);
  EnsureRank(step.max_rank);
}

void CudaDecoder::Launch(const Step& step, bool graph) {
  if (in_flight_) device_->Synchronize();
  FillTable(step);
  table_.Send();
  in_flight_ = true;
  if (graph) {
    Replay(step);
  } else {
    RunLayers(step);
  }
}

bool CudaDecoder::CanBeGraph(const Step& step) const {
  if (!graphs_enabled_ || !step.plain || output_rows_ > 0) return false;
  if (step.tokens > kMostGraphRows || Bucket(step.tokens) > capacity_) return false;
  return std::all_of(step.chunks.begin(), step.chunks.end(), [](const Chunk& chunk) {
    return chunk.tokens.size() == 1 && chunk.first_output == 0;
  });
}

void CudaDecoder::Replay(const Step& step) {
  Graph& graph = graphs_[{step.rows, step.max_rank}];
  if (graph.handle == nullptr) {
    if (graph.uses++ < kUsesBeforeGraph) return RunLayers(step);
    device_->BeginGraph();
    RunLayers(step);
    graph.handle = device_->EndGraph();
  }
  device_->ReplayGraph(graph.handle);
}

// ---- the step table ----

const void* CudaDecoder::SourceOf(const char* table, int64_t ld, const DeviceEmbedding* change,
                                  const EmbeddingChange* host, int32_t index) const {
  const int64_t row_bytes = spec_.hidden * element_;
  if (change != nullptr && change->trained != nullptr) {
    const auto found = host->rows.find(index);
    if (found != host->rows.end()) return change->trained + found->second * row_bytes;
  }
  if (change != nullptr && change->table != nullptr) return change->table + index * row_bytes;
  return table + index * ld * element_;
}

void CudaDecoder::FillRow(const Chunk& chunk, const DeviceAdapter* adapter, int64_t index,
                          int64_t row) {
  const int64_t position = chunk.position + index;
  const LoraWeights* host = adapter == nullptr ? nullptr : adapter->host;
  table_.sources.host[row] = SourceOf(
      weights_.embedding, weights_.embedding_ld, adapter == nullptr ? nullptr : &adapter->embedding,
      host == nullptr ? nullptr : &host->embedding, chunk.tokens[index]);
  if (weights_.position_embedding != nullptr) {
    table_.position_sources.host[row] = SourceOf(
        weights_.position_embedding, spec_.hidden,
        adapter == nullptr ? nullptr : &adapter->position_embedding,
        host == nullptr ? nullptr : &host->position_embedding, static_cast<int32_t>(position));
  }
  table_.adapters.host[row] = adapter == nullptr ? nullptr : adapter->table;
  table_.blocks.host[row] = chunk.blocks[position / kKvBlockTokens];
  table_.slots.host[row] = static_cast<int32_t>(position % kKvBlockTokens);
  for (size_t r = 0; r < ropes_.size(); ++r) {
    const int64_t half = ropes_[r].half();
    float* cos = table_.ropes[r].host + row * 2 * half;
    ropes_[r].Row(position, std::max(chunk.prompt_length, position + 1), cos, cos + half);
  }
}

void CudaDecoder::FillTable(const Step& step) {
  table_.LayOut(step.rows);
  const int64_t group = spec_.heads / spec_.kv_heads;
  int64_t row = 0, unit = 0, output = 0;
  for (size_t c = 0; c < step.chunks.size(); ++c) {
    const Chunk& chunk = step.chunks[c];
    const int64_t count = static_cast<int64_t>(chunk.tokens.size());
    const int64_t held = (chunk.position + count + kKvBlockTokens - 1) / kKvBlockTokens;
    const Column<const void*> blocks = table_.TakeBlocks(held);
    std::copy_n(chunk.blocks.begin(), held, blocks.host);
    for (int64_t begin = 0; begin < count * group; begin += kAttentionRows) {
      table_.units.host[unit++] = {
          blocks.device, static_cast<int32_t>(row), static_cast<int32_t>(chunk.position),
          static_cast<int32_t>(begin),
          static_cast<int32_t>(std::min<int64_t>(begin + kAttentionRows, count * group))};
    }
    for (int64_t i = 0; i < count; ++i) {
      FillRow(chunk, step.adapters[c], i, row + i);
      if (i >= chunk.first_output) table_.outputs.host[output++] = static_cast<int32_t>(row + i);
    }
    row += count;
  }
  if (row < step.rows) FillPadding(step, unit);
}

// Rows that only fill a bucket: token 0 at position 0 of a sequence whose block is nobody's.
void CudaDecoder::FillPadding(const Step& step, int64_t unit) {
  const int64_t group = spec_.heads / spec_.kv_heads;
  const Column<const void*> blocks = table_.TakeBlocks(1);
  blocks.host[0] = spare_block_.data();
  for (int64_t row = step.tokens; row < step.rows; ++row) {
    table_.sources.host[row] = weights_.embedding;
    table_.position_sources.host[row] = weights_.position_embedding;
    table_.adapters.host[row] = nullptr;
    table_.blocks.host[row] = spare_block_.data();
    table_.slots.host[row] = 0;
    table_.outputs.host[row] = static_cast<int32_t>(row);
    for (int64_t begin = 0; begin < group; begin += kAttentionRows) {
      table_.units.host[unit++] = {
          blocks.device, static_cast<int32_t>(row), 0, static_cast<int32_t>(begin),
          static_cast<int32_t>(std::min<int64_t>(begin + kAttentionRows, group))};
    }
    for (size_t r = 0; r < ropes_.size(); ++r) {
      std::fill_n(table_.ropes[r].host + row * 2 * ropes_[r].half(), 2 * ropes_[r].half(), 0.f);
    }
  }
}

// ---- loading ----

absl::StatusOr<std::unique_ptr<Decoder>> MakeDecoder(const DecoderSpec& spec,
                                                     const DecoderOptions& options,
                                                     const CudaOptions& cuda, WeightSource& source,
                                                     std::unique_ptr<Device> device) {
  ABSL_RETURN_IF_ERROR(CheckSupported(spec));
  const int64_t wanted = WeightBytes(spec, options.dtype);
  const int64_t free = device->free_bytes();
  if (wanted > free) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the weights take ", wanted, " bytes and ", device->info().name, " has ", free,
                     " free; use dtype bfloat16, another GPU, or --device cpu"));
  }
  ABSL_ASSIGN_OR_RETURN(DeviceWeights weights,
                        LoadDeviceWeights(spec, options.dtype, source, *device));
  return std::unique_ptr<Decoder>(
      new CudaDecoder(spec, options, cuda, std::move(device), std::move(weights)));
}

}  // namespace plumbline::cuda
