// GEMM over packed panels. Part of kernels_isa.cc.
//
// A panel holds 32 columns (two vectors) for all k, so one pass over it reads memory in order, once
// a tile of up to eight rows; a last panel of at most 16 columns is one vector wide. An element of
// y is one chain of fused multiply-adds over k in ascending order from zero (two chains' worth of
// products an instruction with AVX-512 BF16): its bits depend neither on the number of rows nor on
// the tile.
#ifndef PLUMBLINE_CORE_MODEL_KERNELS_GEMM_ISA_H_
#define PLUMBLINE_CORE_MODEL_KERNELS_GEMM_ISA_H_

#include "core/model/kernels/row_tiles_isa.h"
#include "core/model/kernels/simd.h"

namespace plumbline {
namespace PLUMBLINE_ISA_NAMESPACE {

inline constexpr int64_t kFeedEvery = 16;  // of k
// How far before its use a panel is asked for: what a core reads while memory answers.
inline constexpr int64_t kStreamBytes = 6144;

// Not __builtin_prefetch: with it in the loop GCC 12 keeps the tile's sums in memory.
PLUMBLINE_INLINE void Prefetch(const void* p) { asm volatile("prefetcht0 (%0)" : : "r"(p)); }
PLUMBLINE_INLINE void PrefetchToL2(const void* p) { asm volatile("prefetcht1 (%0)" : : "r"(p)); }

// Asks for cache lines while a product keeps the core busy: a few every kFeedEvery of k, so that
// all have been asked for at its end. The first tile of rows streams its own panel from memory, so
// where there are more tiles, they do it.
class Feed {
 public:
  PLUMBLINE_INLINE Feed(const PrefetchRange* begin, int64_t count, int64_t rows, int64_t k)
      : at_(begin), end_(begin + count) {
    int64_t lines = 0;
    for (const PrefetchRange* a = at_; a != end_; ++a) lines += (a->bytes + kLine - 1) / kLine;
    const int64_t calls_a_tile = (k + kFeedEvery - 1) / kFeedEvery;
    const int64_t tiles = (rows + kTileRows - 1) / kTileRows;
    if (tiles > 1) wait_ = calls_a_tile;
    const int64_t calls = tiles > 1 ? (tiles - 1) * calls_a_tile : calls_a_tile;
    at_once_ = (lines + calls - 1) / calls;
  }
  PLUMBLINE_INLINE void Next() {
    if (wait_ > 0) {
      --wait_;
      return;
    }
    for (int64_t n = 0; n < at_once_ && at_ != end_; ++n) {
      PrefetchToL2(static_cast<const char*>(at_->data) + offset_);
      offset_ += kLine;
      if (offset_ < at_->bytes) continue;
      offset_ = 0;
      ++at_;
    }
  }

 private:
  static constexpr int64_t kLine = 64;
  const PrefetchRange* at_;
  const PrefetchRange* end_;
  int64_t wait_ = 0;  // calls
  int64_t offset_ = 0;
  int64_t at_once_ = 0;
};

// What a tile's product brings near while it runs: with Read, the panel it reads itself; with Next,
// what others come to.
struct NoFeed {
  PLUMBLINE_INLINE void Next() {}
  PLUMBLINE_INLINE void Read(const void*, int) {}
};
struct LaterTileFeed : NoFeed {  // the panel is in the cache by now
  Feed feed;
  explicit PLUMBLINE_INLINE LaterTileFeed(const Feed& f) : feed(f) {}
  PLUMBLINE_INLINE void Next() { feed.Next(); }
};
struct FirstTileFeed : LaterTileFeed {
  using LaterTileFeed::LaterTileFeed;
  PLUMBLINE_INLINE void Read(const void* p, int lines) {
    for (int i = 0; i < lines; ++i) Prefetch(static_cast<const char*>(p) + kStreamBytes + 64 * i);
  }
};

// acc[r] = x[r, :] · panel, for R rows and a panel of V vectors.
template <int R, int V, typename F>
PLUMBLINE_INLINE void TileProduct(const float* x, int64_t ldx, int64_t k, const float* panel,
                                  Vec acc[][V], F& feed) {
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) acc[r][v] = Splat(0.f);
  }
  for (int64_t i = 0; i < k; ++i) {
    if (i % kFeedEvery == 0) feed.Next();
    Vec w[V];
    feed.Read(panel + i * V * kLanes, V);
    for (int v = 0; v < V; ++v) w[v] = Load(panel + (i * V + v) * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec xr = Splat(x[r * ldx + i]);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) acc[r][v] = Fma(xr, w[v], acc[r][v]);
    }
  }
}

// Two consecutive k of one row: (x[i], x[i + 1]), the second zero past the end.
PLUMBLINE_INLINE uint32_t PairAt(const Bf16* x, int64_t i, int64_t k) {
  const uint32_t low = x[i].bits;
  return i + 1 < k ? low | static_cast<uint32_t>(x[i + 1].bits) << 16 : low;
}

