#include "wire/knock.h"

#include <gtest/gtest.h>

namespace drey {
namespace {

Secret<32> key_of(uint8_t value) {
  Secret<32> key;
  key.raw.fill(value);
  return key;
}

NodeId node_of(uint8_t value) {
  NodeId id;
  id.raw.fill(value);
  return id;
}

Knock member_knock(const Secret<32>& key, const NodeId& callee) {
  Knock knock;
  knock.key_number = 7;
  knock.nonce.fill(9);
  knock.tag = knock_tag(key, knock, callee);
  return knock;
}

Status reread(const Knock& knock, Knock* back) {
  KnockBytes bytes;
  encode_knock(knock, &bytes);
  return decode_knock(bytes, back);
}

TEST(Knock, OfAMemberComesBackAndFits) {
  Knock back;
  ASSERT_EQ(reread(member_knock(key_of(1), node_of(2)), &back), Status::kOk);
  EXPECT_EQ(back.kind, SessionKind::kMember);
  EXPECT_EQ(back.key_number, 7u);
  EXPECT_TRUE(knock_fits(key_of(1), back, node_of(2)));
}

TEST(Knock, FitsNoOtherKeyAndNoOtherCallee) {
  Knock knock = member_knock(key_of(1), node_of(2));
  EXPECT_FALSE(knock_fits(key_of(3), knock, node_of(2)));
  EXPECT_FALSE(knock_fits(key_of(1), knock, node_of(4)));
}

TEST(Knock, AtAnybodyFitsEveryMember) {
  Knock knock = member_knock(key_of(1), NodeId{});
  EXPECT_TRUE(knock_fits(key_of(1), knock, node_of(2)));
  EXPECT_TRUE(knock_fits(key_of(1), knock, node_of(3)));
  EXPECT_FALSE(knock_fits(key_of(2), knock, node_of(3)));
}

TEST(Knock, OfAJoinerAndOfARecoveryComeBack) {
  Knock knock;
  knock.kind = SessionKind::kPairing;
  knock.room = 0xabcd;
  Knock back;
  ASSERT_EQ(reread(knock, &back), Status::kOk);
  EXPECT_EQ(back.room, 0xabcd);
  knock = {};
  knock.kind = SessionKind::kRecovery;
  knock.recovery_id.fill(5);
  ASSERT_EQ(reread(knock, &back), Status::kOk);
  EXPECT_EQ(back.recovery_id, knock.recovery_id);
}

TEST(Knock, AnyChangedByteIsRefusedOrDoesNotFit) {
  KnockBytes bytes;
  encode_knock(member_knock(key_of(1), node_of(2)), &bytes);
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      KnockBytes changed = bytes;
      changed[at] = static_cast<uint8_t>(changed[at] ^ (1 << bit));
      Knock back;
      if (decode_knock(changed, &back) != Status::kOk) continue;
      bool same_words = at >= 8 && at < 12;  // the key's number only says where to look
      EXPECT_EQ(knock_fits(key_of(1), back, node_of(2)), same_words) << at;
    }
  }
}

TEST(Knock, UnknownKindsAndVersionsAreRefused) {
  KnockBytes bytes{};
  Knock back;
  EXPECT_EQ(decode_knock(bytes, &back), Status::kInvalid);
  encode_knock(Knock{}, &bytes);
  bytes[5] = 4;
  EXPECT_EQ(decode_knock(bytes, &back), Status::kInvalid);
  bytes[5] = 1;
  bytes[4] = 2;
  EXPECT_EQ(decode_knock(bytes, &back), Status::kUnsupported);
}

TEST(Knock, AnswerBringsTheSalt) {
  PairingSalt salt;
  salt.fill(0x5a);
  KnockAnswer answer;
  encode_knock_answer(salt, &answer);
  PairingSalt back;
  ASSERT_EQ(decode_knock_answer(answer, &back), Status::kOk);
  EXPECT_EQ(back, salt);
  answer[7] = 1;
  EXPECT_EQ(decode_knock_answer(answer, &back), Status::kInvalid);
}

TEST(Knock, PairingKeyDependsOnCodeAndSalt) {
  Secret<limits::kPairingCodeBytes> code;
  Secret<limits::kPskBytes> one, two, three, again;
  PairingSalt salt{};
  pairing_psk(code, salt, &one);
  pairing_psk(code, salt, &again);
  EXPECT_EQ(one.raw, again.raw);
  salt[0] = 1;
  pairing_psk(code, salt, &two);
  code.raw[5] = 1;
  pairing_psk(code, salt, &three);
  EXPECT_NE(one.raw, two.raw);
  EXPECT_NE(two.raw, three.raw);
}

}  // namespace
}  // namespace drey
