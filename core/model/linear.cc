#include <immintrin.h>

#include <algorithm>

#include "core/model/linear_internal.h"

namespace plumbline {
namespace {

constexpr int64_t kDownRows = 8;  // rows of a unit of A · x: a tile of the GEMM
// Two panels larger than this drive one another out of the cache.
constexpr int64_t kFedPanelBytes = 640 << 10;
// Bytes of LoRA B prefetched at once before a panel's branches run: half of an L1 cache.
constexpr int64_t kBurstBytes = 24 << 10;

template <typename T>
void Grow(AlignedBuffer<T>& buffer, int64_t size) {
  if (buffer.size() < size) buffer = AlignedBuffer<T>(size);
}

// Panel `p` of a branch's B.
template <typename T>
PrefetchRange PanelOfB(const LoraUpArgs<T>& up, int64_t p) {
  if (up.panels != nullptr) {
    const int64_t elements = up.rank * kPanelColumns;
    return {up.panels + p * elements, elements * int64_t{sizeof(float)}};
  }
  const int64_t elements = (up.rank + 1) / 2 * 2 * kPanelColumns;
  return {up.half_panels + p * elements, elements * int64_t{sizeof(Bf16)}};
}

// All lines of memory's answer at once, where the sums of a product would ask one after the other.
void Prefetch(const PrefetchRange& range) {
  constexpr int64_t kLine = 64;
  const char* const data = static_cast<const char*>(range.data);
  for (int64_t i = 0; i < range.bytes; i += kLine) __builtin_prefetch(data + i);
}

const LoraGroup* GroupOf(const Segment& segment, SelectGroup select) {
  return segment.adapter == nullptr ? nullptr : &select(*segment.adapter);
}

}  // namespace

template <typename T>
void LinearRunner<T>::Run(const PackedLinear<T>& w, const T* x, T* y, SelectGroup select,
                          absl::Span<const Segment> segments, int64_t columns) {
  PlanLora(w, y, select, segments);
  PlanBase(w, x, y, select, segments);
  for (GemmArgs<T>& run : runs_) run.n = columns > 0 ? columns : w.out;
  ComputeDownsThenPanels(x, w.in);
  Replace(w, x, y, select, segments);
  ComputeUnfusedUps();
}

// ---- low-rank branches ----

template <typename T>
void LinearRunner<T>::PlanLora(const PackedLinear<T>& w, T* y, SelectGroup select,
                               absl::Span<const Segment> segments) {
  downs_.clear();
  ups_.clear();
  fused_ups_ = 0;
  ldh_ = 0;
  for (const Segment& s : segments) {
    if (const LoraGroup* group = GroupOf(s, select)) ldh_ = std::max(ldh_, group->rank);
  }
  if (ldh_ == 0) return;
  Grow(h_, segments.back().end * ldh_);
  for (const Segment& s : segments) {
    const LoraGroup* group = GroupOf(s, select);
    if (group == nullptr || !group->present()) continue;
    for (int64_t row = s.begin; row < s.end; row += kDownRows) {
      for (int64_t panel = 0; panel < PanelCount(group->rank); ++panel) {
        downs_.push_back({group, row, std::min(kDownRows, s.end - row), panel});
      }
    }
    const bool whole = group->replaced.empty() && group->rows.columns.empty();
    for (const LoraPart& part : group->parts) {
      Up up;
      up.args = LoraUpArgsOf<T>(part);
      up.args.h = h_.data() + s.begin * ldh_ + part.rank_begin;
      up.args.ldh = ldh_;
      up.args.rows = s.rows();
      up.args.y = y + s.begin * w.out + part.column_begin;
      up.args.ldy = w.out;
      up.fused = whole && part.column_begin % kPanelColumns == 0;
      up.panel_begin = part.column_begin / kPanelColumns;
      up.panel_end = up.panel_begin + PanelCount(part.columns);
      fused_ups_ += up.fused ? 1 : 0;
      ups_.push_back(up);
    }
  }
  std::sort(ups_.begin(), ups_.end(), [](const Up& a, const Up& b) {
    return a.fused != b.fused ? a.fused : a.panel_begin < b.panel_begin;
  });
}

template <typename T>
void LinearRunner<T>::ComputeDown(const Down& down, const T* x, int64_t in) {
  const LoraGroup& group = *down.group;
  const T* const rows = x + down.row_begin * in;
  float* const h = h_.data() + down.row_begin * ldh_;
  const int64_t end = down.panel + 1;
  if (group.a.half != nullptr) {
    kernels_.lora_down_half({rows, in, down.rows, in, group.a.half, nullptr, h, ldh_, group.rank},
                            down.panel, end);
  } else {
    kernels_.lora_down_wide({rows, in, down.rows, in, group.a.wide, nullptr, h, ldh_, group.rank},
                            down.panel, end);
  }
}

// Branches on columns that do not start with a panel, or that may lie under replaced ones.
template <typename T>
void LinearRunner<T>::ComputeUnfusedUps() {
  for (const Up& up : absl::MakeConstSpan(ups_).subspan(fused_ups_)) {
    threads_.Run(PanelCount(up.args.n), 16,
                 [&](int64_t begin, int64_t end, int) { kernels_.lora_up(up.args, begin, end); });
  }
}

// ---- the base's product ----

template <typename T>
void LinearRunner<T>::PlanBase(const PackedLinear<T>& w, const T* x, T* y, SelectGroup select,
                               absl::Span<const Segment> segments) {
  GemmArgs<T> args;
  args.ldx = w.in;
  args.k = w.in;
  args.panels = w.panels.data();
  args.ldy = w.out;
  args.n = w.out;
  runs_.clear();
  int64_t end = 0;  // of the last run
  for (const Segment& s : segments) {
    const LoraGroup* group = GroupOf(s, select);
    if (group != nullptr && group->replaces_all) continue;
    const std::vector<float>& bias =
        group != nullptr && !group->bias.empty() ? group->bias : w.bias;
    args.bias = bias.empty() ? nullptr : bias.data();
    if (!runs_.empty() && end == s.begin && runs_.back().bias == args.bias) {
      runs_.back().rows += s.rows();
    } else {
      args.x = x + s.begin * w.in;
      args.y = y + s.begin * w.out;
      args.rows = s.rows();
      runs_.push_back(args);
    }
    end = s.end;
  }
  // With one tile of rows the cores are busy with the panel at hand to its end.
  const int64_t panel_bytes = PackedElements<T>(kPanelColumns, w.in) * int64_t{sizeof(T)};
  feeds_next_panel_ =
      !runs_.empty() && runs_[0].rows > kDownRows && 2 * panel_bytes <= kFedPanelBytes;
}

template <typename T>
int64_t LinearRunner<T>::Grain(int64_t panels, int64_t panel_cost) const {
  return std::max<int64_t>(
      {1, kWorthSharing / std::max<int64_t>(panel_cost, 1), panels / (8 * threads_.threads())});
}

// Lists what is read right after panel `panel` of the base, soonest first. `ups`: those on its
// columns.
template <typename T>
void LinearRunner<T>::ListPrefetches(absl::Span<const Up> ups, int64_t panel, int64_t next_panel,
                                     std::vector<PrefetchRange>& prefetches) const {
  prefetches.clear();
  for (const Up& up : ups) prefetches.push_back(PanelOfB(up.args, panel - up.panel_begin));
  if (feeds_next_panel_ && next_panel < PanelCount(runs_[0].n)) {
    const int64_t elements = PackedElements<T>(kPanelColumns, runs_[0].k);
    const int64_t width = std::min<int64_t>(kPanelColumns, runs_[0].n - next_panel * kPanelColumns);
    prefetches.push_back({runs_[0].panels + next_panel * elements,
                          PackedElements<T>(width, runs_[0].k) * int64_t{sizeof(T)}});
  }
}

// A panel meets all runs while it is in the cache, then the branches on its columns.
template <typename T>
void LinearRunner<T>::ComputePanels(int64_t panel_begin, int64_t panel_end, int thread) {
  if (runs_.size() == 1 && ups_.empty() && !feeds_next_panel_) {
    return kernels_.gemm(runs_[0], panel_begin, panel_end);
  }
  std::vector<PrefetchRange>& prefetches = prefetches_[thread];
  size_t first = 0;  // of the branches on the panel's columns
  for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
    while (first < fused_ups_ && ups_[first].panel_end <= panel) ++first;
    size_t last = first;
    while (last < fused_ups_ && ups_[last].panel_begin <= panel) ++last;
    const absl::Span<const Up> ups = absl::MakeConstSpan(ups_).subspan(first, last - first);
    // Behind the last panel of a grain: the others take a grain each meanwhile.
    const int64_t skipped =
        panel + 1 < panel_end ? 0 : (threads_.threads() - 1) * (panel_end - panel_begin);
    ListPrefetches(ups, panel, panel + 1 + skipped, prefetches);
    for (GemmArgs<T> run : runs_) {
      run.prefetches = prefetches.data();
      run.prefetch_count = static_cast<int64_t>(prefetches.size());
      kernels_.gemm(run, panel, panel + 1);
      prefetches.clear();
    }
    int64_t burst = kBurstBytes;
    for (const Up& up : ups) {
      const PrefetchRange b = PanelOfB(up.args, panel - up.panel_begin);
      burst -= b.bytes;
      if (burst >= 0) Prefetch(b);
    }
    // Those that are not done were begun by others.
    while (!ups.empty() && downs_left_.load(std::memory_order_acquire) > 0) _mm_pause();
    for (const Up& up : ups) {
      kernels_.lora_up(up.args, panel - up.panel_begin, panel - up.panel_begin + 1);
    }
  }
}

