// Known answers of the sealing path (RFC 8439 AEAD, RFC 9180 HPKE, a golden record), run at each
// start beside crypto_self_test(). A node that fails it must not start.
#pragma once

#include "codec/compress.h"

namespace drey {

// kOk or kCorrupt, kBusy (no memory). Below 100 ms. `compressor` is any that nobody uses.
Status codec_self_test(Compressor& compressor);

}  // namespace drey
