// The seam for CPU-specific kernels. Main fills the table from platform once, before the first lane
// starts and before crypto_self_test(), which then proves the kernels; nothing changes it later, so
// it is read without a lock. An empty entry means mbedTLS (SHA-256) or the portable table
// (CRC-32C). Kernels are pure functions: they never change a result, only its cost.
#pragma once

#include <cstddef>
#include <cstdint>

namespace drey {

struct CryptoKernels {
  // Runs the SHA-256 compression function over `blocks` blocks of 64 bytes.
  void (*sha256_blocks)(uint32_t state[8], const uint8_t* data, size_t blocks) = nullptr;
  // Same contract as crc32c(): seed and result are final (inverted) values.
  uint32_t (*crc32c)(uint32_t seed, const uint8_t* data, size_t size) = nullptr;
};

void install_crypto_kernels(const CryptoKernels& kernels);
const CryptoKernels& crypto_kernels();

}  // namespace drey