// One loop over the units of A · x, then the base's panels.
template <typename T>
void LinearRunner<T>::ComputeDownsThenPanels(const T* x, int64_t in) {
  const int64_t downs = static_cast<int64_t>(downs_.size());
  const int64_t down_cost = downs == 0 ? 0 : downs_[0].rows * in * kPanelColumns;
  const int64_t down_grain = Grain(downs, down_cost);
  const int64_t down_grains = (downs + down_grain - 1) / down_grain;
  int64_t rows = 0;
  for (const GemmArgs<T>& run : runs_) rows += run.rows;
  const int64_t panels = runs_.empty() ? 0 : PanelCount(runs_[0].n);
  const int64_t panel_cost = rows * in * kPanelColumns;
  const int64_t panel_grain = Grain(panels, panel_cost);
  const int64_t grains = down_grains + (panels + panel_grain - 1) / panel_grain;
  downs_left_ = down_grains;
  const bool alone = downs * down_cost + panels * panel_cost < kWorthSharing;
  threads_.Run(grains, alone ? grains : 1, [&](int64_t begin, int64_t end, int thread) {
    for (int64_t grain = begin; grain < end; ++grain) {
      if (grain < down_grains) {
        const int64_t first = grain * down_grain;
        for (int64_t i = first; i < std::min(downs, first + down_grain); ++i) {
          ComputeDown(downs_[i], x, in);
        }
        downs_left_.fetch_sub(1, std::memory_order_release);
      } else {
        const int64_t first = (grain - down_grains) * panel_grain;
        ComputePanels(first, std::min(panels, first + panel_grain), thread);
      }
    }
  });
}

