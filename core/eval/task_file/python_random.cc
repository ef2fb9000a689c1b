#include "core/eval/task_file/python_random.h"

#include <bit>
#include <cmath>
#include <numeric>
#include <set>

namespace plumbline {

// init_by_array([seed]) of MT19937, as CPython seeds it.
PythonRandom::PythonRandom(uint32_t seed) {
  state_[0] = 19650218u;
  for (size_t i = 1; i < kSize; ++i) {
    state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + static_cast<uint32_t>(i);
  }
  size_t i = 1;
  for (size_t k = 0; k < kSize; ++k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525u)) + seed;
    if (++i == kSize) {
      state_[0] = state_[kSize - 1];
      i = 1;
    }
  }
  for (size_t k = 0; k + 1 < kSize; ++k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941u)) -
                static_cast<uint32_t>(i);
    if (++i == kSize) {
      state_[0] = state_[kSize - 1];
      i = 1;
    }
  }
  state_[0] = 0x80000000u;
}

uint32_t PythonRandom::Next() {
  if (index_ == kSize) {
    for (size_t i = 0; i < kSize; ++i) {
      const uint32_t y = (state_[i] & 0x80000000u) | (state_[(i + 1) % kSize] & 0x7fffffffu);
      state_[i] = state_[(i + 397) % kSize] ^ (y >> 1) ^ ((y & 1u) != 0 ? 0x9908b0dfu : 0u);
    }
    index_ = 0;
  }
  uint32_t y = state_[index_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

uint32_t PythonRandom::Below(uint32_t bound) {
  const int bits = std::bit_width(bound);
  while (true) {
    const uint32_t value = Next() >> (32 - bits);
    if (value < bound) return value;
  }
}

std::vector<size_t> PythonRandom::Sample(size_t population, size_t count) {
  std::vector<size_t> result(count);
  // The size above which CPython keeps a set of what it drew instead of a pool.
  double set_size = 21;
  if (count > 5) {
    set_size += std::pow(4, std::ceil(std::log(static_cast<double>(count) * 3) / std::log(4.0)));
  }
  if (static_cast<double>(population) <= set_size) {
    std::vector<size_t> pool(population);
    std::iota(pool.begin(), pool.end(), size_t{0});
    for (size_t i = 0; i < count; ++i) {
      const uint32_t j = Below(static_cast<uint32_t>(population - i));
      result[i] = pool[j];
      pool[j] = pool[population - i - 1];
    }
    return result;
  }
  std::set<size_t> drawn;
  for (size_t i = 0; i < count; ++i) {
    size_t j = Below(static_cast<uint32_t>(population));
    while (!drawn.insert(j).second) j = Below(static_cast<uint32_t>(population));
    result[i] = j;
  }
  return result;
}

}  // namespace plumbline
