#include "core/base/parallel_for.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace plumbline {

void ParallelFor(int64_t n, int threads, absl::FunctionRef<void(int64_t)> body) {
  std::atomic<int64_t> next{0};
  std::exception_ptr thrown;
  std::once_flag first;
  const auto work = [&] {
    for (int64_t i = next.fetch_add(1); i < n; i = next.fetch_add(1)) {
      try {
        body(i);
      } catch (...) {
        std::call_once(first, [&] { thrown = std::current_exception(); });
        next = n;
      }
    }
  };
  std::vector<std::thread> helpers;
  for (int t = 1; t < threads && t < n; ++t) {
    try {
      helpers.emplace_back(work);
    } catch (const std::system_error&) {
      break;  // no more threads to be had: those there are do it all
    }
  }
  work();
  for (std::thread& helper : helpers) helper.join();
  if (thrown != nullptr) std::rethrow_exception(thrown);
}

}  // namespace plumbline
