#include "node/epoch_wrap.h"

#include <gtest/gtest.h>

#include <vector>

#include "codec/seal.h"
#include "sim/sim_node.h"
#include "unit/codec/support.h"
#include "unit/mesh/membership_support.h"

namespace drey {
namespace {

struct Wrapped {
  SimRandom random{7};
  MeshId mesh = test::golden_keyring().mesh();
  Epoch epoch;
  std::vector<EpochRecipient> recipients;
  std::vector<uint8_t> blobs;

  Wrapped() {
    epoch.id = 0x20005;
    epoch.seed.raw.fill(0x77);
  }
  void add(EpochShare share, int number) {
    EpochTag tag{static_cast<uint8_t>(number), static_cast<uint8_t>(number >> 8), 0, 1};
    recipients.push_back({share, tag, test::key(number).pub});
  }
  Status seal() {
    blobs.assign(kEpochBlobsMax, 0);
    size_t size = 0;
    Status status = seal_epoch(random, mesh, epoch, recipients, blobs, &size);
    blobs.resize(ok(status) ? size : 0);
    return status;
  }
  Status open(int number, EpochShare share, Secret<32>* key, uint64_t id = 0x20005) {
    EpochTag tag{static_cast<uint8_t>(number), static_cast<uint8_t>(number >> 8), 0, 1};
    return open_epoch(test::key(number), mesh, id, blobs, share, tag, key);
  }
};

TEST(EpochWrap, EachRecipientOpensItsShareAndNobodyElseAny) {
  Wrapped w;
  w.add(EpochShare::kFull, 1);
  w.add(EpochShare::kVault, 2);
  w.add(EpochShare::kRecovery, 3);
  ASSERT_EQ(w.seal(), Status::kOk);
  Secret<32> key;
  ASSERT_EQ(w.open(1, EpochShare::kFull, &key), Status::kOk);
  EXPECT_EQ(key.raw, w.epoch.seed.raw);
  ASSERT_EQ(w.open(3, EpochShare::kRecovery, &key), Status::kOk);
  EXPECT_EQ(key.raw, w.epoch.seed.raw);
  ASSERT_EQ(w.open(2, EpochShare::kVault, &key), Status::kOk);
  EXPECT_EQ(key.raw, epoch_beacon_key(w.mesh, w.epoch).raw);
  EXPECT_NE(key.raw, w.epoch.seed.raw);  // a vault reads nothing
  EXPECT_EQ(w.open(4, EpochShare::kFull, &key), Status::kNotFound);
  EXPECT_EQ(w.open(2, EpochShare::kFull, &key), Status::kNotFound);
}

TEST(EpochWrap, AShareDoesNotOpenInAnotherMeshEpochOrRole) {
  Wrapped w;
  w.add(EpochShare::kFull, 1);
  ASSERT_EQ(w.seal(), Status::kOk);
  Secret<32> key;
  EXPECT_EQ(w.open(1, EpochShare::kFull, &key, 0x20006), Status::kDenied);
  w.blobs[2] = static_cast<uint8_t>(EpochShare::kRecovery);
  EXPECT_EQ(w.open(1, EpochShare::kRecovery, &key), Status::kDenied);
  w.blobs[2] = static_cast<uint8_t>(EpochShare::kFull);
  EXPECT_EQ(w.open(1, EpochShare::kFull, &key), Status::kOk);
  w.mesh.raw[0] ^= 1;
  EXPECT_EQ(w.open(1, EpochShare::kFull, &key), Status::kDenied);
}

TEST(EpochWrap, ASharedTagIsNoObstacle) {
  Wrapped w;
  w.add(EpochShare::kFull, 1);
  w.add(EpochShare::kFull, 2);
  w.recipients[0].tag = w.recipients[1].tag;
  ASSERT_EQ(w.seal(), Status::kOk);
  Secret<32> key;
  EXPECT_EQ(w.open(2, EpochShare::kFull, &key), Status::kOk);
}

TEST(EpochWrap, AFullMeshFitsIntoOneStatementAndOneMoreDoesNot) {
  Wrapped w;
  for (int i = 0; i < static_cast<int>(kEpochRecipientsMax); ++i) w.add(EpochShare::kFull, 1);
  ASSERT_EQ(w.seal(), Status::kOk);
  std::vector<StatementId> parents(limits::kStatementParentsMax);
  for (size_t i = 0; i < parents.size(); ++i) parents[i].raw[0] = static_cast<uint8_t>(i + 1);
  std::vector<uint8_t> statement(limits::kStatementBytesMax);
  EXPECT_TRUE(
      build_epoch({&test::key(1), false}, w.mesh, parents, {w.epoch.id, w.blobs}, statement).ok());
  w.add(EpochShare::kFull, 1);
  EXPECT_EQ(w.seal(), Status::kTooLarge);
}

TEST(EpochWrap, EveryTruncationAndEveryFlippedBitIsRefused) {
  Wrapped w;
  w.add(EpochShare::kFull, 1);
  ASSERT_EQ(w.seal(), Status::kOk);
  std::vector<uint8_t> good = w.blobs;
  Secret<32> key;
  for (size_t size = 0; size < good.size(); ++size) {
    w.blobs.assign(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
    ASSERT_NE(w.open(1, EpochShare::kFull, &key), Status::kOk) << size;
  }
  for (size_t at = 0; at < good.size(); ++at) {
    w.blobs = good;
    w.blobs[at] ^= 0x10;
    ASSERT_NE(w.open(1, EpochShare::kFull, &key), Status::kOk) << at;
  }
}

// M5.
TEST(EpochWrap, AfterARevocationTheOldKeyringOpensNoneOfAThousandNewObjects) {
  Wrapped w;
  w.add(EpochShare::kFull, 1);      // a device that is left
  w.add(EpochShare::kRecovery, 3);  // the phrase
  ASSERT_EQ(w.seal(), Status::kOk);
  Keyring revoked = test::golden_keyring();  // holds all that was before
  Keyring left = test::golden_keyring(), recovered = test::golden_keyring();
  for (auto [keyring, number, share] : {std::tuple{&left, 1, EpochShare::kFull},
                                        std::tuple{&recovered, 3, EpochShare::kRecovery}}) {
    Epoch epoch;
    epoch.id = 0x0200000000000000;
    ASSERT_EQ(w.open(number, share, &epoch.seed), Status::kOk);
    ASSERT_EQ(keyring->add_epoch(epoch), Status::kOk);
    keyring->seal_under(epoch.id);
  }
  auto compressors = std::make_unique<CompressorSet>();
  CompressorLease lease(*compressors);
  Compression compression;
  ASSERT_EQ(parse_compression("none", &compression), Status::kOk);
  std::vector<uint8_t> record(limits::kRecordBytesMax), plain(limits::kChunkBytesMax);
  size_t by_revoked = 0, by_left = 0, by_recovered = 0;
  for (uint32_t i = 0; i < 1000; ++i) {
    std::array<uint8_t, 64> text{};
    store_le(text.data(), i);
    ContentId content = content_id(left, ChunkType::kData, text);
    size_t size = 0;
    ChunkId chunk;
    ASSERT_EQ(seal(left, *lease.get(), compression, ChunkType::kData, content, text, record, &size,
                   &chunk),
              Status::kOk);
    auto opens = [&](const Keyring& keyring) {
      std::vector<uint8_t> copy(record.begin(), record.begin() + static_cast<ptrdiff_t>(size));
      size_t plain_size = 0;
      return ok(open(keyring, *lease.get(), ChunkType::kData, content, copy, plain, &plain_size)) &&
             equal(Bytes(plain).first(plain_size), text);
    };
    by_revoked += opens(revoked);
    by_left += opens(left);
    by_recovered += opens(recovered);
  }
  EXPECT_EQ(by_revoked, 0u);
  EXPECT_EQ(by_left, 1000u);
  EXPECT_EQ(by_recovered, 1000u);
}

}  // namespace
}  // namespace drey
