#include "wire/messages.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace drey {
namespace {

template <class Id>
Id id_of(uint8_t first) {
  Id id;
  for (size_t i = 0; i < id.raw.size(); ++i) id.raw[i] = static_cast<uint8_t>(first + i);
  return id;
}

template <class M>
std::vector<uint8_t> encoded(const M& message) {
  std::vector<uint8_t> room(M::kBytesMax);
  ByteWriter to(room);
  message.encode(to);
  EXPECT_TRUE(to.ok());
  room.resize(to.size());
  return room;
}

// What holds for every message: it comes back the same, no shorter or longer body is taken for it.
// (`open_end`: the last field runs to the end of the body, so some shorter bodies are valid.)
template <class M>
void check(const M& message, bool open_end = false) {
  std::vector<uint8_t> body = encoded(message);
  EXPECT_GE(body.size(), M::kBytesMin);
  EXPECT_LE(body.size(), M::kBytesMax);
  auto back = std::make_unique<M>();
  ASSERT_EQ(M::decode(body, back.get()), Status::kOk);
  EXPECT_EQ(encoded(*back), body);
  for (size_t size = 0; size < body.size(); ++size) {
    std::vector<uint8_t> cut(body.begin(), body.begin() + static_cast<long>(size));
    M out;
    Status status = M::decode(cut, &out);
    if (!open_end || size < M::kBytesMin) {
      EXPECT_NE(status, Status::kOk) << size;
    }
  }
  if (!open_end) {
    std::vector<uint8_t> longer = body;
    longer.push_back(0);
    M out;
    EXPECT_NE(M::decode(longer, &out), Status::kOk);
  }
  std::vector<uint8_t> huge(M::kBytesMax + 1);
  M out;
  EXPECT_EQ(M::decode(huge, &out), Status::kTooLarge);
  // Any byte may be anything: never a crash, and what decodes encodes again.
  for (size_t at = 0; at < std::min<size_t>(body.size(), 400); ++at) {
    for (int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::vector<uint8_t> changed = body;
      changed[at] = static_cast<uint8_t>(value);
      auto decoded = std::make_unique<M>();
      if (M::decode(changed, decoded.get()) == Status::kOk) {
        EXPECT_EQ(encoded(*decoded).size(), changed.size());
      }
    }
  }
}

HelloMessage hello() {
  HelloMessage m;
  m.node = id_of<NodeId>(1);
  m.boot_id = 0x1122334455667788;
  m.store_id.fill(7);
  m.listen_port = 4747;
  m.capacity_gib = 64;
  m.free_gib = 12;
  m.number_known = 99;
  m.membership_digest.fill(3);
  m.heads_digest.fill(4);
  m.state = 3;
  m.mesh = id_of<MeshId>(9);
  m.name = "kitchen";
  m.board = "native";
  return m;
}

TEST(Messages, HelloComesBackTheSame) {
  check(hello());
  HelloMessage back;
  std::vector<uint8_t> body = encoded(hello());
  ASSERT_EQ(HelloMessage::decode(body, &back), Status::kOk);
  EXPECT_EQ(back.name, "kitchen");
  EXPECT_EQ(back.board, "native");
  EXPECT_EQ(back.boot_id, hello().boot_id);
  EXPECT_EQ(back.mesh, hello().mesh);
}

TEST(Messages, HelloWithEmptyNamesIsTheSmallest) {
  HelloMessage m;
  EXPECT_EQ(encoded(m).size(), HelloMessage::kBytesMin);
  check(m);
}

TEST(Messages, HelloWithFullNamesIsTheLargest) {
  std::vector<char> name(limits::kNameBytesMax, 'n');
  std::vector<char> board(limits::kBoardNameBytesMax, 'b');
  HelloMessage m;
  m.name = {name.data(), name.size()};
  m.board = {board.data(), board.size()};
  EXPECT_EQ(encoded(m).size(), HelloMessage::kBytesMax);
  check(m);
}

TEST(Messages, HelloNameLengthIsBounded) {
  std::vector<uint8_t> body = encoded(hello());
  size_t at = HelloMessage::kBytesMin - 2;
  for (int length : {0, 1, 63, 64, 128, 255}) {
    body[at] = static_cast<uint8_t>(length);
    HelloMessage out;
    EXPECT_NE(HelloMessage::decode(body, &out), Status::kOk) << length;
  }
}

TEST(Messages, HelloOfProtocolZeroIsRefused) {
  std::vector<uint8_t> body = encoded(hello());
  body[0] = body[1] = 0;
  HelloMessage out;
  EXPECT_EQ(HelloMessage::decode(body, &out), Status::kInvalid);
}

TEST(Messages, PingComesBackTheSame) { check(PingMessage{0xfedcba9876543210}); }

TEST(Messages, StatementIdsCarryNoneOneAndAllKeys) {
  std::vector<StatementKey> keys(limits::kStatementKeysMax);
  for (size_t i = 0; i < keys.size(); ++i) keys[i].fill(static_cast<uint8_t>(i));
  for (size_t count : {size_t{0}, size_t{1}, limits::kStatementKeysMax}) {
    StatementIdsMessage m;
    m.kind = 2;
    m.more = count > 1;
    m.keys = std::span(keys).first(count);
    check(m);
    StatementGetMessage get;
    get.kind = 1;
    get.keys = m.keys;
    check(get);
  }
}

TEST(Messages, StatementKeyCountIsBounded) {
  StatementIdsMessage m;
  m.kind = 1;
  std::array<StatementKey, 2> keys{};
  m.keys = keys;
  std::vector<uint8_t> body = encoded(m);
  for (uint32_t count : {0u, 1u, 3u, 400u, 401u, 0x8000u, 0xffffu}) {
    store_le(&body[2], static_cast<uint16_t>(count));
    StatementIdsMessage out;
    EXPECT_EQ(StatementIdsMessage::decode(body, &out), Status::kInvalid) << count;
  }
}

TEST(Messages, StatementCarriesOneByteAndAll) {
  std::vector<uint8_t> bytes(limits::kStatementBytesMax, 0xab);
  for (size_t size : {size_t{1}, limits::kStatementBytesMax}) {
    StatementMessage m;
    m.kind = 1;
    m.bytes = Bytes(bytes).first(size);
    check(m, true);
  }
}

TEST(Messages, StatementOfKindZeroIsRefused) {
  std::vector<uint8_t> body = {0, 1, 2};
  StatementMessage out;
  EXPECT_EQ(StatementMessage::decode(body, &out), Status::kInvalid);
  body[0] = 16;
  EXPECT_EQ(StatementMessage::decode(body, &out), Status::kInvalid);
}

PinMessage pin() {
  PinMessage m;
  m.request = 77;
  m.c = id_of<ChunkId>(5);
  m.type = ChunkType::kPage;
  m.size = 4096;
  m.owner = id_of<NodeId>(8);
  m.number = 1234567;
  return m;
}

TEST(Messages, PinComesBackTheSame) { check(pin()); }

TEST(Messages, PinSizeIsBounded) {
  constexpr auto kMax = static_cast<uint32_t>(limits::kRecordBytesMax);
  for (uint32_t size : {0u, 1u, kMax, kMax + 1, 1u << 31, 0xffffffffu}) {
    PinMessage m = pin();
    m.size = size;
    PinMessage out;
    Status status = PinMessage::decode(encoded(m), &out);
    if (size == 0) {
      EXPECT_EQ(status, Status::kInvalid);
    } else {
      EXPECT_EQ(status, size <= kMax ? Status::kOk : Status::kTooLarge) << size;
    }
  }
}

TEST(Messages, UnknownChunkTypesAreRefused) {
  std::vector<uint8_t> body = encoded(pin());
  for (int type : {0, 3, 255}) {
    body[36] = static_cast<uint8_t>(type);
    PinMessage out;
    EXPECT_EQ(PinMessage::decode(body, &out), Status::kInvalid);
  }
}

TEST(Messages, AnswersAreTheOnesTheirMessageKnows) {
  using enum Answer;
  auto accepted = [](auto message, Answer answer) {
    message.request = 5;
    message.answer = answer;
    decltype(message) out;
    return message.decode(encoded(message), &out) == Status::kOk && out.answer == answer;
  };
  for (Answer answer : {kDurable, kWant, kBusy, kFull, kRefused, kCorrupt, kNotFound}) {
    EXPECT_EQ(accepted(PinnedMessage{}, answer), answer <= kRefused);
    EXPECT_EQ(accepted(StoredMessage{}, answer), answer != kWant && answer != kNotFound);
    EXPECT_EQ(accepted(MissingMessage{}, answer),
              answer != kDurable && answer != kWant && answer != kFull);
  }
  check(PinnedMessage{9, kWant});
  check(StoredMessage{9, kDurable});
  check(MissingMessage{9, kNotFound});
  check(LessMessage{uint64_t{1} << 40});
  check(FreedMessage{uint64_t{1} << 41});
}

TEST(Messages, GivingUpComesBackTheSame) {
  check(AnnounceMessage{7, limits::kNumberMax});
  check(AnnouncedMessage{7, Answer::kDurable});
  std::vector<uint8_t> statement(limits::kStatementBytesMax, 0xab);
  UnpinMessage unpin;  // its statement goes to the end: a shorter one is a message, too
  ASSERT_EQ(UnpinMessage::decode(encoded(UnpinMessage{8, statement}), &unpin), Status::kOk);
  EXPECT_EQ(unpin.request, 8u);
  EXPECT_EQ(unpin.statement.size(), statement.size());
  EXPECT_NE(UnpinMessage::decode(encoded(UnpinMessage{8, {}}), &unpin), Status::kOk);
  UnpinNowMessage now;
  ASSERT_EQ(UnpinNowMessage::decode(encoded(UnpinNowMessage{9, Signature{7}, statement}), &now),
            Status::kOk);
  EXPECT_EQ(now.request, 9u);
  EXPECT_EQ(now.cosignature[0], 7u);
  EXPECT_EQ(now.statement.size(), statement.size());
  EXPECT_NE(UnpinNowMessage::decode(encoded(UnpinNowMessage{9, {}, {}}), &now), Status::kOk);
  std::vector<uint8_t> longer(UnpinNowMessage::kBytesMax + 1);
  EXPECT_EQ(UnpinNowMessage::decode(Bytes(longer), &now), Status::kTooLarge);
  EXPECT_EQ(UnpinNowMessage::decode(Bytes(longer).first(68), &now), Status::kInvalid);
  check(UnpinnedMessage{8, Answer::kBusy});
  std::vector<StatementKey> pins(limits::kMembersMax);
  for (size_t i = 0; i < pins.size(); ++i) pins[i].fill(static_cast<uint8_t>(i));
  check(KeepMessage{9, id_of<ChunkId>(3), pins});
  check(KeptMessage{9, Answer::kNotFound});
}

TEST(Messages, GivingUpRefusesWhatNoNodeSays) {
  AnnounceMessage announce{7, 0};
  EXPECT_EQ(AnnounceMessage::decode(encoded(announce), &announce), Status::kInvalid);
  announce.number = limits::kNumberMax + 1;
  EXPECT_EQ(AnnounceMessage::decode(encoded(announce), &announce), Status::kTooLarge);
  std::vector<StatementKey> pins(2);  // twice the same
  KeepMessage keep{9, id_of<ChunkId>(3), pins};
  EXPECT_EQ(KeepMessage::decode(encoded(keep), &keep), Status::kInvalid);
  KeptMessage kept{9, Answer::kFull};
  EXPECT_EQ(KeptMessage::decode(encoded(kept), &kept), Status::kInvalid);
}

TEST(Messages, GetPutAndDataComeBackTheSame) {
  check(GetMessage{3, id_of<ChunkId>(2)});
  check(DataHead{3, id_of<ChunkId>(2)});
  check(PutHead{3, id_of<ChunkId>(2), ChunkType::kData, id_of<NodeId>(4), 6});
}

TEST(Messages, DigestsComeBackTheSame) {
  check(DigestMessage{4, id_of<NodeId>(1)});
  auto m = std::make_unique<DigestsMessage>();
  m->request = 4;
  for (uint32_t i = 0; i < 256; ++i) m->buckets[i] = {i, ~uint64_t{i}, uint64_t{i} * i};
  check(*m);
  auto back = std::make_unique<DigestsMessage>();
  ASSERT_EQ(DigestsMessage::decode(encoded(*m), back.get()), Status::kOk);
  EXPECT_EQ(back->buckets, m->buckets);
}

TEST(Messages, PinnedListComesBackTheSame) {
  check(PinnedListMessage{4, id_of<NodeId>(1), 200, id_of<ChunkId>(200)});
}

PinnedChunksMessage chunks_of(const std::vector<ChunkId>& chunks) {
  PinnedChunksMessage m;
  m.request = 1;
  m.bucket = 7;
  m.chunks = chunks;
  return m;
}

TEST(Messages, PinnedChunksCarryNoneOneAndAll) {
  for (size_t count : {size_t{0}, size_t{1}, limits::kPinnedChunksMax}) {
    std::vector<ChunkId> chunks(count);
    for (size_t i = 0; i < count; ++i) {
      chunks[i].raw[0] = 7;
      chunks[i].raw[1] = static_cast<uint8_t>(i / 256);
      chunks[i].raw[2] = static_cast<uint8_t>(i % 256);
    }
    check(chunks_of(chunks));
  }
}

TEST(Messages, PinnedChunksMustRiseWithinTheirBucket) {
  std::vector<ChunkId> chunks(2);
  chunks[0].raw[0] = chunks[1].raw[0] = 7;
  PinnedChunksMessage out;
  EXPECT_EQ(PinnedChunksMessage::decode(encoded(chunks_of(chunks)), &out), Status::kInvalid);
  chunks[1].raw[5] = 1;
  EXPECT_EQ(PinnedChunksMessage::decode(encoded(chunks_of(chunks)), &out), Status::kOk);
  std::swap(chunks[0], chunks[1]);
  EXPECT_EQ(PinnedChunksMessage::decode(encoded(chunks_of(chunks)), &out), Status::kInvalid);
  chunks.resize(1);
  chunks[0].raw[0] = 8;
  EXPECT_EQ(PinnedChunksMessage::decode(encoded(chunks_of(chunks)), &out), Status::kInvalid);
}

TEST(Messages, PinnedChunksThatPromiseMoreOfNothingAreRefused) {
  PinnedChunksMessage m = chunks_of({});
  m.more = true;
  PinnedChunksMessage out;
  EXPECT_EQ(PinnedChunksMessage::decode(encoded(m), &out), Status::kInvalid);
}

TEST(Messages, PairingMessagesComeBackTheSame) {
  PairHelloMessage hello;
  hello.sign_key.fill(4);
  hello.wrap_key.fill(5);
  hello.capacity_gib = 9;
  hello.name = "attic";
  hello.proof.fill(6);
  check(hello);
  PairAcceptMessage accept;
  accept.role = 2;
  accept.mesh = id_of<MeshId>(1);
  accept.disc_number = 3;
  accept.disc_key.raw.fill(8);
  check(accept);
  std::vector<uint8_t> blob(limits::kKeyringBlobBytesMax, 1);
  check(PairKeyringMessage{Bytes(blob).first(1)});
  check(PairKeyringMessage{blob});
  check(PairDoneMessage{1});
}

TEST(Messages, KeyringLengthIsBounded) {
  std::vector<uint8_t> body = {1, 0, 42};
  PairKeyringMessage out;
  EXPECT_EQ(PairKeyringMessage::decode(body, &out), Status::kOk);
  for (uint32_t size : {0u, 2u, 8192u, 8193u, 0x8000u, 0xffffu}) {
    store_le(&body[0], static_cast<uint16_t>(size));
    EXPECT_EQ(PairKeyringMessage::decode(body, &out), Status::kInvalid) << size;
  }
}

TEST(MessageRules, EveryTypeHasOneAndNoOtherDoes) {
  size_t known = 0;
  for (uint32_t type = 0; type <= 0xffff; ++type) {
    const MessageRule* rule = message_rule(static_cast<uint16_t>(type));
    if (rule == nullptr) continue;
    ++known;
    EXPECT_EQ(static_cast<uint16_t>(rule->type), type);
    EXPECT_NE(rule->allowed, 0);
  }
  EXPECT_EQ(known, 30u);
  EXPECT_STREQ(message_name(MessageType::kPut), "put");
}

TEST(MessageRules, PairingAndRecoveryCannotTouchRecordsOfOthers) {
  for (MessageType type : {MessageType::kPin, MessageType::kPut, MessageType::kDigest}) {
    const MessageRule* rule = message_rule(static_cast<uint16_t>(type));
    EXPECT_FALSE(rule->allowed_in(SessionKind::kPairing));
    EXPECT_FALSE(rule->allowed_in(SessionKind::kRecovery));
    EXPECT_TRUE(rule->allowed_in(SessionKind::kMember));
  }
  const MessageRule* accept = message_rule(static_cast<uint16_t>(MessageType::kPairAccept));
  EXPECT_FALSE(accept->allowed_in(SessionKind::kMember));
}

}  // namespace
}  // namespace drey
