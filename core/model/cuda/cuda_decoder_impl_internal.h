// The class behind cuda_decoder_internal.h. cuda_decoder.cc: memory, steps, graphs; cuda_layers.cc:
// the layers as the papers write them; cuda_logits.cc: the head.
#ifndef PLUMBLINE_CORE_MODEL_CUDA_CUDA_DECODER_IMPL_INTERNAL_H_
#define PLUMBLINE_CORE_MODEL_CUDA_CUDA_DECODER_IMPL_INTERNAL_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/model/cuda/adapter_bank_internal.h"
#include "core/model/cuda/cuda_decoder_internal.h"
#include "core/model/cuda/device_memory.h"
#include "core/model/cuda/step_table.h"
#include "core/model/rope_table.h"
#include "core/model/segment.h"

namespace plumbline::cuda {

// KV blocks in the device's memory, beside what is kept for adapters.
class DeviceKvMemory : public KvMemory {
 public:
  DeviceKvMemory(Device& device, const AdapterBank& bank) : device_(device), bank_(bank) {}
  absl::StatusOr<char*> Reserve(int64_t bytes) override;
  void Release(char* memory, int64_t bytes) override { device_.Free(memory); }
  void Copy(void* to, const void* from, int64_t bytes) override {
    device_.CopyOnDevice(to, from, static_cast<size_t>(bytes));
  }
  int64_t available() const override;

 private:
  int64_t Unpromised() const;  // free and not kept for adapters
  Device& device_;
  const AdapterBank& bank_;
};

// Thread-compatible, as Decoder.
class CudaDecoder : public Decoder {
 public:
  CudaDecoder(const DecoderSpec& spec, const DecoderOptions& options, const CudaOptions& cuda,
              std::unique_ptr<Device> device, DeviceWeights weights);
  ~CudaDecoder() override;

  const DecoderSpec& spec() const override { return spec_; }
  const DecoderOptions& options() const override { return options_; }
  int64_t weight_bytes() const override { return weights_.bytes; }
  int64_t parameters() const override { return weights_.parameters; }
  KvLayout kv_layout() const override {
    return {static_cast<int64_t>(spec_.layers.size()), spec_.kv_heads, spec_.head_dim, element_};
  }
  KvMemory& kv_memory() override { return kv_memory_; }
  int64_t output_rows() const override { return output_rows_; }

  void Forward(absl::Span<const Chunk> chunks) override;
  void Logits(int64_t begin, int64_t end, float* out) override;

 private:
  // Activations: rows `ld` elements apart, zero beyond the width.
  struct View {
    char* data = nullptr;
    int64_t ld = 0;
  };
  using DeviceSegment = SegmentOf<DeviceAdapter>;
  struct Step {
    absl::Span<const Chunk> chunks;
    int64_t tokens = 0;   // of the chunks
    int64_t rows = 0;     // tokens, or the bucket's
    int64_t outputs = 0;  // output rows, or the bucket's
    int64_t units = 0;
    int64_t max_rank = 0;
    bool plain = true;
    std::vector<const DeviceAdapter*> adapters;  // by chunk
    std::vector<DeviceSegment> segments;         // over rows
    std::vector<DeviceSegment> out_segments;     // over this step's output rows
  };
  struct Graph {
    void* handle = nullptr;
    int uses = 0;
  };
  template <typename V>
  using Select = const V& (*)(const DeviceAdapter&, int64_t layer);

  // ---- cuda_decoder.cc ----
  View MakeActivation(int64_t width, int64_t rows);
  void RunStep(Step& step);
  void LayOut(Step& step);
  void RoundUpToBucket(Step& step);
  void Launch(const Step& step, bool graph);
  bool CanBeGraph(const Step& step) const;
  void Replay(const Step& step);
  void DropGraphs();
  void EnsureRank(int64_t rank);
  void FillTable(const Step& step);
  void FillRow(const Chunk& chunk, const DeviceAdapter* adapter, int64_t index, int64_t row);
  void FillPadding(const Step& step, int64_t unit);
  const void* SourceOf(const char* table, int64_t ld, const DeviceEmbedding* change,
                       const EmbeddingChange* host, int32_t index) const;

  // ---- cuda_layers.cc ----
  char* RowsOf(const View& view, int64_t row) const { return view.data + row * view.ld * element_; }
  void RunLayers(const Step& step);
  void EmbedRows(const Step& step);
  void AddBranch(const Step& step, bool positions, const View& y);
  void Rotate(const Step& step, int64_t layer);
  void Attend(const Step& step, int64_t layer);
  void Activate(const Step& step);
  void NormOutputs(const Step& step);
  // x += post(t); y = next(x), each segment with its own norms. t.data null: nothing joins.
  template <typename Post, typename Next>
  void Join(const View& t, const std::vector<DeviceSegment>& segments, Post post, Next next,
            const View& y);
  void RunLinear(const DeviceLinear& w, const View& x, const View& y, int64_t layer, int which,
                 const Step& step);
  void RunProducts(const DeviceLinear& w, const View& x, const View& y,
                   const std::vector<DeviceSegment>& segments,
                   const DeviceReplacements& (*group)(const DeviceAdapter&, int64_t, int),
                   int64_t layer, int which);
  void Replace(const DeviceLinear& w, const DeviceReplacements& group, const View& x, const View& y,
               const DeviceSegment& segment);
  void RunBranches(const LoraGroupParams* const* adapters, int32_t group, int64_t max_rank,
                   const View& x, int64_t in, const View& y, int64_t out, int64_t rows);

  // ---- cuda_logits.cc ----
  void ComputeLogits(const std::vector<DeviceSegment>& segments, int64_t first, int64_t count,
                     float* out);

  const DecoderSpec spec_;
  const DecoderOptions options_;
  const bool graphs_enabled_;
  const int64_t element_;                 // bytes
  const int64_t capacity_;                // rows that every buffer holds
  const std::unique_ptr<Device> device_;  // before everything that lies on it
  DeviceWeights weights_;
  std::vector<DeviceBuffer> activations_;
  View x_, normed_, qkv_, attended_, joined_, mlp_, activated_;  // [capacity, …]
  View hidden_;                                                  // [capacity, E]: outputs
  View logits_;                                                  // [kLogitRows, V]
  DeviceBuffer float_logits_;                                    // [kLogitRows, V] fp32
  DeviceBuffer head_adapters_;                                   // [kLogitRows] pointers
  DeviceBuffer columns_;                                         // [kLogitRows, trained rows]
  int64_t columns_width_ = 0;
  DeviceBuffer h_;  // [capacity, rank_capacity_] fp32
  int64_t rank_capacity_ = 0;
  DeviceBuffer spare_block_;  // where padding rows of a graph put their keys and values
  std::vector<RopeTable> ropes_;
  StepTable table_;
  AdapterBank bank_;
  DeviceKvMemory kv_memory_;
  bool in_flight_ = false;  // the step table may still be on its way
  absl::flat_hash_map<std::pair<int64_t, int64_t>, Graph> graphs_;  // by rows and rank

  std::vector<Segment> out_segments_;  // over the last Forward's output rows
  int64_t output_rows_ = 0;
};

}  // namespace plumbline::cuda

#endif  // PLUMBLINE_CORE_MODEL_CUDA_CUDA_DECODER_IMPL_INTERNAL_H_
