// Giving up: announced numbers, UNPIN, and the question of who lets a surplus copy go.
#include "wire/decode.h"

namespace drey {
namespace {

using decode::bit;
using decode::read_answer;
using decode::write_answer;
constexpr uint32_t kStoredAnswers =
    bit(Answer::kDurable) | bit(Answer::kBusy) | bit(Answer::kFull) | bit(Answer::kRefused);
constexpr uint32_t kKeptAnswers = bit(Answer::kDurable) | bit(Answer::kBusy) |
                                  bit(Answer::kRefused) | bit(Answer::kCorrupt) |
                                  bit(Answer::kNotFound);

}  // namespace

void AnnounceMessage::encode(ByteWriter& to) const {
  to.u32(request);
  to.u64(number);
}

Status AnnounceMessage::decode(Bytes body, AnnounceMessage* to) {
  DREY_TRY(decode::check_size<AnnounceMessage>(body));
  ByteReader from(body);
  to->request = from.u32();
  to->number = from.u64();
  if (to->number == 0) return Status::kInvalid;
  if (to->number > limits::kNumberMax) return Status::kTooLarge;
  return decode::finish(from);
}

void AnnouncedMessage::encode(ByteWriter& to) const { write_answer(to, *this); }
Status AnnouncedMessage::decode(Bytes body, AnnouncedMessage* to) {
  return read_answer(body, kStoredAnswers, to);
}

void UnpinMessage::encode(ByteWriter& to) const {
  to.u32(request);
  to.bytes(statement);
}

Status UnpinMessage::decode(Bytes body, UnpinMessage* to) {
  DREY_TRY(decode::check_size<UnpinMessage>(body));
  ByteReader from(body);
  to->request = from.u32();
  to->statement = from.bytes(body.size() - 4);
  return decode::finish(from);
}

void UnpinNowMessage::encode(ByteWriter& to) const {
  to.u32(request);
  to.bytes(cosignature);
  to.bytes(statement);
}

Status UnpinNowMessage::decode(Bytes body, UnpinNowMessage* to) {
  DREY_TRY(decode::check_size<UnpinNowMessage>(body));
  ByteReader from(body);
  to->request = from.u32();
  from.copy(to->cosignature);
  to->statement = from.bytes(from.left());
  return decode::finish(from);
}

void UnpinnedMessage::encode(ByteWriter& to) const { write_answer(to, *this); }
Status UnpinnedMessage::decode(Bytes body, UnpinnedMessage* to) {
  return read_answer(body, kStoredAnswers, to);
}

void KeepMessage::encode(ByteWriter& to) const {
  to.u32(request);
  to.bytes(c.bytes());
  to.u8(static_cast<uint8_t>(pins.size()));
  to.bytes(decode::row_bytes(pins));
}

Status KeepMessage::decode(Bytes body, KeepMessage* to) {
  DREY_TRY(decode::check_size<KeepMessage>(body));
  ByteReader from(body);
  to->request = from.u32();
  decode::id(from, &to->c);
  size_t count = from.u8();
  if (!from.ok() || count == 0 || count > limits::kMembersMax) return Status::kInvalid;
  to->pins = decode::rows<StatementKey>(from, count);
  if (!from.at_end()) return Status::kInvalid;
  for (size_t i = 1; i < count; ++i)
    if (to->pins[i] <= to->pins[i - 1]) return Status::kInvalid;
  return Status::kOk;
}

void KeptMessage::encode(ByteWriter& to) const { write_answer(to, *this); }
Status KeptMessage::decode(Bytes body, KeptMessage* to) {
  return read_answer(body, kKeptAnswers, to);
}

}  // namespace drey
