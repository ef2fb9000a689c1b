// Philox4x32-10 (Salmon et al., SC'11): random numbers as a pure function of a key and a counter,
// so that a draw needs no state and cannot depend on what else was drawn.
#ifndef PLUMBLINE_CORE_ENGINE_PHILOX_H_
#define PLUMBLINE_CORE_ENGINE_PHILOX_H_

#include <array>
#include <cstdint>

namespace plumbline {

inline std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter,
                                      std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_PHILOX_H_
