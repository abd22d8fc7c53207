// SHA-256 by the CPU's own instructions, where it has them: hashing is half of what a simulated
// node costs. The results are the same bytes. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace drey {

using SimSha256Blocks = void (*)(uint32_t state[8], const uint8_t* data, size_t blocks);

// Null: this CPU has no such instructions.
SimSha256Blocks sim_sha256_blocks();

}  // namespace drey
