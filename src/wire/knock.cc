#include "wire/knock.h"

#include "crypto/hash.h"
#include "drey/check.h"

namespace drey {
namespace {

constexpr std::array<uint8_t, 4> kKnockMagic = {'D', 'R', 'K', 'N'};
constexpr std::array<uint8_t, 4> kAnswerMagic = {'D', 'R', 'K', 'A'};
constexpr uint8_t kKnockVersion = 1;
constexpr std::string_view kTagLabel = "drey knock 1";

bool read_zeros(ByteReader& from, size_t count) {
  for (uint8_t byte : from.bytes(count))
    if (byte != 0) return false;
  return from.ok();
}

}  // namespace

void encode_knock(const Knock& knock, KnockBytes* to) {
  ByteWriter writer(*to);
  writer.bytes(kKnockMagic);
  writer.u8(kKnockVersion);
  writer.u8(static_cast<uint8_t>(knock.kind));
  writer.u16(knock.kind == SessionKind::kPairing ? knock.room : uint16_t{0});
  if (knock.kind == SessionKind::kMember) {
    writer.u32(knock.key_number);
    writer.bytes(knock.nonce);
    writer.bytes(knock.tag);
  } else if (knock.kind == SessionKind::kRecovery) {
    writer.bytes(knock.recovery_id);
  }
  writer.zeros(to->size() - writer.size());
  DREY_CHECK(writer.ok());
}

Status decode_knock(const KnockBytes& from, Knock* to) {
  ByteReader reader(from);
  if (!equal(reader.bytes(kKnockMagic.size()), kKnockMagic)) return Status::kInvalid;
  if (reader.u8() != kKnockVersion) return Status::kUnsupported;
  uint8_t kind = reader.u8();
  uint16_t room = reader.u16();
  *to = {};
  switch (kind) {
    case static_cast<uint8_t>(SessionKind::kMember):
      to->key_number = reader.u32();
      reader.copy(to->nonce);
      reader.copy(to->tag);
      break;
    case static_cast<uint8_t>(SessionKind::kPairing):
      to->room = room;
      break;
    case static_cast<uint8_t>(SessionKind::kRecovery):
      reader.copy(to->recovery_id);
      break;
    default:
      return Status::kInvalid;
  }
  to->kind = static_cast<SessionKind>(kind);
  if (to->kind != SessionKind::kPairing && room != 0) return Status::kInvalid;
  return read_zeros(reader, reader.left()) ? Status::kOk : Status::kInvalid;
}

Key32 knock_tag(const Secret<32>& key, const Knock& knock, const NodeId& callee) {
  HmacSha256 mac(key.bytes());
  mac.update(as_bytes(kTagLabel));
  mac.update(knock.nonce);
  mac.update(callee.bytes());
  return mac.finish();
}

bool knock_fits(const Secret<32>& key, const Knock& knock, const NodeId& self) {
  bool mine = equal_constant_time(knock_tag(key, knock, self), knock.tag);
  bool anybody = equal_constant_time(knock_tag(key, knock, NodeId{}), knock.tag);
  return mine || anybody;
}

void encode_knock_answer(const PairingSalt& salt, KnockAnswer* to) {
  ByteWriter writer(*to);
  writer.bytes(kAnswerMagic);
  writer.u8(kKnockVersion);
  writer.zeros(3);
  writer.bytes(salt);
  DREY_CHECK(writer.ok() && writer.size() == to->size());
}

Status decode_knock_answer(const KnockAnswer& from, PairingSalt* to) {
  ByteReader reader(from);
  if (!equal(reader.bytes(kAnswerMagic.size()), kAnswerMagic)) return Status::kInvalid;
  if (reader.u8() != kKnockVersion) return Status::kUnsupported;
  if (!read_zeros(reader, 3)) return Status::kInvalid;
  reader.copy(*to);
  return reader.at_end() ? Status::kOk : Status::kInvalid;
}

void pairing_psk(const Secret<limits::kPairingCodeBytes>& code, const PairingSalt& salt,
                 Secret<limits::kPskBytes>* psk) {
  pbkdf2_sha256(code.bytes(), salt, limits::kPairingIterations, psk->mut());
}

}  // namespace drey
