// The simulator's only source of chance: xoshiro256** (Blackman, Vigna) seeded by splitmix64.
#pragma once

#include "drey/bytes.h"

namespace drey {

class SimRng {
 public:
  explicit SimRng(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15ull;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
      word = z ^ (z >> 31);
    }
  }
  uint64_t next() {
    auto turn = [](uint64_t x, int by) { return (x << by) | (x >> (64 - by)); };
    uint64_t result = turn(state_[1] * 5, 7) * 9;
    uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = turn(state_[3], 45);
    return result;
  }
  // In [0, bound); the bias of the remainder does not matter here. 0 for 0.
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  uint64_t between(uint64_t low, uint64_t high) { return low + below(high - low + 1); }
  // True in `numerator` of 1,000,000 cases.
  bool chance_ppm(uint32_t numerator) { return below(1000000) < numerator; }

 private:
  uint64_t state_[4];
};

}  // namespace drey
