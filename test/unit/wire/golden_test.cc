// The bytes of one message of each kind, as PROTOCOL.md says. A change here is a change of the
// protocol.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "wire/knock.h"
#include "wire/messages.h"

namespace drey {
namespace {

const std::map<std::string, std::string> kGolden = {
    {"hello",
     "010001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20887766554433"
     "2211070707070707070707070707070707078b12400000000c0000006300000000000000030303030303"
     "030303030303030303030303030303030303030303030303030304040404040404040404040404040404"
     "0404040404040404040404040404040403090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021"
     "22232425262728076b69746368656e066e6174697665"},
    {"ping", "0807060504030201"},
    {"statement_ids",
     "020102000101010101010101010101010101010101010101010101010101010101010101010101010101"
     "010102020202020202020202020202020202020202020202020202020202020202020202020202020202"},
    {"statement_get",
     "010001000101010101010101010101010101010101010101010101010101010101010101010101010101"
     "0101"},
    {"statement", "01aabb"},
    {"pin",
     "4d00000005060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324020010000008"
     "090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262787d6120000000000"},
    {"pinned", "0900000001"},
    {"stored", "0900000005"},
    {"get", "0300000002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021"},
    {"missing", "0900000006"},
    {"less", "0807060504030201"},
    {"announce", "050000005544332211000000"},
    {"announced", "0500000000"},
    {"unpin", "06000000aabbcc"},
    {"unpin_now",
     "060000005c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c"
     "5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5caabbcc"},
    {"unpinned", "0600000004"},
    {"keep",
     "0700000002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021020101010101"
     "010101010101010101010101010101010101010101010101010101010101010101010102020202020202"
     "020202020202020202020202020202020202020202020202020202020202020202"},
    {"kept", "0700000005"},
    {"freed", "0102030405060708"},
    {"digest", "040000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"},
    {"pinned_list",
     "040000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20c8c8c9cacbcc"
     "cdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7"},
    {"pinned_chunks",
     "01000000070102000708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425260780"
     "090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526"},
    {"pair_hello",
     "010001000404040404040404040404040404040404040404040404040404040404040404040404040404"
     "040404040404040404040404040404040404040404040404040404050505050505050505050505050505"
     "050505050505050505050505050505050505050505050505050505050505050505050505050505050505"
     "050505050505050509000000056174746963060606060606060606060606060606060606060606060606"
     "06060606060606060606060606060606060606060606060606060606060606060606060606060606"},
    {"pair_accept",
     "020102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20030303030303030303"
     "030303030303030303030303030303030303030303030303030303030303030303030303030303030303"
     "030303030303030303030303030302030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d"
     "1e1f20210300000008080808080808080808080808080808080808080808080808080808080808080606"
     "060606060606060606060606060606060606060606060606060606060606060606060606060606060606"
     "0606060606060606060606060606060606060606"},
    {"pair_keyring", "0200aabb"},
    {"pair_done", "01"},
    {"put",
     "0300000002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021010405060708"
     "090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122230600000000000000"},
    {"data", "0300000002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021"},
    {"knock1",
     "44524b4e010100000700000009090909090909090909090909090909618a3bd365375693db1d88afafe1"
     "5ff8b88063c714c566f5311684e2818a4f7d00000000"},
    {"knock2",
     "44524b4e0102cdab00000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000000000000000"},
    {"knock3",
     "44524b4e0103000005050505050505050505050505050505050505050505050505050505050505050000"
     "00000000000000000000000000000000000000000000"},
};

template <class Id>
Id id_of(uint8_t first) {
  Id id;
  for (size_t i = 0; i < id.raw.size(); ++i) id.raw[i] = static_cast<uint8_t>(first + i);
  return id;
}

std::string hex(Bytes bytes) {
  std::string out;
  for (uint8_t byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

template <class M>
void check(const char* name, const M& message) {
  std::vector<uint8_t> room(M::kBytesMax);
  ByteWriter to(room);
  message.encode(to);
  EXPECT_EQ(hex(to.written()), kGolden.at(name)) << name;
}

TEST(Golden, HelloAndPing) {
  HelloMessage hello;
  hello.node = id_of<NodeId>(1);
  hello.boot_id = 0x1122334455667788;
  hello.store_id.fill(7);
  hello.listen_port = 4747;
  hello.capacity_gib = 64;
  hello.free_gib = 12;
  hello.number_known = 99;
  hello.membership_digest.fill(3);
  hello.heads_digest.fill(4);
  hello.state = 3;
  hello.mesh = id_of<MeshId>(9);
  hello.name = "kitchen";
  hello.board = "native";
  check("hello", hello);
  check("ping", PingMessage{0x0102030405060708});
}

TEST(Golden, Statements) {
  std::array<StatementKey, 2> keys;
  keys[0].fill(1);
  keys[1].fill(2);
  StatementIdsMessage ids;
  ids.kind = 2;
  ids.more = true;
  ids.keys = keys;
  check("statement_ids", ids);
  StatementGetMessage get;
  get.kind = 1;
  get.keys = std::span(keys).first(1);
  check("statement_get", get);
  std::array<uint8_t, 2> bytes = {0xaa, 0xbb};
  StatementMessage statement;
  statement.kind = 1;
  statement.bytes = bytes;
  check("statement", statement);
}

TEST(Golden, Records) {
  PinMessage pin;
  pin.request = 77;
  pin.c = id_of<ChunkId>(5);
  pin.type = ChunkType::kPage;
  pin.size = 4096;
  pin.owner = id_of<NodeId>(8);
  pin.number = 1234567;
  check("pin", pin);
  check("pinned", PinnedMessage{9, Answer::kWant});
  check("stored", StoredMessage{9, Answer::kCorrupt});
  check("get", GetMessage{3, id_of<ChunkId>(2)});
  check("missing", MissingMessage{9, Answer::kNotFound});
  check("less", LessMessage{0x0102030405060708});
  check("announce", AnnounceMessage{5, 0x1122334455});
  check("announced", AnnouncedMessage{5, Answer::kDurable});
  const std::array<uint8_t, 3> statement = {0xaa, 0xbb, 0xcc};
  check("unpin", UnpinMessage{6, statement});
  UnpinNowMessage now{6, {}, statement};
  now.cosignature.fill(0x5c);
  check("unpin_now", now);
  check("unpinned", UnpinnedMessage{6, Answer::kRefused});
  std::array<StatementKey, 2> pins;
  pins[0].fill(1);
  pins[1].fill(2);
  check("keep", KeepMessage{7, id_of<ChunkId>(2), pins});
  check("kept", KeptMessage{7, Answer::kCorrupt});
  check("freed", FreedMessage{0x0807060504030201});
  check("put", PutHead{3, id_of<ChunkId>(2), ChunkType::kData, id_of<NodeId>(4), 6});
  check("data", DataHead{3, id_of<ChunkId>(2)});
}

TEST(Golden, Digests) {
  check("digest", DigestMessage{4, id_of<NodeId>(1)});
  check("pinned_list", PinnedListMessage{4, id_of<NodeId>(1), 200, id_of<ChunkId>(200)});
  std::vector<ChunkId> chunks(2, id_of<ChunkId>(7));
  chunks[1].raw[1] = 0x80;
  PinnedChunksMessage list;
  list.request = 1;
  list.bucket = 7;
  list.more = true;
  list.chunks = chunks;
  check("pinned_chunks", list);
}

TEST(Golden, Pairing) {
  PairHelloMessage hello;
  hello.sign_key.fill(4);
  hello.wrap_key.fill(5);
  hello.capacity_gib = 9;
  hello.name = "attic";
  hello.proof.fill(6);
  check("pair_hello", hello);
  PairAcceptMessage accept;
  accept.role = 2;
  accept.mesh = id_of<MeshId>(1);
  accept.sign_key.fill(3);
  accept.add = id_of<StatementId>(2);
  accept.disc_number = 3;
  accept.disc_key.raw.fill(8);
  accept.proof.fill(6);
  check("pair_accept", accept);
  std::array<uint8_t, 2> bytes = {0xaa, 0xbb};
  check("pair_keyring", PairKeyringMessage{bytes});
  check("pair_done", PairDoneMessage{1});
}

TEST(Golden, Knocks) {
  Secret<32> key;
  key.raw.fill(1);
  for (int kind : {1, 2, 3}) {
    Knock knock;
    knock.kind = static_cast<SessionKind>(kind);
    knock.key_number = 7;
    knock.nonce.fill(9);
    knock.room = 0xabcd;
    knock.recovery_id.fill(5);
    knock.tag = knock_tag(key, knock, id_of<NodeId>(2));
    KnockBytes bytes;
    encode_knock(knock, &bytes);
    EXPECT_EQ(hex(bytes), kGolden.at("knock" + std::to_string(kind)));
  }
}

}  // namespace
}  // namespace drey
