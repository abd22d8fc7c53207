// Known answers of every primitive of this folder (SHA-256, RFC 4231, RFC 5869, RFC 6979, PBKDF2,
// CRC-32C), run at each start after the kernels are installed. A node that fails it must not start:
// its CPU, memory or a kernel computes wrongly, and it would seal data that nobody can open.
#pragma once

#include "drey/status.h"

namespace drey {

// kOk or kCorrupt (some answer was wrong), kBusy (no memory). Below 50 ms.
Status crypto_self_test();

}  // namespace drey
