// The random numbers of the statistics: SplitMix64 (Steele, Lea, Flood 2014), a counter pushed
// through a mixing function. Specified to the bit here, so that a bootstrap gives the same limits
// on every machine, compiler and standard library; <random>'s distributions do not promise that.
//
//   state_0 = seed + mix(stream);  state_{i+1} = state_i + 0x9E3779B97F4A7C15;  output_i =
//   mix(state_{i+1})
#ifndef PLUMBLINE_CORE_EVAL_STATS_RANDOM_H_
#define PLUMBLINE_CORE_EVAL_STATS_RANDOM_H_

#include <cstdint>

namespace plumbline {

// Thread-compatible. Not for secrets.
class CounterRandom {
 public:
  // Different streams of one seed are independent for every practical purpose.
  explicit CounterRandom(uint64_t seed, uint64_t stream = 0) : state_(seed + Mix(stream)) {}

  uint64_t Next() { return Mix(state_ += 0x9E3779B97F4A7C15ULL); }
  // In [0, bound), bound >= 1; bias below bound / 2^32.
  uint32_t Below(uint32_t bound) { return Scale(static_cast<uint32_t>(Next() >> 32), bound); }
  // In [0, 1), 53 bits.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  // Maps 32 random bits to [0, bound) by multiplication.
  static uint32_t Scale(uint32_t bits, uint32_t bound) {
    return static_cast<uint32_t>((static_cast<uint64_t>(bits) * bound) >> 32);
  }

 private:
  static uint64_t Mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_STATS_RANDOM_H_