PLUMBLINE_INLINE Vec PairFma(uint32_t x, VecU w, Vec acc) {
#if defined(__AVX512BF16__)
  return (Vec)_mm512_dpbf16_ps((__m512)acc, (__m512bh)_mm512_set1_epi32(static_cast<int>(x)),
                               (__m512bh)w);
#else
  const VecU xs = VecU{} + x;
  acc = Fma((Vec)(xs << 16), (Vec)(w << 16), acc);
  return Fma((Vec)(xs & 0xffff0000u), (Vec)(w & 0xffff0000u), acc);
#endif
}

typedef uint32_t VecUUnaligned __attribute__((vector_size(64), aligned(2), may_alias));

// One row of a panel: the pairs (w[i], w[i + 1]) of a vector's columns.
PLUMBLINE_INLINE VecU LoadPairs(const Bf16* p) {
  return (VecU) * reinterpret_cast<const VecUUnaligned*>(p);
}

template <int R, int V, typename F>
PLUMBLINE_INLINE void TileProduct(const Bf16* x, int64_t ldx, int64_t k, const Bf16* panel,
                                  Vec acc[][V], F& feed) {
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) acc[r][v] = Splat(0.f);
  }
  const int64_t whole = k / 2 * 2;
  for (int64_t i = 0; i < whole; i += 2) {
    if (i % kFeedEvery == 0) feed.Next();
    VecU w[V];
    feed.Read(panel + i * V * kLanes, V);
    for (int v = 0; v < V; ++v) w[v] = LoadPairs(panel + (i * V + 2 * v) * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      uint32_t pair;
      __builtin_memcpy(&pair, x + r * ldx + i, 4);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) acc[r][v] = PairFma(pair, w[v], acc[r][v]);
    }
  }
  if (whole < k) {
    for (int r = 0; r < R; ++r) {
      const uint32_t pair = PairAt(x + r * ldx, whole, k);
      for (int v = 0; v < V; ++v) {
        acc[r][v] = PairFma(pair, LoadPairs(panel + (whole * V + 2 * v) * kLanes), acc[r][v]);
      }
    }
  }
}

// fp32 rows and a panel of bfloat16: the chain of fused multiply-adds that the same panel in fp32
// would give.
template <int R, int V, typename F>
PLUMBLINE_INLINE void TileProduct(const float* x, int64_t ldx, int64_t k, const Bf16* panel,
                                  Vec acc[][V], F& feed) {
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) acc[r][v] = Splat(0.f);
  }
  for (int64_t i = 0; i < k; i += 2) {
    if (i % kFeedEvery == 0) feed.Next();
    VecU w[V];
    feed.Read(panel + i * V * kLanes, V);
    for (int v = 0; v < V; ++v) w[v] = LoadPairs(panel + (i * V + 2 * v) * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec xr = Splat(x[r * ldx + i]);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) acc[r][v] = Fma(xr, (Vec)(w[v] << 16), acc[r][v]);
    }
    if (i + 1 == k) break;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec xr = Splat(x[r * ldx + i + 1]);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) acc[r][v] = Fma(xr, (Vec)(w[v] & 0xffff0000u), acc[r][v]);
    }
  }
}

// bfloat16 rows and a panel in fp32: the chain of the same rows in fp32.
template <int R, int V, typename F>
PLUMBLINE_INLINE void TileProduct(const Bf16* x, int64_t ldx, int64_t k, const float* panel,
                                  Vec acc[][V], F& feed) {
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) acc[r][v] = Splat(0.f);
  }
  for (int64_t i = 0; i < k; i += 2) {
    if (i % kFeedEvery == 0) feed.Next();
    VecU pair[R];
    Vec w[V];
    feed.Read(panel + i * V * kLanes, 2 * V);
    for (int v = 0; v < V; ++v) w[v] = Load(panel + (i * V + v) * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      pair[r] = VecU{} + PairAt(x + r * ldx, i, k);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) acc[r][v] = Fma((Vec)(pair[r] << 16), w[v], acc[r][v]);
    }
    if (i + 1 == k) break;
    for (int v = 0; v < V; ++v) w[v] = Load(panel + ((i + 1) * V + v) * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) acc[r][v] = Fma((Vec)(pair[r] & 0xffff0000u), w[v], acc[r][v]);
    }
  }
}

// How many of the columns from `column` on fall into vector v of a panel.
PLUMBLINE_INLINE int LanesOf(int64_t n, int64_t column, int v) {
  const int64_t left = n - column - v * kLanes;
  return left >= kLanes ? kLanes : left > 0 ? static_cast<int>(left) : 0;
}

// Elements of T between the starts of two panels.
template <typename T>
PLUMBLINE_INLINE int64_t PanelElements(int64_t k) {
  return (sizeof(T) == 2 ? (k + 1) / 2 * 2 : k) * int64_t{kPanelColumns};
}

template <typename T, typename W, typename Y, int V>
struct GemmTile {
  const GemmArgs<T, W, Y>& a;
  const W* panel;
  int64_t column;
  int lanes[V];
  Feed& feed;
  Vec bias[V];