// ---- what replaces ----

template <typename T>
void LinearRunner<T>::RunGemm(const GemmArgs<T>& args) {
  const int64_t panels = PanelCount(args.n);
  threads_.Run(panels, Grain(panels, args.rows * args.k * kPanelColumns),
               [&](int64_t begin, int64_t end, int) { kernels_.gemm(args, begin, end); });
}

// Overwrites the columns that a segment's adapter brings whole.
template <typename T>
void LinearRunner<T>::Replace(const PackedLinear<T>& w, const T* x, T* y, SelectGroup select,
                              absl::Span<const Segment> segments) {
  for (const Segment& s : segments) {
    const LoraGroup* group = GroupOf(s, select);
    if (group == nullptr) continue;
    const std::vector<float>& bias = group->bias.empty() ? w.bias : group->bias;
    GemmArgs<T> args;
    args.x = x + s.begin * w.in;
    args.ldx = w.in;
    args.rows = s.rows();
    args.k = w.in;
    for (const ReplacedLinear& part : group->replaced) {
      args.panels = reinterpret_cast<const T*>(part.panels.data());
      args.bias = bias.empty() ? nullptr : bias.data() + part.column_begin;
      args.y = y + s.begin * w.out + part.column_begin;
      args.ldy = w.out;
      args.n = part.columns;
      RunGemm(args);
    }
    const std::vector<int32_t>& columns = group->rows.columns;
    if (columns.empty()) continue;
    const int64_t n = static_cast<int64_t>(columns.size());
    Grow(columns_, args.rows * n);
    args.panels = reinterpret_cast<const T*>(group->rows.panels.data());
    args.bias = nullptr;  // a head that is an embedding has none
    args.y = columns_.data();
    args.ldy = n;
    args.n = n;
    RunGemm(args);
    for (int64_t row = 0; row < args.rows; ++row) {
      for (int64_t c = 0; c < n; ++c) {
        y[(s.begin + row) * w.out + columns[c]] = columns_.data()[row * n + c];
      }
    }
  }
}

template class LinearRunner<float>;
template class LinearRunner<Bf16>;

}  // namespace plumbline
