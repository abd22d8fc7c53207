// I13: sealed objects and pages of a tree, opened as what they are not. The same keyring
// throughout, so that nothing but type and place tells them apart.
#include <gtest/gtest.h>

#include <functional>

#include "backup/head_body.h"
#include "backup/page.h"
#include "codec/head.h"
#include "codec/hpke.h"
#include "codec/seal.h"
#include "unit/codec/support.h"

namespace drey::test {
namespace {

using Opener = std::function<Status(Bytes)>;

TEST(WrongPlace, WhatIsSealedOpensAsItselfAndInItsOwnPlaceOnly) {
  Keyring keyring = golden_keyring();
  Compressor compressor;
  ScriptedRandom random(1);
  KeyPair pair;
  ASSERT_EQ(generate_key(random, &pair), Status::kOk);
  std::vector<uint8_t> plain = random_bytes(kHeadBodyBytes, 5), room(limits::kRecordBytesMax),
                       out(limits::kChunkBytesMax);
  std::vector<std::vector<uint8_t>> objects;
  std::vector<Opener> openers;
  // One content as data and as a page, and another content of each type.
  for (int content : {0, 1}) {
    for (ChunkType type : {ChunkType::kData, ChunkType::kPage}) {
      plain[0] = static_cast<uint8_t>(content);
      ContentId d = content_id(keyring, type, plain);
      size_t size = 0;
      ChunkId c;
      ASSERT_EQ(
          seal(keyring, compressor, {false, CodecId::kRaw, 0}, type, d, plain, room, &size, &c),
          Status::kOk);
      objects.emplace_back(room.begin(), room.begin() + static_cast<ptrdiff_t>(size));
      openers.push_back([&, d, type](Bytes sealed) {
        std::vector<uint8_t> record(sealed.begin(), sealed.end());
        size_t opened = 0;
        return open(keyring, compressor, type, d, record, out, &opened);
      });
    }
  }
  // One body in the heads of two owners and of two sequences.
  for (int owner : {1, 2}) {
    for (uint64_t sequence : {1, 2}) {
      HeadPlace place{NodeId{}, sequence, keyring.current_epoch()};
      place.owner.raw.fill(static_cast<uint8_t>(owner));
      std::vector<uint8_t> sealed(plain.size() + kHeadOverheadBytes);
      ASSERT_EQ(seal_head(keyring, random, place, plain, sealed), Status::kOk);
      objects.push_back(sealed);
      openers.push_back([&, place](Bytes bytes) {
        if (bytes.size() < kHeadOverheadBytes) return Status::kInvalid;
        std::vector<uint8_t> body(bytes.size() - kHeadOverheadBytes);
        return open_head(keyring, place, bytes, body);
      });
    }
  }
  // One secret wrapped for two purposes in two meshes.
  for (const char* info : {"drey epoch for a full device", "drey epoch for recovery"}) {
    for (const char* aad : {"mesh one", "mesh two"}) {
      std::vector<uint8_t> sealed(plain.size() + kHpkeOverheadBytes);
      ASSERT_EQ(hpke_seal(random, pair.pub, as_bytes(info), as_bytes(aad), plain, sealed),
                Status::kOk);
      objects.push_back(sealed);
      openers.push_back([&, info, aad](Bytes bytes) {
        if (bytes.size() < kHpkeOverheadBytes) return Status::kInvalid;
        std::vector<uint8_t> body(bytes.size() - kHpkeOverheadBytes);
        return hpke_open(pair, as_bytes(info), as_bytes(aad), bytes, body);
      });
    }
  }
  ASSERT_EQ(objects.size(), 12u);
  for (size_t object = 0; object < objects.size(); ++object)
    for (size_t place = 0; place < openers.size(); ++place)
      EXPECT_EQ(ok(openers[place](objects[object])), object == place) << object << " " << place;
}

TEST(WrongPlace, APageIsReadOnItsOwnLevelOnly) {
  std::vector<uint8_t> room(limits::kPageBytesMax);
  for (int written = 0; written < 8; ++written) {
    PageWriter writer;
    writer.begin(room, static_cast<uint8_t>(written));
    ASSERT_TRUE(writer.add({"a", 0}, as_bytes("body of an entry")));
    Bytes page = writer.finish();
    for (int wanted = 0; wanted < 8; ++wanted) {
      PageReader reader;
      Status status = reader.begin(page, static_cast<uint8_t>(wanted));
      EXPECT_EQ(ok(status), written == wanted) << written << " as " << wanted;
    }
  }
}

TEST(WrongPlace, APageIsNoHeadAndAHeadIsNoPage) {
  std::vector<uint8_t> body(kHeadBodyBytes);
  SnapshotInfo info;
  encode_head_body(info, body);
  for (int level = 0; level < 256; ++level) {
    PageReader reader;
    EXPECT_NE(reader.begin(body, static_cast<uint8_t>(level)), Status::kOk) << level;
  }
  std::vector<uint8_t> page(kHeadBodyBytes);
  PageWriter writer;
  writer.begin(page, 0);
  ASSERT_TRUE(writer.add({"a", 0}, as_bytes("body")));
  (void)writer.finish();
  EXPECT_NE(decode_head_body(page, &info), Status::kOk);
}

}  // namespace
}  // namespace drey::test
