#include <algorithm>
#include <cstring>
#include <utility>

#include "core/model/cuda/adapter_bank_internal.h"
#include "core/model/cuda/device_weights.h"

namespace plumbline::cuda {
namespace {

// Lays an adapter out twice with the same calls: once to count, once for real. What the kernels are
// to read is gathered in host memory and copied in one go; pointers into the device's are known as
// soon as the allocation is made.
class Layout {
 public:
  // Counts when base is null.
  Layout(const DecoderSpec& spec, ComputeType dtype, char* base, std::vector<char>* bytes)
      : spec_(spec), dtype_(dtype), base_(base), bytes_(bytes) {}

  int64_t size() const { return size_; }

  void Lay(const LoraWeights& lora, DeviceAdapter& adapter) {
    const size_t layers = spec_.layers.size();
    std::vector<LoraGroupParams> table(4 * layers + 3, LoraGroupParams{});
    adapter.layers.resize(layers);
    adapter.plain = true;
    for (size_t i = 0; i < layers; ++i) {
      const LoraLayer& from = lora.layers[i];
      DeviceLoraLayer& to = adapter.layers[i];
      const LoraGroup* groups[4] = {&from.attention_in, &from.attention_out, &from.mlp_in,
                                    &from.mlp_out};
      for (int g = 0; g < 4; ++g) {
        LayGroup(*groups[g], to.groups[g], table[4 * i + static_cast<size_t>(g)]);
        adapter.max_rank = std::max(adapter.max_rank, to.groups[g].rank);
        adapter.plain = adapter.plain && to.groups[g].bias == nullptr && groups[g]->bias.empty() &&
                        groups[g]->replaced.empty();
      }
      bool norms = LayNorm(from.before_attention, to.before_attention);
      norms = LayNorm(from.after_attention, to.after_attention) || norms;
      norms = LayNorm(from.before_mlp, to.before_mlp) || norms;
      norms = LayNorm(from.after_mlp, to.after_mlp) || norms;
      norms = LayNorm(from.q_norm, to.q_norm) || norms;
      norms = LayNorm(from.k_norm, to.k_norm) || norms;
      adapter.plain = adapter.plain && !norms;
    }
    if (LayNorm(lora.final_norm, adapter.final_norm)) adapter.plain = false;
    LayGroup(lora.head, adapter.head, table[4 * layers]);
    LayEmbedding(lora.embedding, adapter.embedding, table[4 * layers + 1]);
    LayEmbedding(lora.position_embedding, adapter.position_embedding, table[4 * layers + 2]);
    if (adapter.embedding.rank > 0 || adapter.position_embedding.rank > 0) adapter.plain = false;
    adapter.group_rank = std::max({adapter.max_rank, adapter.head.rank, adapter.embedding.rank,
                                   adapter.position_embedding.rank});
    adapter.table = static_cast<const LoraGroupParams*>(
        Put(table.data(), static_cast<int64_t>(table.size() * sizeof(LoraGroupParams))));
  }

 private:
  // Room for `bytes`, and where to write them (null while counting).
  std::pair<char*, char*> Take(int64_t bytes) {
    const int64_t offset = size_;
    size_ += (bytes + 255) / 256 * 256;
    if (base_ == nullptr) return {nullptr, nullptr};
    bytes_->resize(static_cast<size_t>(size_));
    return {base_ + offset, bytes_->data() + offset};
  }
  const void* Put(const void* data, int64_t bytes) {
    const auto [device, host] = Take(bytes);
    if (host != nullptr) std::memcpy(host, data, static_cast<size_t>(bytes));
    return device;
  }
  const float* PutFloats(const std::vector<float>& values) {
    if (values.empty()) return nullptr;
    return static_cast<const float*>(
        Put(values.data(), static_cast<int64_t>(values.size() * sizeof(float))));
  }
  bool LayNorm(const NormWeights& from, NormParams& to) {
    to = {PutFloats(from.weight), PutFloats(from.bias)};
    return from.present();
  }

  // A [n, k] matrix packed for the CPU kernels.
  const void* PutMatrix(ComputeType dtype, const void* panels, int64_t n, int64_t k) {
    const auto [device, host] = Take(MatrixBytes(dtype, n, k));
    if (host == nullptr) return nullptr;
    std::vector<char> rows(static_cast<size_t>(n * k * ElementBytes(dtype)));
    if (dtype == ComputeType::kBfloat16) {
      UnpackPanels(static_cast<const Bf16*>(panels), n, k, reinterpret_cast<Bf16*>(rows.data()));
    } else {
      UnpackPanels(static_cast<const float*>(panels), n, k, reinterpret_cast<float*>(rows.data()));
    }
    PackMatrix(dtype, rows.data(), 0, n, k, host);
    return device;
  }
  // In fp32, as the kernels read branches.
  const float* PutBranch(const BranchPanels& panels, int64_t n, int64_t k) {
    const auto [device, host] = Take(MatrixBytes(ComputeType::kFloat32, n, k));
    if (host == nullptr) return nullptr;
    std::vector<float> rows(static_cast<size_t>(n * k));
    UnpackBranch(panels, n, k, rows.data());
    PackMatrix(ComputeType::kFloat32, rows.data(), 0, n, k, host);
    return reinterpret_cast<const float*>(device);
  }

