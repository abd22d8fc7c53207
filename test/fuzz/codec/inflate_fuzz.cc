// Compressed streams: exactly the declared bytes or nothing, never one beyond. Input: codec id, u16
// declared size, stream.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "codec/compress.h"
#include "drey/check.h"

namespace {

using namespace drey;

constexpr size_t kGuardBytes = 64;
constexpr uint8_t kGuard = 0xa5;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::unique_ptr<Compressor> compressor = std::make_unique<Compressor>();
  static std::array<uint8_t, limits::kChunkBytesMax + kGuardBytes> room, again;
  if (size < 3) return 0;
  auto codec = static_cast<CodecId>(data[0]);
  size_t declared = std::min<size_t>(load_le<uint16_t>(data + 1), limits::kChunkBytesMax);
  Bytes stream(data + 3, size - 3);
  std::fill_n(room.begin() + static_cast<std::ptrdiff_t>(declared), kGuardBytes, kGuard);
  size_t used = 0;
  Status status = compressor->decompress(codec, stream, MutBytes(room).first(declared), &used);
  DREY_CHECK(std::all_of(room.begin() + static_cast<std::ptrdiff_t>(declared),
                         room.begin() + static_cast<std::ptrdiff_t>(declared + kGuardBytes),
                         [](uint8_t byte) { return byte == kGuard; }));
  if (!ok(status)) {
    DREY_CHECK(status == Status::kCorrupt || status == Status::kUnsupported);
    return 0;
  }
  DREY_CHECK(data[0] <= 2 && used <= stream.size());
  // The stream alone gives the same; with a byte behind it, or for another length, nothing.
  MutBytes other = MutBytes(again).first(declared);
  DREY_CHECK(ok(compressor->decompress(codec, stream.first(used), other)));
  DREY_CHECK(equal(other, Bytes(room).first(declared)));
  if (used < stream.size())
    DREY_CHECK(compressor->decompress(codec, stream.first(used + 1), other) == Status::kCorrupt);
  if (declared > 0)
    DREY_CHECK(compressor->decompress(codec, stream.first(used), other.first(declared - 1)) ==
               Status::kCorrupt);
  return 0;
}
