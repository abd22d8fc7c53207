// CRC-32C (Castagnoli, reflected 0x82F63B78; RFC 3720): catches torn and rotten bytes, proves
// nothing against an attacker. Any thread.
#pragma once

#include "drey/bytes.h"

namespace drey {

// crc32c(0, data) is the usual value; crc32c(crc32c(0, a), b) equals that of a ‖ b.
uint32_t crc32c(uint32_t seed, Bytes data);

}  // namespace drey
