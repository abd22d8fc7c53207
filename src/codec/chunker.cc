#include "codec/chunker.h"

#include <algorithm>
#include <bit>

#include "crypto/hash.h"
#include "drey/check.h"

namespace drey {
namespace {

constexpr size_t kWindowBytes = 64;  // a byte leaves a 64-bit gear hash after 64 shifts

// The upper bits of a gear hash depend on the whole window, the lower ones on few bytes.
constexpr uint64_t upper_bits(int count) { return ~uint64_t{0} << (64 - count); }

}  // namespace

bool ChunkSizes::valid() const {
  return min >= kWindowBytes && min < average && average < max && max <= limits::kChunkBytesMax;
}

Chunker::Chunker(Bytes k_cdc, ChunkSizes sizes) : sizes_(sizes) {
  DREY_CHECK(sizes.valid());
  std::array<uint8_t, 256 * 8> table;
  hkdf_expand(k_cdc, as_bytes("drey gear"), table);
  for (size_t i = 0; i < gear_.size(); ++i) gear_[i] = load_le<uint64_t>(table.data() + 8 * i);
  wipe(table);
  // Between min and normal a cut is 4 times rarer, after it 4 times likelier, than 1 in `average`
  // (rounded down to a power of two); 7/8 puts the mean of random data close to the average.
  int bits = static_cast<int>(std::bit_width(sizes.average)) - 1;
  normal_ = std::max(sizes.min, sizes.average - sizes.average / 8);
  mask_small_ = upper_bits(bits + 2);
  mask_large_ = upper_bits(bits - 2);
}

Chunker::~Chunker() { wipe({reinterpret_cast<uint8_t*>(gear_.data()), sizeof(gear_)}); }

size_t Chunker::cut(Bytes data, bool at_end) const {
  size_t end = std::min(data.size(), sizes_.max);
  if (end <= sizes_.min) return at_end ? end : 0;
  uint64_t hash = 0;
  size_t i = sizes_.min - kWindowBytes;  // so that the window is full at the first possible cut
  for (; i < sizes_.min; ++i) hash = (hash << 1) + gear_[data[i]];
  size_t normal = std::min(normal_, end);
  // A cut lies before byte i: the window that decides ends at byte i - 1.
  for (; i < normal; ++i) {
    if ((hash & mask_small_) == 0) return i;
    hash = (hash << 1) + gear_[data[i]];
  }
  for (; i < end; ++i) {
    if ((hash & mask_large_) == 0) return i;
    hash = (hash << 1) + gear_[data[i]];
  }
  return end == sizes_.max || at_end ? end : 0;
}

}  // namespace drey
