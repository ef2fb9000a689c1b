// What the benchmarks that run by themselves share: a clock, and errors that end them.
#ifndef PLUMBLINE_TESTS_BENCH_BENCH_SUPPORT_H_
#define PLUMBLINE_TESTS_BENCH_BENCH_SUPPORT_H_

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/status/statusor.h"

namespace plumbline {

// Since some fixed moment.
inline double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
  std::exit(1);
}

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_BENCH_BENCH_SUPPORT_H_
