// How much work is worth another thread.
#ifndef PLUMBLINE_CORE_MODEL_SHARING_H_
#define PLUMBLINE_CORE_MODEL_SHARING_H_

#include <algorithm>
#include <cstdint>

#include "core/model/thread_pool.h"

namespace plumbline {

// A loop shorter than this (in fused multiply-adds, roughly) is not worth waking a thread for.
inline constexpr int64_t kWorthSharing = 40'000;

// body(row_begin, row_end) over `rows`, each worth `cost` multiply-adds.
template <typename Body>
void ForRows(ThreadPool& threads, int64_t rows, int64_t cost, Body body) {
  const int64_t grain =
      std::max<int64_t>(kWorthSharing / std::max<int64_t>(cost, 1),
                        (rows + 4 * threads.threads() - 1) / (4 * threads.threads()));
  threads.Run(rows, std::max<int64_t>(grain, 1),
              [&](int64_t begin, int64_t end, int) { body(begin, end); });
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_MODEL_SHARING_H_
