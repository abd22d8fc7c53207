// Shared by the codec tests: deterministic bytes, a Random port, the keyring of FORMAT.md's
// vectors.
#pragma once

#include <vector>

#include "codec/keyring.h"
#include "drey/ports.h"

namespace drey::test {

class Generator {
 public:
  explicit Generator(uint64_t seed) : state_(seed) {}
  uint64_t next() {  // splitmix64
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  size_t below(size_t bound) { return static_cast<size_t>(next() % bound); }
  void fill(MutBytes to) {
    for (uint8_t& byte : to) byte = static_cast<uint8_t>(next());
  }

 private:
  uint64_t state_;
};

// First the bytes of `script`, then pseudo-random ones.
class ScriptedRandom : public Random {
 public:
  explicit ScriptedRandom(uint64_t seed, std::vector<uint8_t> script = {})
      : generator_(seed), script_(std::move(script)) {}
  Status fill(MutBytes to) override {
    if (fails) return Status::kIo;
    generator_.fill(to);
    for (size_t i = 0; i < to.size() && at_ < script_.size(); ++i) to[i] = script_[at_++];
    return Status::kOk;
  }
  bool fails = false;

 private:
  Generator generator_;
  std::vector<uint8_t> script_;
  size_t at_ = 0;
};

inline std::vector<uint8_t> random_bytes(size_t size, uint64_t seed) {
  std::vector<uint8_t> data(size);
  Generator(seed).fill(data);
  return data;
}

// Compresses to roughly a third.
inline std::vector<uint8_t> text_bytes(size_t size, uint64_t seed) {
  static constexpr const char* kWords[] = {"squirrel", "nut",  "winter", "drey", "hides ",
                                           "every",    "leaf", "branch", "oak",  "\n"};
  Generator generator(seed);
  std::vector<uint8_t> data;
  while (data.size() < size) {
    for (const char* c = kWords[generator.below(10)]; *c != 0; ++c)
      data.push_back(static_cast<uint8_t>(*c));
    data.push_back(' ');
  }
  data.resize(size);
  return data;
}

inline Keyring golden_keyring() {
  MeshId mesh;
  Secret<32> secret;
  Epoch epoch;
  epoch.id = 0x0102030405060708;
  for (uint8_t i = 0; i < 32; ++i) {
    mesh.raw[i] = i;
    secret.raw[i] = static_cast<uint8_t>(0x40 + i);
    epoch.seed.raw[i] = static_cast<uint8_t>(0x80 + i);
  }
  Keyring keyring;
  keyring.reset(mesh, secret);
  (void)keyring.add_epoch(epoch);
  return keyring;
}

}  // namespace drey::test
