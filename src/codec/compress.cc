#include "codec/compress.h"

#include <algorithm>

#include "drey/check.h"

namespace drey {
namespace {

constexpr int kZstdLevelMax = 19;
constexpr int kZlibLevelMax = 9;

// "name" or "name:level"; 0 = not this name, or a level out of range.
int parse_level(std::string_view text, std::string_view name, int level, int level_max) {
  if (!text.starts_with(name)) return 0;
  text.remove_prefix(name.size());
  if (text.empty()) return level;
  if (text[0] != ':' || text.size() < 2 || text.size() > 3 || text[1] == '0') return 0;
  int value = 0;
  for (char c : text.substr(1)) {
    if (c < '0' || c > '9') return 0;
    value = value * 10 + (c - '0');
  }
  return value <= level_max ? value : 0;
}

}  // namespace

Status parse_compression(std::string_view text, Compression* to) {
  if (text == "auto") {
    *to = Compression{};
    return Status::kOk;
  }
  if (text == "none") {
    *to = {false, CodecId::kRaw, 0};
    return Status::kOk;
  }
  if (int level = parse_level(text, "zstd", 3, kZstdLevelMax); level != 0) {
    *to = {false, CodecId::kZstd, level};
    return Status::kOk;
  }
  if (int level = parse_level(text, "zlib", 6, kZlibLevelMax); level != 0) {
    *to = {false, CodecId::kZlib, level};
    return Status::kOk;
  }
  return Status::kInvalid;
}

Result<size_t> Compressor::compress(const Compression& how, Bytes plain, MutBytes to) {
  if (plain.empty()) return Status::kTooLarge;
  to = to.first(std::min(to.size(), plain.size() - 1));
  switch (how.id) {
    case CodecId::kZstd:
      return compress_zstd(how.level, plain, to);
    case CodecId::kZlib:
      return compress_zlib(how.level, plain, to);
    case CodecId::kSnappy:
      return Status::kUnsupported;
    case CodecId::kRaw:
      break;
  }
  return Status::kInvalid;
}

Status Compressor::decompress(CodecId id, Bytes from, MutBytes to_exact, size_t* used) {
  size_t used_bytes = 0;
  switch (id) {
    case CodecId::kRaw:
      if (from.size() < to_exact.size()) return Status::kCorrupt;
      used_bytes = to_exact.size();
      if (used_bytes != 0) std::memcpy(to_exact.data(), from.data(), used_bytes);
      break;
    case CodecId::kZstd:
      DREY_TRY(decompress_zstd(from, to_exact, &used_bytes));
      break;
    case CodecId::kZlib:
      DREY_TRY(decompress_zlib(from, to_exact, &used_bytes));
      break;
    case CodecId::kSnappy:
      return Status::kUnsupported;
    default:
      return Status::kCorrupt;
  }
  if (used != nullptr) {
    *used = used_bytes;
    return Status::kOk;
  }
  return used_bytes == from.size() ? Status::kOk : Status::kCorrupt;
}

bool Compressor::looks_compressible(Bytes plain) {
  constexpr size_t kPieces = 16;
  constexpr size_t kPieceBytes = 1024;
  constexpr size_t kSampleBytes = kPieces * kPieceBytes;
  static_assert(2 * kSampleBytes <= board::kZlibArenaBytes);
  if (plain.size() < kSampleBytes) return true;
  // zlib is idle meanwhile, so its arena serves as scratch.
  MutBytes sample = MutBytes(zlib_arena_).first(kSampleBytes);
  MutBytes packed = MutBytes(zlib_arena_).subspan(kSampleBytes, kSampleBytes);
  size_t stride = (plain.size() - kPieceBytes) / (kPieces - 1);
  for (size_t i = 0; i < kPieces; ++i)
    std::memcpy(sample.data() + i * kPieceBytes, plain.data() + i * stride, kPieceBytes);
  // Less than 1/32 won on the sample: not worth the time now nor at each restore.
  return compress_zstd(1, sample, packed.first(kSampleBytes - kSampleBytes / 32)).ok();
}

Compressor* CompressorSet::take() {
  for (size_t i = 0; i < all_.size(); ++i)
    if (!taken_[i].exchange(true, std::memory_order_acquire)) return &all_[i];
  return nullptr;
}

void CompressorSet::give(Compressor* compressor) {
  DREY_CHECK(compressor >= all_.data());
  size_t index = static_cast<size_t>(compressor - all_.data());
  DREY_CHECK(index < all_.size());
  DREY_CHECK(taken_[index].exchange(false, std::memory_order_release));
}

}  // namespace drey
