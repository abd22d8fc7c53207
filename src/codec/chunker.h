// Content-defined chunking: FastCDC (Xia et al., ATC 2016) with normalised cut points over a gear
// hash whose table is keyed by K_cdc, so that chunk sizes tell an outsider little about contents.
// An object is a 2 KiB table, constant after construction: any thread.
#pragma once

#include "drey/ids.h"
#include "drey/limits.h"

namespace drey {

// Settings of the mesh, signed at its genesis, bounded by limits.h (valid() says whether).
struct ChunkSizes {
  size_t min = limits::kChunkBytesMin;
  size_t average = limits::kChunkBytesAverage;
  size_t max = limits::kChunkBytesMax;
  bool valid() const;
};

class Chunker {
 public:
  // `k_cdc` is Keyring::k_cdc(). `sizes` must be valid.
  explicit Chunker(Bytes k_cdc, ChunkSizes sizes = {});
  ~Chunker();
  // The length of the chunk that starts at data[0], in [min, max]; or 0 when `data` is too short to
  // tell (fewer than max bytes, and !at_end). With at_end the last chunk may be below min; 0 then
  // means that data is empty. The result depends on the bytes of that chunk and of what follows
  // within max only, never on how the data was delivered.
  size_t cut(Bytes data, bool at_end) const;

 private:
  ChunkSizes sizes_;
  size_t normal_;        // from here on a cut is made easier
  uint64_t mask_small_;  // before normal_: two bits more than the average asks for
  uint64_t mask_large_;  // after it: two bits fewer
  std::array<uint64_t, 256> gear_;
};

}  // namespace drey
