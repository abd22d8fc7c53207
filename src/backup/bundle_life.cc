#include "backup/bundle_life.h"

namespace drey {
namespace {

uint64_t tag_of(const ChunkId& c) { return load_le<uint64_t>(c.raw.data()) | 1; }

}  // namespace

bool SparseBundles::contains(const ChunkId& c) const {
  return std::find(tags_.begin(), tags_.begin() + static_cast<std::ptrdiff_t>(count_), tag_of(c)) !=
         tags_.begin() + static_cast<std::ptrdiff_t>(count_);
}

void BundleLife::note(const Row& row) {
  ByteReader reader(row.extents);
  for (size_t i = 0; i < row.extent_count; ++i) {
    Extent extent = decode_extent(reader);
    if (extent.hole || extent.length == extent.chunk_bytes) continue;  // a chunk of its own
    uint64_t tag = tag_of(extent.c);
    Count& count = counts_[static_cast<size_t>((tag >> 1) % counts_.size())];
    if (count.tag == 0) {
      count.tag = tag;
      count.bytes = extent.chunk_bytes;
    }
    if (count.tag != tag) count.bytes = 0;
    count.alive_bytes += static_cast<uint32_t>(extent.length);
  }
}

void BundleLife::find_sparse(SparseBundles* to) const {
  to->clear();
  for (const Count& count : counts_) {
    if (count.tag == 0 || count.bytes == 0) continue;
    if (uint64_t{count.alive_bytes} * 100 < uint64_t{count.bytes} * kAlivePercentMin)
      to->add(count.tag);
  }
}

}  // namespace drey
