#include "crypto/crc32c.h"

#include <array>

#include "crypto/kernels.h"

namespace drey {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b] is the effect of byte b followed by k zero bytes: "slicing by eight" (Kounavis and
// Berry, 2005).
constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][b] = crc;
  }
  for (size_t k = 1; k < 8; ++k)
    for (size_t b = 0; b < 256; ++b)
      tables[k][b] = (tables[k - 1][b] >> 8) ^ tables[0][tables[k - 1][b] & 0xff];
  return tables;
}

constexpr Tables kTables = make_tables();

uint32_t portable(uint32_t seed, const uint8_t* data, size_t size) {
  uint32_t crc = ~seed;
  for (; size >= 8; size -= 8, data += 8) {
    uint32_t low = load_le<uint32_t>(data) ^ crc;
    uint32_t high = load_le<uint32_t>(data + 4);
    crc = kTables[7][low & 0xff] ^ kTables[6][(low >> 8) & 0xff] ^ kTables[5][(low >> 16) & 0xff] ^
          kTables[4][low >> 24] ^ kTables[3][high & 0xff] ^ kTables[2][(high >> 8) & 0xff] ^
          kTables[1][(high >> 16) & 0xff] ^ kTables[0][high >> 24];
  }
  for (; size > 0; --size, ++data) crc = (crc >> 8) ^ kTables[0][(crc ^ *data) & 0xff];
  return ~crc;
}

}  // namespace

uint32_t crc32c(uint32_t seed, Bytes data) {
  auto kernel = crypto_kernels().crc32c;
  return (kernel != nullptr ? kernel : portable)(seed, data.data(), data.size());
}

}  // namespace drey
