// Cuts rows into tiles of up to eight, for kernels that keep a tile's sums in registers. Part of
// kernels_isa.cc.
#ifndef PLUMBLINE_CORE_MODEL_KERNELS_ROW_TILES_ISA_H_
#define PLUMBLINE_CORE_MODEL_KERNELS_ROW_TILES_ISA_H_

#include "core/model/kernels/simd.h"

namespace plumbline {
namespace PLUMBLINE_ISA_NAMESPACE {

inline constexpr int kTileRows = 8;
static_assert(kTileRows == kAttentionTileRows);

// Calls tile.Run<R>(row) over rows [0, rows), R as large as possible.
template <typename Tile>
PLUMBLINE_INLINE void ForRowTiles(int64_t rows, Tile tile) {
  int64_t row = 0;
  for (; row + kTileRows <= rows; row += kTileRows) tile.template Run<8>(row);
  switch (rows - row) {
    case 7:
      tile.template Run<7>(row);
      break;
    case 6:
      tile.template Run<6>(row);
      break;
    case 5:
      tile.template Run<5>(row);
      break;
    case 4:
      tile.template Run<4>(row);
      break;
    case 3:
      tile.template Run<3>(row);
      break;
    case 2:
      tile.template Run<2>(row);
      break;
    case 1:
      tile.template Run<1>(row);
      break;
    default:
      break;
  }
}

}  // namespace PLUMBLINE_ISA_NAMESPACE
}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_KERNELS_ROW_TILES_ISA_H_