  GemmTile(const GemmArgs<T, W, Y>& args, int64_t p, Feed& feed)
      : a(args),
        panel(args.panels + p * PanelElements<W>(args.k)),
        column(p * kPanelColumns),
        feed(feed) {
    for (int v = 0; v < V; ++v) {
      lanes[v] = LanesOf(a.n, column, v);
      bias[v] = a.bias == nullptr ? Splat(0.f) : LoadN(a.bias + column + v * kLanes, lanes[v]);
    }
  }

  template <int R>
  __attribute__((noinline)) void Run(int64_t row) const {
    Vec acc[R][V];
    const T* x = a.x + row * a.ldx;
    if (row == 0) {
      Product<R>(x, acc, FirstTileFeed(feed));
    } else {
      Product<R>(x, acc, LaterTileFeed(feed));
    }
    for (int r = 0; r < R; ++r) {
      Y* y = a.y + (row + r) * a.ldy + column;
      for (int v = 0; v < V; ++v) StoreN(acc[r][v] + bias[v], y + v * kLanes, lanes[v]);
    }
  }

  // `own`: in registers meanwhile.
  template <int R, typename F>
  PLUMBLINE_INLINE void Product(const T* x, Vec acc[][V], F own) const {
    TileProduct<R, V>(x, a.ldx, a.k, panel, acc, own);
    feed = own.feed;
  }
};

template <typename T, typename W, typename Y>
void Gemm(const GemmArgs<T, W, Y>& args, int64_t panel_begin, int64_t panel_end) {
  Feed feed(args.prefetches, args.prefetch_count, args.rows, args.k);
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    if (IsNarrowPanel(args.n, p)) {
      ForRowTiles(args.rows, GemmTile<T, W, Y, 1>(args, p, feed));
    } else {
      ForRowTiles(args.rows, GemmTile<T, W, Y, 2>(args, p, feed));
    }
  }
}

template <typename T, typename W, int V>
struct LoraUpTile {
  const LoraUpArgs<T>& a;
  const W* panel;
  int64_t column;
  int lanes[V];

  LoraUpTile(const LoraUpArgs<T>& args, const W* panels, int64_t p)
      : a(args), panel(panels + p * PanelElements<W>(args.rank)), column(p * kPanelColumns) {
    for (int v = 0; v < V; ++v) lanes[v] = LanesOf(a.n, column, v);
  }

  PLUMBLINE_INLINE Vec Columns(const float* values, int v) const {
    return values == nullptr ? Splat(0.f) : LoadN(values + column + v * kLanes, lanes[v]);
  }

  template <int R>
  __attribute__((noinline)) void Run(int64_t row) const {
    Vec acc[R][V];
    NoFeed none;
    TileProduct<R, V>(a.h + row * a.ldh, a.ldh, a.rank, panel, acc, none);
    const bool plain = a.lora_bias == nullptr && a.magnitude == nullptr;
    for (int v = 0; v < V && plain; ++v) {
      for (int r = 0; r < R; ++r) {
        T* y = a.y + (row + r) * a.ldy + column + v * kLanes;
        StoreN(LoadN(y, lanes[v]) + acc[r][v] * Splat(a.scaling), y, lanes[v]);
      }
    }
    for (int v = 0; v < V && !plain; ++v) {
      const Vec lora_bias = Columns(a.lora_bias, v);
      for (int r = 0; r < R; ++r) {
        T* y = a.y + (row + r) * a.ldy + column + v * kLanes;
        const Vec base = LoadN(y, lanes[v]);
        const Vec delta = (acc[r][v] + lora_bias) * Splat(a.scaling);
        Vec sum = base + delta;
        if (a.magnitude != nullptr) {
          const Vec m = Columns(a.magnitude, v);
          const Vec bias = Columns(a.base_bias, v);
          sum = base + ((m - Splat(1.f)) * (base - bias) + m * delta);
        }
        StoreN(sum, y, lanes[v]);
      }
    }
  }
};

template <typename T, typename W>
PLUMBLINE_INLINE void LoraUpPanels(const LoraUpArgs<T>& args, const W* panels, int64_t panel_begin,
                                   int64_t panel_end) {
  for (int64_t p = panel_begin; p < panel_end; ++p) {
    if (IsNarrowPanel(args.n, p)) {
      ForRowTiles(args.rows, LoraUpTile<T, W, 1>(args, panels, p));
    } else {
      ForRowTiles(args.rows, LoraUpTile<T, W, 2>(args, panels, p));
    }
  }
}

template <typename T>
void LoraUp(const LoraUpArgs<T>& args, int64_t panel_begin, int64_t panel_end) {
  if (args.panels != nullptr) {
    LoraUpPanels(args, args.panels, panel_begin, panel_end);
  } else {
    LoraUpPanels(args, args.half_panels, panel_begin, panel_end);
  }
}

}  // namespace PLUMBLINE_ISA_NAMESPACE
}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_KERNELS_GEMM_ISA_H_