  LoraPartParams LayPart(const LoraPart& from) {
    LoraPartParams part{};
    part.rank_begin = static_cast<int32_t>(from.rank_begin);
    part.rank = static_cast<int32_t>(from.rank);
    part.column_begin = static_cast<int32_t>(from.column_begin);
    part.columns = static_cast<int32_t>(from.columns);
    part.scaling = from.scaling;
    part.b = PutBranch(from.b, from.columns, from.rank);
    part.lora_bias = PutFloats(from.lora_bias);
    part.magnitude = PutFloats(from.magnitude);
    part.base_bias = PutFloats(from.base_bias);
    return part;
  }

  void LayGroup(const LoraGroup& from, DeviceReplacements& to, LoraGroupParams& entry) {
    to.rank = from.rank;
    if (from.rank > 0) {
      entry.rank = static_cast<int32_t>(from.rank);
      entry.a = PutBranch(from.a, from.rank, from.in);
      for (const LoraPart& part : from.parts) {
        entry.part[entry.parts++] = LayPart(part);
      }
    }
    to.bias = PutFloats(from.bias);
    to.replaces_all = from.replaces_all;
    to.replaced.clear();
    for (const ReplacedLinear& part : from.replaced) {
      to.replaced.push_back({part.column_begin, part.columns,
                             PutMatrix(dtype_, part.panels.data(), part.columns, from.in)});
    }
    const std::vector<int32_t>& columns = from.rows.columns;
    to.row_count = static_cast<int64_t>(columns.size());
    if (columns.empty()) return;
    to.row_columns = static_cast<const int32_t*>(Put(columns.data(), to.row_count * 4));
    to.rows = PutMatrix(dtype_, from.rows.panels.data(), to.row_count, from.in);
  }

  void LayEmbedding(const EmbeddingChange& from, DeviceEmbedding& to, LoraGroupParams& entry) {
    if (from.table.size() > 0) {
      to.table = static_cast<const char*>(Put(from.table.data(), from.table.bytes()));
    }
    if (from.trained.size() > 0) {
      to.trained = static_cast<const char*>(Put(from.trained.data(), from.trained.bytes()));
    }
    to.rank = from.low_rank.rank;
    if (to.rank == 0) return;
    to.a = static_cast<const float*>(Put(from.a.data(), from.a.bytes()));
    entry.rank = static_cast<int32_t>(to.rank);
    entry.parts = 1;
    entry.part[0] = LayPart(from.low_rank);
  }

  const DecoderSpec& spec_;
  const ComputeType dtype_;
  char* const base_;
  std::vector<char>* const bytes_;
  int64_t size_ = 0;
};

}  // namespace

int64_t AdapterBank::BytesOf(const LoraWeights& lora) const {
  Layout count(spec_, dtype_, nullptr, nullptr);
  DeviceAdapter adapter;
  count.Lay(lora, adapter);
  return count.size();
}

void AdapterBank::Begin() { ++step_; }

bool AdapterBank::MakeRoom(int64_t bytes) {
  auto it = by_use_.end();
  while (used_ + bytes > budget_ && it != by_use_.begin()) {
    --it;
    const auto found = slots_.find(*it);
    if (found->second.step == step_) continue;
    used_ -= found->second.adapter->memory.bytes();
    slots_.erase(found);
    it = by_use_.erase(it);
  }
  return used_ + bytes <= budget_;
}

const DeviceAdapter* AdapterBank::Get(const LoraWeights& lora) {
  if (const auto found = slots_.find(lora.version); found != slots_.end()) {
    Slot& slot = found->second;
    by_use_.splice(by_use_.begin(), by_use_, slot.place);
    slot.step = step_;
    slot.adapter->host = &lora;
    return slot.adapter.get();
  }
  const int64_t bytes = BytesOf(lora);
  if (!MakeRoom(bytes)) return nullptr;
  auto adapter = std::make_unique<DeviceAdapter>();
  adapter->memory = DeviceBuffer(device_, bytes);
  std::vector<char> content;
  Layout layout(spec_, dtype_, adapter->memory.data(), &content);
  layout.Lay(lora, *adapter);
  device_.CopyToDevice(adapter->memory.data(), content.data(), content.size());
  adapter->host = &lora;
  used_ += bytes;
  by_use_.push_front(lora.version);
  Slot& slot = slots_[lora.version];
  slot.adapter = std::move(adapter);
  slot.place = by_use_.begin();
  slot.step = step_;
  return slot.adapter.get();
}

}  // namespace plumbline::cuda
