#include <algorithm>
#include <type_traits>

#include "core/model/linear_internal.h"

namespace plumbline {
namespace {

constexpr int64_t kDownRows = 8;  // rows of a unit of A · x: a tile of the GEMM
// Two panels larger than this drive one another out of the cache.
constexpr int64_t kFedPanelBytes = 640 << 10;

template <typename T>
void Grow(AlignedBuffer<T>& buffer, int64_t size) {
  if (buffer.size() < size) buffer = AlignedBuffer<T>(size);
}

// Panel `p` of a branch's B.
template <typename T>
Ahead PanelOfB(const LoraUpArgs<T>& up, int64_t p) {
  if (up.panels != nullptr) {
    const int64_t elements = up.rank * kPanelColumns;
    return {up.panels + p * elements, elements * int64_t{sizeof(float)}};
  }
  const int64_t elements = (up.rank + 1) / 2 * 2 * kPanelColumns;
  return {up.half_panels + p * elements, elements * int64_t{sizeof(Bf16)}};
}

const LoraGroup* GroupOf(const Segment& segment, SelectGroup select) {
  return segment.adapter == nullptr ? nullptr : &select(*segment.adapter);
}

}  // namespace

template <typename T>
void LinearRunner<T>::Run(const PackedLinear<T>& w, const T* x, T* y, SelectGroup select,
                          absl::Span<const Segment> segments, int64_t columns) {
  PlanLora(w, y, select, segments);
  LoraDown(x, w.in);
  PlanBase(w, x, y, select, segments);
  for (GemmArgs<T>& run : runs_) run.n = columns > 0 ? columns : w.out;
  Gemm();
  Replace(w, x, y, select, segments);
  LaterUps();
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
  Grow(h_, segments.back().row_end * ldh_);
  for (const Segment& s : segments) {
    const LoraGroup* group = GroupOf(s, select);
    if (group == nullptr || !group->present()) continue;
    for (int64_t row = s.row_begin; row < s.row_end; row += kDownRows) {
      for (int64_t panel = 0; panel < PanelCount(group->rank); ++panel) {
        downs_.push_back({group, row, std::min(kDownRows, s.row_end - row), panel});
      }
    }
    const bool whole = group->replaced.empty() && group->rows.columns.empty();
    for (const LoraPart& part : group->parts) {
      Up up;
      up.args = LoraUpArgsOf<T>(part);
      up.args.h = h_.data() + s.row_begin * ldh_ + part.rank_begin;
      up.args.ldh = ldh_;
      up.args.rows = s.rows();
      up.args.y = y + s.row_begin * w.out + part.column_begin;
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
void LinearRunner<T>::LoraDown(const T* x, int64_t in) {
  if (downs_.empty()) return;
  const auto down = [&](const Down& d, int thread) {
    float* const h = h_.data() + d.row_begin * ldh_;
    const T* const rows = x + d.row_begin * in;
    const BranchPanels& a = d.group->a;
    if (a.half != nullptr) {
      kernels_.lora_down({rows, in, d.rows, in, a.half, nullptr, h, ldh_, d.group->rank}, d.panel,
                         d.panel + 1);
      return;
    }
    const float* wide_rows;
    if constexpr (std::is_same_v<T, float>) {
      wide_rows = rows;
    } else {
      kernels_.to_float(rows, wide_[thread].data(), d.rows * in);
      wide_rows = wide_[thread].data();
    }
    wide_kernels_.gemm({wide_rows, in, d.rows, in, a.wide, nullptr, h, ldh_, d.group->rank},
                       d.panel, d.panel + 1);
  };
  if constexpr (!std::is_same_v<T, float>) {
    for (AlignedBuffer<float>& wide : wide_) Grow(wide, kDownRows * in);
  }
  const int64_t units = static_cast<int64_t>(downs_.size());
  const int64_t cost = in * kPanelColumns;  // of a row and panel
  const auto run = [&](int64_t begin, int64_t end, int thread) {
    for (int64_t i = begin; i < end; ++i) down(downs_[i], thread);
  };
  if (units * downs_[0].rows * cost < kWorthSharing) {
    run(0, units, 0);
  } else {
    threads_.Run(units, std::max<int64_t>(1, units / (4 * threads_.threads())), run);
  }
}

// Branches on columns that do not start with a panel, or that may lie under replaced ones.
template <typename T>
void LinearRunner<T>::LaterUps() {
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
    if (!runs_.empty() && end == s.row_begin && runs_.back().bias == args.bias) {
      runs_.back().rows += s.rows();
    } else {
      args.x = x + s.row_begin * w.in;
      args.y = y + s.row_begin * w.out;
      args.rows = s.rows();
      runs_.push_back(args);
    }
    end = s.row_end;
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

// What is read right after panel `panel` of the base, soonest first. `ups`: those on its columns.
template <typename T>
void LinearRunner<T>::ListAhead(absl::Span<const Up> ups, int64_t panel, int64_t next_panel,
                                std::vector<Ahead>& ahead) const {
  ahead.clear();
  for (const Up& up : ups) ahead.push_back(PanelOfB(up.args, panel - up.panel_begin));
  if (feeds_next_panel_ && next_panel < PanelCount(runs_[0].n)) {
    const int64_t elements = PackedElements<T>(kPanelColumns, runs_[0].k);
    const int64_t width = std::min<int64_t>(kPanelColumns, runs_[0].n - next_panel * kPanelColumns);
    ahead.push_back({runs_[0].panels + next_panel * elements,
                     PackedElements<T>(width, runs_[0].k) * int64_t{sizeof(T)}});
  }
}

// A panel meets all runs while it is in the cache, then the branches on its columns.
template <typename T>
void LinearRunner<T>::Columns(int64_t panel_begin, int64_t panel_end, int thread) {
  if (runs_.size() == 1 && ups_.empty() && !feeds_next_panel_) {
    return kernels_.gemm(runs_[0], panel_begin, panel_end);
  }
  std::vector<Ahead>& ahead = ahead_[thread];
  size_t first = 0;  // of the branches on the panel's columns
  for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
    while (first < fused_ups_ && ups_[first].panel_end <= panel) ++first;
    size_t last = first;
    while (last < fused_ups_ && ups_[last].panel_begin <= panel) ++last;
    const absl::Span<const Up> ups = absl::MakeConstSpan(ups_).subspan(first, last - first);
    // Behind the last panel of a grain: the others take a grain each meanwhile.
    const int64_t skipped =
        panel + 1 < panel_end ? 0 : (threads_.threads() - 1) * (panel_end - panel_begin);
    ListAhead(ups, panel, panel + 1 + skipped, ahead);
    for (GemmArgs<T> run : runs_) {
      run.ahead = ahead.data();
      run.ahead_count = static_cast<int64_t>(ahead.size());
      kernels_.gemm(run, panel, panel + 1);
      ahead.clear();
    }
    for (const Up& up : ups) {
      kernels_.lora_up(up.args, panel - up.panel_begin, panel - up.panel_begin + 1);
    }
  }
}

template <typename T>
void LinearRunner<T>::Gemm() {
  if (runs_.empty()) return;
  int64_t rows = 0;
  for (const GemmArgs<T>& run : runs_) rows += run.rows;
  const int64_t panels = PanelCount(runs_[0].n);
  const int64_t cost = rows * runs_[0].k * kPanelColumns;
  threads_.Run(panels, Grain(panels, cost),
               [&](int64_t begin, int64_t end, int thread) { Columns(begin, end, thread); });
}

// ---- what replaces ----

template <typename T>
void LinearRunner<T>::Product(const GemmArgs<T>& args) {
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
    args.x = x + s.row_begin * w.in;
    args.ldx = w.in;
    args.rows = s.rows();
    args.k = w.in;
    for (const ReplacedLinear& part : group->replaced) {
      args.panels = reinterpret_cast<const T*>(part.panels.data());
      args.bias = bias.empty() ? nullptr : bias.data() + part.column_begin;
      args.y = y + s.row_begin * w.out + part.column_begin;
      args.ldy = w.out;
      args.n = part.columns;
      Product(args);
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
    Product(args);
    for (int64_t row = 0; row < args.rows; ++row) {
      for (int64_t c = 0; c < n; ++c) {
        y[(s.row_begin + row) * w.out + columns[c]] = columns_.data()[row * n + c];
      }
    }
  }
}

template class LinearRunner<float>;
template class LinearRunner<Bf16>;

}  // namespace plumbline
