#include <algorithm>

#include "core/model/cuda/cuda_decoder_impl_internal.h"

namespace plumbline::cuda {
namespace {

const DeviceReplacements& HeadReplacements(const DeviceAdapter& adapter, int64_t, int) {
  return adapter.head;
}

}  // namespace

void CudaDecoder::Logits(int64_t begin, int64_t end, float* out) {
  for (int64_t row = begin; row < end;) {
    bank_.Begin();
    const int64_t last = std::min(row + kLogitRows, end);
    std::vector<DeviceSegment> segments;
    int64_t reached = row;
    for (const Segment& s : out_segments_) {
      const int64_t from = std::max(s.begin, row), to = std::min(s.end, last);
      if (from >= to) continue;
      const DeviceAdapter* adapter = nullptr;
      if (s.adapter != nullptr && s.adapter->head.changes_output()) {
        adapter = bank_.Get(*s.adapter);
        if (adapter == nullptr) break;  // no room beside the others: in the next round
      }
      segments.push_back({adapter, from - row, to - row});
      reached = to;
    }
    if (reached == row) throw DeviceMemoryError("an adapter does not fit on the device");
    ComputeLogits(segments, row, reached - row, out + (row - begin) * spec_.vocabulary);
    row = reached;
  }
}

void CudaDecoder::ComputeLogits(const std::vector<DeviceSegment>& segments, int64_t first,
                                int64_t count, float* out) {
  const View x{RowsOf(hidden_, first), hidden_.ld};
  RunProducts(weights_.head, x, logits_, segments, HeadReplacements, 0, 0);
  int64_t max_rank = 0;
  std::vector<const LoraGroupParams*> tables(static_cast<size_t>(count), nullptr);
  for (const DeviceSegment& s : segments) {
    if (s.adapter == nullptr || s.adapter->head.rank == 0) continue;
    max_rank = std::max(max_rank, s.adapter->head.rank);
    std::fill(tables.begin() + s.begin, tables.begin() + s.end, s.adapter->table);
  }
  if (max_rank > 0) {
    device_->CopyToDevice(head_adapters_.data(), tables.data(), tables.size() * sizeof(void*));
    RunBranches(reinterpret_cast<const LoraGroupParams* const*>(head_adapters_.data()),
                bank_.head_group(), max_rank, x, spec_.hidden, logits_, spec_.vocabulary, count);
  }
  LogitsParams logits{};
  logits.dtype = options_.dtype;
  logits.x = logits_.data;
  logits.ldx = logits_.ld;
  logits.width = spec_.vocabulary;
  logits.softcap = spec_.logit_softcap;
  logits.y = reinterpret_cast<float*>(float_logits_.data());
  logits.rows = count;
  device_->Run(logits);
  device_->CopyToHost(out, float_logits_.data(),
                      static_cast<size_t>(count * spec_.vocabulary) * sizeof(float));
  in_flight_ = false;
}

}  // namespace plumbline::cuda
