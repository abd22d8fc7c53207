// Compression of chunks with arenas of fixed size: zstd by static contexts, zlib by its own
// allocator hooks. A Compressor is used by one job at a time (a work lane takes one from the set);
// nothing outlives a call. No code here trusts a length found in compressed data.
#pragma once

#include <atomic>

#include "drey/ids.h"
#include "drey/limits.h"
#include "drey/status.h"

namespace drey {

// The first byte of a sealed P.
enum class CodecId : uint8_t { kRaw = 0, kZlib = 1, kZstd = 2, kSnappy = 3 };  // kSnappy: reserved

// A setting of the mesh. `automatic` = zstd, but what a probe finds incompressible stays raw.
struct Compression {
  bool automatic = true;
  CodecId id = CodecId::kZstd;
  int level = 3;
};

// "auto", "none", "zstd", "zstd:1".."zstd:19", "zlib", "zlib:1".."zlib:9"; anything else: kInvalid.
Status parse_compression(std::string_view text, Compression* to);

class Compressor {
 public:
  // Compresses `plain` with how.id into `to` (no overlap) and gives the size, or kTooLarge when the
  // result would not be smaller than both `plain` and `to` (store it raw). kInvalid for kRaw,
  // kUnsupported for kSnappy. Equal input, parameters and library versions give equal bytes.
  Result<size_t> compress(const Compression& how, Bytes plain, MutBytes to);
  // Decompresses to exactly to_exact.size() bytes: anything else, and every malformed stream, is
  // kCorrupt; never writes beyond. `from` may be followed by other bytes when `used` is given: it
  // then receives how many belonged to the stream; without it all must. kUnsupported for kSnappy.
  Status decompress(CodecId id, Bytes from, MutBytes to_exact, size_t* used = nullptr);
  // Cheap: false when samples of `plain` hardly shrink (media, archives, ciphertext).
  bool looks_compressible(Bytes plain);

 private:
  Result<size_t> compress_zstd(int level, Bytes plain, MutBytes to);
  Result<size_t> compress_zlib(int level, Bytes plain, MutBytes to);
  Status decompress_zstd(Bytes from, MutBytes to, size_t* used);
  Status decompress_zlib(Bytes from, MutBytes to, size_t* used);

  alignas(64) std::array<uint8_t, board::kZstdArenaBytes> zstd_arena_;
  alignas(64) std::array<uint8_t, board::kZlibArenaBytes> zlib_arena_;
};

// `plain` as a gzip file (RFC 1952), with zlib's memory in `arena`: kGzipArenaBytes. kTooLarge: it
// does not fit into `to`. Any thread.
inline constexpr size_t kGzipArenaBytes = 272 * 1024;
Result<size_t> gzip(Bytes plain, MutBytes arena, MutBytes to);

// One compressor per work thread. take/give from any thread.
class CompressorSet {
 public:
  // Null when all are taken: cannot happen while only work lanes take, one each.
  Compressor* take();
  void give(Compressor* compressor);

 private:
  std::array<Compressor, limits::kWorkThreads> all_;
  std::array<std::atomic<bool>, limits::kWorkThreads> taken_{};
};

// Takes a compressor for a scope.
class CompressorLease {
 public:
  explicit CompressorLease(CompressorSet& set) : set_(set), compressor_(set.take()) {}
  ~CompressorLease() {
    if (compressor_ != nullptr) set_.give(compressor_);
  }
  CompressorLease(const CompressorLease&) = delete;
  CompressorLease& operator=(const CompressorLease&) = delete;
  Compressor* get() const { return compressor_; }

 private:
  CompressorSet& set_;
  Compressor* compressor_;
};

}  // namespace drey
