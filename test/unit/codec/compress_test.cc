#include "codec/compress.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <thread>

#include "unit/codec/support.h"

namespace drey {
namespace {

using test::random_bytes;
using test::text_bytes;

Compressor compressor;

std::vector<uint8_t> pack(const Compression& how, Bytes plain) {
  std::vector<uint8_t> to(plain.size());
  Result<size_t> size = compressor.compress(how, plain, to);
  EXPECT_TRUE(size.ok()) << status_name(size.status()) << " level " << how.level;
  to.resize(size.ok() ? size.value() : 0);
  return to;
}

// Decompresses into the middle of a guarded buffer and checks that nothing beyond it was touched.
Status unpack(CodecId id, Bytes from, size_t length, std::vector<uint8_t>* plain = nullptr,
              size_t* used = nullptr) {
  std::vector<uint8_t> guarded(length + 128, 0xa5);
  Status status = compressor.decompress(id, from, MutBytes(guarded).subspan(64, length), used);
  for (size_t i = 0; i < 64; ++i) {
    EXPECT_EQ(guarded[i], 0xa5);
    EXPECT_EQ(guarded[64 + length + i], 0xa5);
  }
  if (plain != nullptr) plain->assign(guarded.begin() + 64, guarded.end() - 64);
  return status;
}

TEST(ParseCompression, KnownFormsAreAcceptedAndOthersRefused) {
  Compression how;
  ASSERT_EQ(parse_compression("auto", &how), Status::kOk);
  EXPECT_TRUE(how.automatic);
  ASSERT_EQ(parse_compression("none", &how), Status::kOk);
  EXPECT_EQ(how.id, CodecId::kRaw);
  ASSERT_EQ(parse_compression("zstd", &how), Status::kOk);
  EXPECT_EQ(how.level, 3);
  ASSERT_EQ(parse_compression("zstd:19", &how), Status::kOk);
  EXPECT_EQ(how.level, 19);
  EXPECT_FALSE(how.automatic);
  ASSERT_EQ(parse_compression("zlib:9", &how), Status::kOk);
  EXPECT_EQ(how.id, CodecId::kZlib);
  for (const char* bad : {"", "zst", "zstd:", "zstd:0", "zstd:20", "zstd:03", "zstd:-1", "zstd:100",
                          "zlib:10", "zlib:x", "ZSTD", "auto ", "none:1", "snappy", "zstdx"})
    EXPECT_EQ(parse_compression(bad, &how), Status::kInvalid) << bad;
}

TEST(Compress, EveryLevelAndSizeComesBackWithinTheArena) {
  for (size_t size : {size_t{300}, size_t{1000}, size_t{20000}, limits::kChunkBytesMax}) {
    auto plain = text_bytes(size, size);
    for (int level = 1; level <= 19; ++level)
      for (CodecId id : {CodecId::kZstd, CodecId::kZlib}) {
        if (id == CodecId::kZlib && level > 9) continue;
        auto packed = pack({false, id, level}, plain);
        ASSERT_LT(packed.size(), plain.size());
        std::vector<uint8_t> back;
        ASSERT_EQ(unpack(id, packed, plain.size(), &back), Status::kOk);
        ASSERT_TRUE(back == plain);
      }
  }
}

TEST(Compress, WhatDoesNotShrinkIsTooLarge) {
  for (CodecId id : {CodecId::kZstd, CodecId::kZlib})
    for (size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{30000}}) {
      auto plain = random_bytes(size, size);
      std::vector<uint8_t> to(size + 100);
      EXPECT_EQ(compressor.compress({false, id, 3}, plain, to).status(), Status::kTooLarge);
    }
}

TEST(Compress, SmallRoomIsTooLargeAndNeverOverrun) {
  auto plain = text_bytes(10000, 1);
  for (CodecId id : {CodecId::kZstd, CodecId::kZlib}) {
    size_t exact = pack({false, id, 3}, plain).size();
    for (size_t room : {size_t{0}, size_t{1}, size_t{20}, exact - 1}) {
      std::vector<uint8_t> to(room + 64, 0xa5);
      EXPECT_EQ(compressor.compress({false, id, 3}, plain, MutBytes(to).first(room)).status(),
                Status::kTooLarge);
      for (size_t i = room; i < to.size(); ++i) ASSERT_EQ(to[i], 0xa5);
    }
  }
}

TEST(Compress, RawAndReservedCodecsAreNotCompressors) {
  std::vector<uint8_t> to(100);
  EXPECT_EQ(compressor.compress({false, CodecId::kRaw, 0}, as_bytes("aaaa"), to).status(),
            Status::kInvalid);
  EXPECT_EQ(compressor.compress({false, CodecId::kSnappy, 0}, as_bytes("aaaa"), to).status(),
            Status::kUnsupported);
  EXPECT_EQ(unpack(CodecId::kSnappy, as_bytes("aaaa"), 4), Status::kUnsupported);
  EXPECT_EQ(unpack(static_cast<CodecId>(9), as_bytes("aaaa"), 4), Status::kCorrupt);
}

TEST(Decompress, DeclaredLengthMustBeExact) {
  auto plain = text_bytes(5000, 2);
  for (CodecId id : {CodecId::kZstd, CodecId::kZlib}) {
    auto packed = pack({false, id, 3}, plain);
    for (size_t length : {size_t{0}, size_t{1}, size_t{4999}, size_t{5001}, size_t{100000}})
      EXPECT_EQ(unpack(id, packed, length), Status::kCorrupt) << length;
  }
  EXPECT_EQ(unpack(CodecId::kRaw, plain, 5000), Status::kOk);
  EXPECT_EQ(unpack(CodecId::kRaw, plain, 4999), Status::kCorrupt);
  EXPECT_EQ(unpack(CodecId::kRaw, plain, 5001), Status::kCorrupt);
}

TEST(Decompress, EndOfStreamIsReportedWhenBytesFollow) {
  auto plain = text_bytes(5000, 3);
  for (CodecId id : {CodecId::kZstd, CodecId::kZlib}) {
    auto packed = pack({false, id, 3}, plain);
    size_t exact = packed.size();
    packed.resize(exact + 100);
    size_t used = 0;
    EXPECT_EQ(unpack(id, packed, plain.size(), nullptr, &used), Status::kOk);
    EXPECT_EQ(used, exact);
    EXPECT_EQ(unpack(id, packed, plain.size()), Status::kCorrupt);
  }
}

TEST(Decompress, EveryTruncatedStreamIsCorrupt) {
  auto plain = text_bytes(700, 4);
  for (CodecId id : {CodecId::kZstd, CodecId::kZlib}) {
    auto packed = pack({false, id, 3}, plain);
    for (size_t size = 0; size < packed.size(); ++size)
      ASSERT_EQ(unpack(id, Bytes(packed).first(size), plain.size()), Status::kCorrupt);
  }
}

TEST(Decompress, DamagedStreamsNeverWriteBeyondTheirRoom) {
  auto plain = text_bytes(3000, 5);
  test::Generator generator(6);
  for (CodecId id : {CodecId::kZstd, CodecId::kZlib}) {
    auto packed = pack({false, id, 3}, plain);
    for (int i = 0; i < 3000; ++i) {
      auto wrong = packed;
      for (size_t flips = 1 + generator.below(4); flips > 0; --flips)
        wrong[generator.below(wrong.size())] = static_cast<uint8_t>(generator.next());
      (void)unpack(id, wrong, plain.size());  // the guards in unpack() are the proof
    }
  }
}

// I12: one hundred bombs. Each inflates to far more than is declared.
TEST(Decompress, HundredBombsAreCorruptAndStayWithinTheirRoom) {
  int bombs = 0;
  for (int form = 0; form < 50; ++form) {
    std::vector<uint8_t> zeros(1u << (14 + form % 10), static_cast<uint8_t>(form));
    size_t declared = static_cast<size_t>(form) * 37;
    std::vector<uint8_t> zlib_bomb(compressBound(zeros.size()));
    uLongf zlib_size = zlib_bomb.size();
    ASSERT_EQ(compress2(zlib_bomb.data(), &zlib_size, zeros.data(), zeros.size(), 1 + form % 9),
              Z_OK);
    EXPECT_EQ(unpack(CodecId::kZlib, Bytes(zlib_bomb).first(zlib_size), declared),
              Status::kCorrupt);
    ++bombs;
    std::vector<uint8_t> zstd_bomb(ZSTD_compressBound(zeros.size()));
    size_t zstd_size = ZSTD_compress(zstd_bomb.data(), zstd_bomb.size(), zeros.data(), zeros.size(),
                                     1 + form % 19);
    ASSERT_FALSE(ZSTD_isError(zstd_size));
    EXPECT_EQ(unpack(CodecId::kZstd, Bytes(zstd_bomb).first(zstd_size), declared),
              Status::kCorrupt);
    ++bombs;
  }
  EXPECT_EQ(bombs, 100);
}

TEST(Decompress, ForeignZstdFormsAreCorrupt) {
  // A window of 2 GiB declared by the frame header: a streaming reader would allocate it.
  const std::vector<uint8_t> wide_window = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00};
  EXPECT_EQ(unpack(CodecId::kZstd, wide_window, 10), Status::kCorrupt);
  const std::vector<uint8_t> skippable = {0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
  EXPECT_EQ(unpack(CodecId::kZstd, skippable, 0), Status::kCorrupt);
  for (uint8_t version = 0x1e; version <= 0x27; ++version) {  // the magics of zstd 0.1 to 0.7
    std::vector<uint8_t> legacy(200, 0);
    legacy[0] = version;
    legacy[1] = 0xb5;
    legacy[2] = 0x2f;
    legacy[3] = 0xfd;
    EXPECT_EQ(unpack(CodecId::kZstd, legacy, 10), Status::kCorrupt);
  }
  auto plain = text_bytes(2000, 7);
  auto twice = pack({false, CodecId::kZstd, 3}, plain);
  auto one = twice;
  twice.insert(twice.end(), one.begin(), one.end());
  EXPECT_EQ(unpack(CodecId::kZstd, twice, 4000), Status::kCorrupt);
}

TEST(Decompress, ZlibStreamsWithADictionaryAreCorrupt) {
  auto plain = text_bytes(2000, 8);
  z_stream stream{};
  ASSERT_EQ(deflateInit(&stream, 6), Z_OK);
  ASSERT_EQ(deflateSetDictionary(&stream, plain.data(), 500), Z_OK);
  std::vector<uint8_t> packed(4000);
  stream.next_in = plain.data();
  stream.avail_in = 2000;
  stream.next_out = packed.data();
  stream.avail_out = 4000;
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(4000 - stream.avail_out);
  deflateEnd(&stream);
  EXPECT_EQ(unpack(CodecId::kZlib, packed, 2000), Status::kCorrupt);
}

TEST(Decompress, EmptyOutputIsPossible) {
  std::vector<uint8_t> packed(100);
  uLongf size = packed.size();
  ASSERT_EQ(compress2(packed.data(), &size, nullptr, 0, 6), Z_OK);
  EXPECT_EQ(unpack(CodecId::kZlib, Bytes(packed).first(size), 0), Status::kOk);
  size_t zstd_size = ZSTD_compress(packed.data(), packed.size(), nullptr, 0, 3);
  EXPECT_EQ(unpack(CodecId::kZstd, Bytes(packed).first(zstd_size), 0), Status::kOk);
  EXPECT_EQ(unpack(CodecId::kRaw, {}, 0), Status::kOk);
  EXPECT_EQ(unpack(CodecId::kZstd, {}, 0), Status::kCorrupt);
  EXPECT_EQ(unpack(CodecId::kZlib, {}, 0), Status::kCorrupt);
}

TEST(Probe, TextIsCompressibleAndNoiseIsNot) {
  for (size_t size : {size_t{16384}, size_t{30000}, limits::kChunkBytesMax}) {
    EXPECT_TRUE(compressor.looks_compressible(text_bytes(size, size)));
    EXPECT_FALSE(compressor.looks_compressible(random_bytes(size, size)));
  }
  auto mixed = random_bytes(30000, 9);
  auto text = text_bytes(10000, 9);
  std::copy(text.begin(), text.end(), mixed.begin() + 10000);
  EXPECT_TRUE(compressor.looks_compressible(mixed));
}

TEST(CompressorSet, GivesOneCompressorPerThreadAndThenNone) {
  static CompressorSet set;
  std::array<Compressor*, limits::kWorkThreads> taken{};
  for (auto& compressor_taken : taken) {
    compressor_taken = set.take();
    ASSERT_NE(compressor_taken, nullptr);
  }
  EXPECT_EQ(set.take(), nullptr);
  set.give(taken[0]);
  {
    CompressorLease lease(set);
    EXPECT_EQ(lease.get(), taken[0]);
    EXPECT_EQ(CompressorLease(set).get(), nullptr);
  }
  for (size_t i = 1; i < taken.size(); ++i) set.give(taken[i]);
}

TEST(CompressorSet, ThreadsNeverShareOne) {
  static CompressorSet set;
  std::atomic<int> wrong{0};
  auto plain = text_bytes(2000, 10);
  auto work = [&] {
    for (int i = 0; i < 300; ++i) {
      CompressorLease lease(set);
      if (lease.get() == nullptr) continue;
      std::array<uint8_t, 2000> packed, back;
      Result<size_t> size = lease.get()->compress({false, CodecId::kZstd, 1}, plain, packed);
      if (!size.ok() ||
          !ok(lease.get()->decompress(CodecId::kZstd, Bytes(packed).first(size.value()), back)) ||
          !equal(back, plain))
        ++wrong;
    }
  };
  std::thread a(work), b(work), c(work);
  a.join();
  b.join();
  c.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace drey
