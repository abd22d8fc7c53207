// An HPKE envelope to a known key: it opens only as it was sealed. First byte: bit 0 = seal the
// rest here and change one byte of it, bit 1 = put a valid point in front. Multiplications on P-256
// cost a millisecond, hence fewer runs.
#include <algorithm>
#include <memory>
#include <vector>

#include "codec/hpke.h"
#include "drey/check.h"

namespace {

using namespace drey;

class CountingRandom final : public Random {
 public:
  Status fill(MutBytes to) override {
    for (uint8_t& byte : to) byte = next_++;
    return Status::kOk;
  }

 private:
  uint8_t next_ = 1;
};

constexpr std::string_view kInfo = "info", kAad = "aad";

void try_changed(const KeyPair& pair, Bytes plain, uint8_t where) {
  static CountingRandom random;
  std::vector<uint8_t> sealed(plain.size() + kHpkeOverheadBytes), out(plain.size());
  DREY_CHECK(ok(hpke_seal(random, pair.pub, as_bytes(kInfo), as_bytes(kAad), plain, sealed)));
  DREY_CHECK(ok(hpke_open(pair, as_bytes(kInfo), as_bytes(kAad), sealed, out)));
  DREY_CHECK(equal(out, plain));
  sealed[where % sealed.size()] ^= static_cast<uint8_t>(1 << where % 8);
  DREY_CHECK(!ok(hpke_open(pair, as_bytes(kInfo), as_bytes(kAad), sealed, out)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::unique_ptr<KeyPair> pair;
  if (pair == nullptr) {
    pair = std::make_unique<KeyPair>();
    std::array<uint8_t, 32> seed{1, 2, 3};
    DREY_CHECK(ok(derive_key_pair(seed, pair.get())));
  }
  if (size < 2 || size > 4096) return 0;
  Bytes input(data + 2, size - 2);
  if ((data[0] & 1) != 0) {
    try_changed(*pair, input, data[1]);
    return 0;
  }
  std::vector<uint8_t> sealed(input.begin(), input.end());
  if ((data[0] & 2) != 0 && sealed.size() >= pair->pub.size())
    std::copy(pair->pub.begin(), pair->pub.end(), sealed.begin());
  std::vector<uint8_t> out(sealed.size() < kHpkeOverheadBytes ? 0
                                                              : sealed.size() - kHpkeOverheadBytes);
  Status status = hpke_open(*pair, as_bytes(kInfo), as_bytes(kAad), sealed, out);
  DREY_CHECK(status == Status::kInvalid || status == Status::kCorrupt);
  DREY_CHECK(std::all_of(out.begin(), out.end(), [](uint8_t byte) { return byte == 0; }));
  DREY_CHECK(hpke_open(*pair, {}, {}, input, MutBytes(out).first(out.size() / 2)) != Status::kOk);
  return 0;
}

extern "C" uint64_t drey_fuzz_runs_max() { return 1500; }
