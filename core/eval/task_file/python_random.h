// CPython's random.Random for an integer seed, as far as few-shot sampling needs it: the same
// examples as lm-eval, in the same order.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_PYTHON_RANDOM_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_PYTHON_RANDOM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace plumbline {

// Thread-compatible.
class PythonRandom {
 public:
  // random.Random(seed), 0 <= seed < 2^32.
  explicit PythonRandom(uint32_t seed);

  // getrandbits(32).
  uint32_t Next();
  // Random._randbelow(bound), 0 < bound < 2^32.
  uint32_t Below(uint32_t bound);
  // random.sample(range(population), count), count <= population: indices.
  std::vector<size_t> Sample(size_t population, size_t count);

 private:
  static constexpr size_t kSize = 624;
  std::array<uint32_t, kSize> state_;  // the Mersenne Twister's
  size_t index_ = kSize;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_PYTHON_RANDOM_H_
