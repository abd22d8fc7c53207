#include "codec/seal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "codec/aead.h"
#include "codec/self_test.h"
#include "crypto/hash.h"
#include "crypto/hex.h"
#include "unit/codec/support.h"

namespace drey {
namespace {

using test::golden_keyring;
using test::random_bytes;
using test::text_bytes;

Compressor compressor;
std::array<uint8_t, limits::kRecordBytesMax> record_room;
std::array<uint8_t, limits::kChunkBytesMax> plain_room;

constexpr Compression kNone{false, CodecId::kRaw, 0};
constexpr Compression kZstd{false, CodecId::kZstd, 3};
constexpr Compression kZlib{false, CodecId::kZlib, 6};

struct Sealed {
  ContentId content;
  ChunkId chunk;
  std::vector<uint8_t> record;
};

Sealed seal_one(const Keyring& keyring, const Compression& how, ChunkType type, Bytes plain) {
  Sealed sealed;
  sealed.content = content_id(keyring, type, plain);
  size_t size = 0;
  EXPECT_EQ(seal(keyring, compressor, how, type, sealed.content, plain, record_room, &size,
                 &sealed.chunk),
            Status::kOk);
  sealed.record.assign(record_room.begin(), record_room.begin() + static_cast<ptrdiff_t>(size));
  return sealed;
}

Status open_one(const Keyring& keyring, ChunkType type, const ContentId& content,
                std::vector<uint8_t> record, std::vector<uint8_t>* plain = nullptr) {
  plain_room.fill(0xee);
  size_t size = 77;
  Status status = open(keyring, compressor, type, content, record, plain_room, &size);
  if (!ok(status)) {
    EXPECT_EQ(size, 0u);
    EXPECT_TRUE(
        std::all_of(plain_room.begin(), plain_room.end(), [](uint8_t b) { return b == 0; }));
  }
  if (plain != nullptr)
    plain->assign(plain_room.begin(), plain_room.begin() + static_cast<ptrdiff_t>(size));
  return status;
}

TEST(SelfTest, SealingPathGivesItsKnownAnswers) {
  EXPECT_EQ(codec_self_test(compressor), Status::kOk);
}

TEST(Seal, ChunksOfEverySizeAndCodecComeBack) {
  Keyring keyring = golden_keyring();
  std::vector<size_t> sizes = {0, 1, 2, 3, 15, 16, 17, 63, 64, 65, 1000, 4096, 12345};
  for (size_t size : {limits::kChunkBytesMin, limits::kChunkBytesAverage,
                      limits::kChunkBytesMax - 1, limits::kChunkBytesMax})
    sizes.push_back(size);
  for (size_t size : sizes)
    for (const Compression& how : {kNone, kZstd, kZlib, Compression{}})
      for (ChunkType type : {ChunkType::kData, ChunkType::kPage})
        for (const auto& plain : {random_bytes(size, size), text_bytes(size, size)}) {
          Sealed sealed = seal_one(keyring, how, type, plain);
          ASSERT_EQ(sealed.chunk, chunk_id(sealed.record));
          RecordInfo info;
          ASSERT_EQ(inspect_record(sealed.record, &info), Status::kOk);
          ASSERT_EQ(info.type, type);
          std::vector<uint8_t> back;
          ASSERT_EQ(open_one(keyring, type, sealed.content, sealed.record, &back), Status::kOk);
          ASSERT_TRUE(back == plain) << size;
        }
}

TEST(Seal, EveryRecordHasAPadmeSize) {
  Keyring keyring = golden_keyring();
  std::set<size_t> sizes;
  for (size_t size = 0; size < 3000; size += 7) {
    size_t record =
        seal_one(keyring, kNone, ChunkType::kData, random_bytes(size, size)).record.size();
    ASSERT_EQ(record, padme_size(record));
    ASSERT_LE(record, limits::kRecordBytesMax);
    sizes.insert(record);
  }
  EXPECT_LT(sizes.size(), 100u);  // 429 lengths fall together into few classes
}

TEST(Seal, ChunkAboveTheLimitIsRefused) {
  Keyring keyring = golden_keyring();
  std::vector<uint8_t> plain(limits::kChunkBytesMax + 1);
  size_t size = 0;
  ChunkId chunk;
  EXPECT_EQ(
      seal(keyring, compressor, kNone, ChunkType::kData, {}, plain, record_room, &size, &chunk),
      Status::kTooLarge);
}

TEST(Seal, RoomThatIsTooSmallIsRefusedAndExactRoomSuffices) {
  Keyring keyring = golden_keyring();
  auto plain = random_bytes(500, 1);
  ContentId content = content_id(keyring, ChunkType::kData, plain);
  size_t size = 0;
  ChunkId chunk;
  size_t exact = padme_size(kRecordBytesMin + plain.size());
  for (const Compression& how : {kNone, kZstd, kZlib}) {
    for (size_t room : {size_t{0}, size_t{1}, kRecordBytesMin, exact - 1}) {
      MutBytes to = MutBytes(record_room).first(room);
      EXPECT_EQ(seal(keyring, compressor, how, ChunkType::kData, content, plain, to, &size, &chunk),
                Status::kTooLarge);
    }
    EXPECT_EQ(seal(keyring, compressor, how, ChunkType::kData, content, plain,
                   MutBytes(record_room).first(exact), &size, &chunk),
              Status::kOk);
  }
}

TEST(Seal, WithoutAnEpochNothingIsSealed) {
  Keyring keyring;
  size_t size = 0;
  ChunkId chunk;
  EXPECT_EQ(seal(keyring, compressor, kNone, ChunkType::kData, {}, as_bytes("x"), record_room,
                 &size, &chunk),
            Status::kNotFound);
}

TEST(Seal, EqualPlaintextGivesEqualRecordsOnTwoDevices) {
  auto plain = text_bytes(20000, 3);
  for (const Compression& how : {kNone, kZstd, kZlib, Compression{}}) {
    Sealed a = seal_one(golden_keyring(), how, ChunkType::kData, plain);
    Sealed b = seal_one(golden_keyring(), how, ChunkType::kData, plain);
    EXPECT_EQ(a.chunk, b.chunk);
    EXPECT_EQ(a.content, b.content);
  }
}

TEST(Seal, IncompressibleDataIsTheSameRecordWhateverTheCodec) {
  auto plain = random_bytes(20000, 4);
  Sealed raw = seal_one(golden_keyring(), kNone, ChunkType::kData, plain);
  for (const Compression& how : {kZstd, kZlib, Compression{}})
    EXPECT_EQ(seal_one(golden_keyring(), how, ChunkType::kData, plain).chunk, raw.chunk);
}

TEST(Seal, TwoFormsOfOneContentNeverShareANonce) {
  auto plain = text_bytes(20000, 5);
  std::map<std::vector<uint8_t>, ChunkId> by_nonce;
  std::vector<Compression> forms = {kNone};
  for (int level = 1; level <= 9; ++level) forms.push_back({false, CodecId::kZlib, level});
  for (int level = 1; level <= 19; ++level) forms.push_back({false, CodecId::kZstd, level});
  std::set<ChunkId> different;
  for (const Compression& how : forms) {
    Sealed sealed = seal_one(golden_keyring(), how, ChunkType::kData, plain);
    std::vector<uint8_t> nonce(sealed.record.begin() + 16, sealed.record.begin() + 28);
    auto [at, inserted] = by_nonce.emplace(nonce, sealed.chunk);
    EXPECT_EQ(at->second, sealed.chunk);  // one nonce, one ciphertext
    different.insert(sealed.chunk);
  }
  EXPECT_GT(different.size(), 8u);
  EXPECT_EQ(different.size(), by_nonce.size());
}

TEST(Seal, TypeMeshAndContentGiveDifferentIds) {
  Keyring keyring = golden_keyring();
  EXPECT_NE(content_id(keyring, ChunkType::kData, as_bytes("a")),
            content_id(keyring, ChunkType::kPage, as_bytes("a")));
  EXPECT_NE(content_id(keyring, ChunkType::kData, as_bytes("a")),
            content_id(keyring, ChunkType::kData, as_bytes("b")));
  Keyring other = golden_keyring();
  MeshId mesh;
  other.set_mesh(mesh);
  EXPECT_NE(content_id(keyring, ChunkType::kData, as_bytes("a")),
            content_id(other, ChunkType::kData, as_bytes("a")));
}

TEST(Seal, OldEpochsStayReadableAndNewOnesAreUsed) {
  Keyring keyring = golden_keyring();
  Sealed old_record = seal_one(keyring, kNone, ChunkType::kData, as_bytes("old"));
  Keyring stolen = keyring;
  Epoch next;
  next.id = 0x0200000000000000;
  next.seed.raw[0] = 1;
  ASSERT_EQ(keyring.add_epoch(next), Status::kOk);
  Sealed new_record = seal_one(keyring, kNone, ChunkType::kData, as_bytes("new"));
  EXPECT_EQ(open_one(keyring, ChunkType::kData, old_record.content, old_record.record),
            Status::kOk);
  EXPECT_EQ(open_one(keyring, ChunkType::kData, new_record.content, new_record.record),
            Status::kOk);
  EXPECT_EQ(open_one(stolen, ChunkType::kData, new_record.content, new_record.record),
            Status::kNotFound);
}

TEST(Open, EveryFlippedBitOfARecordIsRefused) {
  Keyring keyring = golden_keyring();
  for (const Compression& how : {kNone, kZstd}) {
    Sealed sealed = seal_one(keyring, how, ChunkType::kData, text_bytes(300, 6));
    for (size_t i = 0; i < sealed.record.size() * 8; ++i) {
      auto wrong = sealed.record;
      wrong[i / 8] = static_cast<uint8_t>(wrong[i / 8] ^ (1u << (i % 8)));
      ASSERT_NE(open_one(keyring, ChunkType::kData, sealed.content, wrong), Status::kOk) << i;
    }
  }
}

TEST(Open, EveryTruncatedOrExtendedRecordIsRefused) {
  Keyring keyring = golden_keyring();
  Sealed sealed = seal_one(keyring, kZstd, ChunkType::kData, text_bytes(400, 7));
  for (size_t size = 0; size < sealed.record.size() + 40; ++size) {
    if (size == sealed.record.size()) continue;
    auto wrong = sealed.record;
    wrong.resize(size);
    ASSERT_NE(open_one(keyring, ChunkType::kData, sealed.content, wrong), Status::kOk);
  }
}

// M4: 10,000 wrong keys, AAD fields, nonces, tags, contents; all refused, no plaintext let out.
TEST(Open, TenThousandWrongKeysFieldsNoncesTagsAndContentsAreRefused) {
  Keyring keyring = golden_keyring();
  Sealed sealed = seal_one(keyring, kNone, ChunkType::kData, random_bytes(100, 8));
  test::Generator generator(9);
  size_t refused = 0;
  for (size_t i = 0; i < 10000; ++i) {
    Keyring keys = keyring;
    auto record = sealed.record;
    ContentId content = sealed.content;
    ChunkType type = ChunkType::kData;
    auto flip = [&](MutBytes bytes) {
      bytes[generator.below(bytes.size())] ^= static_cast<uint8_t>(1 + generator.below(255));
    };
    switch (i % 8) {
      case 0: {  // wrong epoch seed
        Secret<32> seed = keyring.epoch_at(0).seed;
        flip(seed.mut());
        keys.reset(keyring.mesh(), keyring.mesh_secret());
        ASSERT_EQ(keys.add_epoch({keyring.epoch_at(0).id, seed}), Status::kOk);
        break;
      }
      case 1: {  // wrong mesh id
        MeshId mesh = keyring.mesh();
        flip(mesh.mut());
        keys.set_mesh(mesh);
        break;
      }
      case 2:
        flip(content.mut());
        break;
      case 3:
        flip(MutBytes(record).subspan(0, 16));
        break;
      case 4:
        flip(MutBytes(record).subspan(16, 12));  // nonce
        break;
      case 5:
        flip(MutBytes(record).last(16));  // tag
        break;
      case 6:
        flip(MutBytes(record).subspan(28, record.size() - 44));
        break;
      default:  // the wrong role, with the header to match
        type = ChunkType::kPage;
        if (i % 16 == 7) record[7] = 2;
        break;
    }
    plain_room.fill(0xee);
    size_t size = 1;
    Status status =
        open(keys, compressor, type, content, record, MutBytes(plain_room).first(128), &size);
    if (!ok(status) && size == 0 &&
        std::all_of(plain_room.begin(), plain_room.begin() + 128, [](uint8_t b) { return b == 0; }))
      ++refused;
  }
  EXPECT_EQ(refused, 10000u);
}

TEST(Open, WrongMeshSecretIsRefusedByTheContentId) {
  Keyring keyring = golden_keyring();
  Sealed sealed = seal_one(keyring, kNone, ChunkType::kData, as_bytes("secret"));
  Secret<32> other_secret;
  Keyring other;
  other.reset(keyring.mesh(), other_secret);
  ASSERT_EQ(other.add_epoch(keyring.epoch_at(0)), Status::kOk);
  EXPECT_EQ(open_one(other, ChunkType::kData, sealed.content, sealed.record), Status::kCorrupt);
}

TEST(Open, ARecordSealedForALieAboutItsContentIsRefused) {
  Keyring keyring = golden_keyring();  // a member with all keys who claims D of something else
  ContentId lie = content_id(keyring, ChunkType::kData, as_bytes("what the page names"));
  size_t size = 0;
  ChunkId chunk;
  ASSERT_EQ(seal(keyring, compressor, kNone, ChunkType::kData, lie, as_bytes("something else"),
                 record_room, &size, &chunk),
            Status::kOk);
  std::vector<uint8_t> record(record_room.begin(),
                              record_room.begin() + static_cast<ptrdiff_t>(size));
  EXPECT_EQ(open_one(keyring, ChunkType::kData, lie, record), Status::kCorrupt);
}

// Seals `p` as it stands, as a member's program of its own might: keys and tag are right.
std::vector<uint8_t> seal_by_hand(const Keyring& keyring, const ContentId& content, Bytes p) {
  std::vector<uint8_t> record(kRecordHeaderBytes + p.size() + kRecordTagBytes);
  ByteWriter header(record);
  header.bytes(kRecordMagic);
  header.u16(kRecordVersion);
  header.u8(kRecordAlgorithm);
  header.u8(static_cast<uint8_t>(ChunkType::kData));
  header.u64(keyring.current_epoch());
  Secret<32> k_enc, key;
  EXPECT_EQ(keyring.k_enc(keyring.current_epoch(), &k_enc), Status::kOk);
  HmacSha256 hmac(k_enc.bytes());
  hmac.update(as_bytes("drey seal"));
  hmac.update(Bytes(record).subspan(4, 4));
  hmac.update(content.bytes());
  key.raw = hmac.finish();
  std::vector<uint8_t> aad(record.begin(), record.begin() + 16);
  aad.insert(aad.end(), keyring.mesh().raw.begin(), keyring.mesh().raw.end());
  aad.insert(aad.end(), content.raw.begin(), content.raw.end());
  aead_seal(key, AeadNonce{}, aad, p, MutBytes(record).subspan(kRecordHeaderBytes));
  return record;
}

// One content, one form: padding and size class carry nothing that another reader could see.
TEST(Open, ARecordWithAnyOtherPaddingOrSizeIsRefused) {
  Keyring keyring = golden_keyring();
  auto plain = random_bytes(100, 11);
  ContentId content = content_id(keyring, ChunkType::kData, plain);
  size_t right = padme_size(kRecordBytesMin + plain.size());
  auto body = [&](size_t record_size) {
    std::vector<uint8_t> p(record_size - kRecordHeaderBytes - kRecordTagBytes);
    p[0] = static_cast<uint8_t>(CodecId::kRaw);
    store_le<uint32_t>(p.data() + 1, static_cast<uint32_t>(plain.size()));
    std::copy(plain.begin(), plain.end(), p.begin() + kRecordPrefixBytes);
    return p;
  };
  auto open_with = [&](Bytes p) {
    return open_one(keyring, ChunkType::kData, content, seal_by_hand(keyring, content, p));
  };
  ASSERT_GT(right, kRecordBytesMin + plain.size());
  ASSERT_EQ(open_with(body(right)), Status::kOk);
  for (size_t at = kRecordPrefixBytes + plain.size(); at < body(right).size(); ++at) {
    auto p = body(right);
    p[at] = 1;
    EXPECT_EQ(open_with(p), Status::kCorrupt) << at;
  }
  for (size_t size : {padme_size(right + 1), padme_size(2 * right), padme_size(20 * right)})
    EXPECT_EQ(open_with(body(size)), Status::kCorrupt) << size;
}

TEST(Open, RoomThatIsTooSmallIsRefused) {
  Keyring keyring = golden_keyring();
  auto plain = text_bytes(1000, 10);
  Sealed sealed = seal_one(keyring, kZstd, ChunkType::kData, plain);
  auto record = sealed.record;
  size_t size = 0;
  EXPECT_EQ(open(keyring, compressor, ChunkType::kData, sealed.content, record,
                 MutBytes(plain_room).first(999), &size),
            Status::kTooLarge);
  record = sealed.record;
  EXPECT_EQ(open(keyring, compressor, ChunkType::kData, sealed.content, record,
                 MutBytes(plain_room).first(1000), &size),
            Status::kOk);
}

TEST(Golden, KeysAndRecordsMatchTheFormatPage) {
  Keyring keyring = golden_keyring();
  Secret<32> key;
  EXPECT_EQ(keyring.k_dedup().raw,
            hex("c1967df74b1a9098522b529729dad328a17038d2d598ddfe5cb3687674818f85"));
  EXPECT_EQ(keyring.k_cdc().raw,
            hex("2e381ee9e3eff78bb5263991774e00ae19c2a41a08bd85c322c224b644057a89"));
  ASSERT_EQ(keyring.k_head(keyring.current_epoch(), &key), Status::kOk);
  EXPECT_EQ(key.raw, hex("883f8fd4df15e9625e3bb05bf29e078d090c7a7307d57ea7138d82a57d70ff58"));
  Sealed raw = seal_one(keyring, kNone, ChunkType::kData, as_bytes("drey"));
  EXPECT_EQ(raw.content.raw,
            hex("e6e47de30b9e25eff024202df5d4872050d8fe2a52ffa568a8b76150f82c8e24"));
  EXPECT_EQ(raw.chunk.raw, hex("93f17a25438fcfc1b495aba2f983a1dcaa08b5d7c335248f136192abe38fe21c"));
}

}  // namespace
}  // namespace drey
