// Runs of a step's rows that have one adapter: what a linear or a norm is computed over at a time.
//
// No torch type here.
#ifndef PLUMBLINE_CORE_MODEL_SEGMENT_H_
#define PLUMBLINE_CORE_MODEL_SEGMENT_H_

#include <cstdint>
#include <vector>

namespace plumbline {

// Rows [begin, end). Adapter: LoraWeights, or what a device has of them.
template <typename Adapter>
struct SegmentOf {
  const Adapter* adapter;  // null: the base
  int64_t begin;
  int64_t end;
  int64_t rows() const { return end - begin; }
};

struct LoraWeights;
using Segment = SegmentOf<LoraWeights>;

// Appends rows [begin, end), to the last segment where they are its neighbours.
template <typename Adapter>
void AppendRows(const Adapter* adapter, int64_t begin, int64_t end,
                std::vector<SegmentOf<Adapter>>& segments) {
  if (begin == end) return;
  if (!segments.empty() && segments.back().adapter == adapter && segments.back().end == begin) {
    segments.back().end = end;
  } else {
    segments.push_back({adapter, begin, end});
  }
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_SEGMENT_H_
