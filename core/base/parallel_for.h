// A loop over independent pieces of work of a millisecond or more, on threads of its own: for what
// happens once, like checking an adapter. The device's loops have a pool
// (core/model/thread_pool.h).
#ifndef PLUMBLINE_CORE_BASE_PARALLEL_FOR_H_
#define PLUMBLINE_CORE_BASE_PARALLEL_FOR_H_

#include <cstdint>

#include "absl/functional/function_ref.h"

namespace plumbline {

// Calls body(i) for every i in [0, n), on up to `threads` threads, the calling one included, in
// about that order. Returns when all have ended. If a body throws, no further one begins and the
// first exception is thrown on to the caller.
void ParallelFor(int64_t n, int threads, absl::FunctionRef<void(int64_t i)> body);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_BASE_PARALLEL_FOR_H_
