// A packed linear over the rows of a step, with what each row's adapter changes.
//
// Per linear: (1) h = A · x of every adapter's rows; (2) the base's product, and on each run of its
// columns, while they are in the cache, the adapters' y += scaling · B · h; (3) columns that an
// adapter brings whole. The units of (1) and (2) write disjoint outputs, so threads share them in
// any order, in one loop: a panel's branches wait until (1), handed out first, is done. While the
// base's product keeps the cores busy, memory brings what comes after it: the adapters' B on the
// same columns and the next columns' panel.
//
// Island-internal.
#ifndef PLUMBLINE_CORE_MODEL_LINEAR_INTERNAL_H_
#define PLUMBLINE_CORE_MODEL_LINEAR_INTERNAL_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "core/model/aligned_buffer.h"
#include "core/model/decoder_weights_internal.h"
#include "core/model/kernels/kernels.h"
#include "core/model/lora_weights_internal.h"
#include "core/model/segment.h"
#include "core/model/sharing.h"
#include "core/model/thread_pool.h"

namespace plumbline {

// What of an adapter belongs to the linear at hand.
using SelectGroup = absl::FunctionRef<const LoraGroup&(const LoraWeights&)>;

// The kernel's arguments for a part but for h, rows and y.
template <typename T>
LoraUpArgs<T> LoraUpArgsOf(const LoraPart& part) {
  const auto data = [](const std::vector<float>& v) { return v.empty() ? nullptr : v.data(); };
  LoraUpArgs<T> args;
  args.rank = part.rank;
  args.panels = part.b.wide;
  args.half_panels = part.b.half;
  args.lora_bias = data(part.lora_bias);
  args.scaling = part.scaling;
  args.magnitude = data(part.magnitude);
  args.base_bias = data(part.base_bias);
  args.n = part.columns;
  return args;
}

// Thread-compatible: the device thread's. Allocates only when a step is larger than all before.
template <typename T>
class LinearRunner {
 public:
  // Both are borrowed.
  LinearRunner(const Kernels<T>& kernels, ThreadPool* threads)
      : kernels_(kernels), threads_(*threads), prefetches_(threads->threads()) {}

  // y [rows, w.out] = x [rows, w.in] · Wᵀ + b, each segment with its adapter's changes. `segments`
  // cover the rows in order. `columns` > 0: only the first `columns` of each row of y need be
  // computed; the rest is unspecified.
  void Run(const PackedLinear<T>& w, const T* x, T* y, SelectGroup select,
           absl::Span<const Segment> segments, int64_t columns = 0);

 private:
  // h of up to 8 rows and one panel of A.
  struct Down {
    const LoraGroup* group;
    int64_t row_begin;
    int64_t rows;
    int64_t panel;
  };
  // One part's branch on one segment: panels [panel_begin, panel_end) of the linear's columns when
  // it is computed with the base's panels; else it is computed after them.
  struct Up {
    LoraUpArgs<T> args;
    bool fused = false;
    int64_t panel_begin = 0;
    int64_t panel_end = 0;
  };

  void PlanLora(const PackedLinear<T>& w, T* y, SelectGroup select,
                absl::Span<const Segment> segments);
  void PlanBase(const PackedLinear<T>& w, const T* x, T* y, SelectGroup select,
                absl::Span<const Segment> segments);
  int64_t Grain(int64_t panels, int64_t panel_cost) const;
  void ComputeDownsThenPanels(const T* x, int64_t in);
  void ComputeDown(const Down& down, const T* x, int64_t in);
  void ComputePanels(int64_t panel_begin, int64_t panel_end, int thread);
  void ListPrefetches(absl::Span<const Up> ups, int64_t panel, int64_t next_panel,
                      std::vector<PrefetchRange>& prefetches) const;
  void RunGemm(const GemmArgs<T>& args);
  void Replace(const PackedLinear<T>& w, const T* x, T* y, SelectGroup select,
               absl::Span<const Segment> segments);
  void ComputeUnfusedUps();

  const Kernels<T>& kernels_;
  ThreadPool& threads_;

  // The linear at hand.
  std::vector<GemmArgs<T>> runs_;  // rows that the base's weight serves, in runs of one bias
  std::vector<Down> downs_;
  std::vector<Up> ups_;  // the fused ones first, by panel_begin; those of a module have the same
  size_t fused_ups_ = 0;
  std::atomic<int64_t> downs_left_ = 0;  // grains
  int64_t ldh_ = 0;
  AlignedBuffer<float> h_;         // [rows, ldh]
  bool feeds_next_panel_ = false;  // the base's
  // By thread: what is read after the panel at hand.
  std::vector<std::vector<PrefetchRange>> prefetches_;
  AlignedBuffer<T> columns_;  // [rows, columns]: logits of trained rows
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_LINEAR_INTERNAL_H_
