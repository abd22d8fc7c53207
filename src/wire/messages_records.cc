// PIN, PUT, GET and digests: messages about records.
#include "wire/decode.h"

namespace drey {
namespace {

using decode::bit;
using decode::read_answer;
using decode::write_answer;
constexpr uint32_t kPinnedAnswers = bit(Answer::kDurable) | bit(Answer::kWant) |
                                    bit(Answer::kBusy) | bit(Answer::kFull) | bit(Answer::kRefused);
constexpr uint32_t kStoredAnswers = bit(Answer::kDurable) | bit(Answer::kBusy) |
                                    bit(Answer::kFull) | bit(Answer::kRefused) |
                                    bit(Answer::kCorrupt);
constexpr uint32_t kMissingAnswers =
    bit(Answer::kBusy) | bit(Answer::kRefused) | bit(Answer::kCorrupt) | bit(Answer::kNotFound);

template <class M>
void write_request_chunk(ByteWriter& to, const M& message) {
  to.u32(message.request);
  to.bytes(message.c.bytes());
}

template <class M>
Status read_request_chunk(Bytes body, M* to) {
  DREY_TRY(decode::check_size<M>(body));
  ByteReader from(body);
  to->request = from.u32();
  decode::id(from, &to->c);
  return decode::finish(from);
}

}  // namespace

void PinMessage::encode(ByteWriter& to) const {
  write_request_chunk(to, *this);
  to.u8(static_cast<uint8_t>(type));
  to.u32(size);
  to.bytes(owner.bytes());
  to.u64(number);
}

Status PinMessage::decode(Bytes body, PinMessage* to) {
  DREY_TRY(decode::check_size<PinMessage>(body));
  ByteReader from(body);
  to->request = from.u32();
  decode::id(from, &to->c);
  if (!decode::chunk_type(from, &to->type)) return Status::kInvalid;
  to->size = from.u32();
  if (to->size == 0) return Status::kInvalid;
  if (to->size > limits::kRecordBytesMax) return Status::kTooLarge;
  decode::id(from, &to->owner);
  to->number = from.u64();
  return decode::finish(from);
}

void PinnedMessage::encode(ByteWriter& to) const { write_answer(to, *this); }
Status PinnedMessage::decode(Bytes body, PinnedMessage* to) {
  return read_answer(body, kPinnedAnswers, to);
}

void StoredMessage::encode(ByteWriter& to) const { write_answer(to, *this); }
Status StoredMessage::decode(Bytes body, StoredMessage* to) {
  return read_answer(body, kStoredAnswers, to);
}

void MissingMessage::encode(ByteWriter& to) const { write_answer(to, *this); }
Status MissingMessage::decode(Bytes body, MissingMessage* to) {
  return read_answer(body, kMissingAnswers, to);
}

void PutHead::encode(ByteWriter& to) const {
  write_request_chunk(to, *this);
  to.u8(static_cast<uint8_t>(type));
  to.bytes(owner.bytes());
  to.u64(number);
}

Status PutHead::decode(Bytes head, PutHead* to) {
  DREY_TRY(decode::check_size<PutHead>(head));
  ByteReader from(head);
  to->request = from.u32();
  decode::id(from, &to->c);
  if (!decode::chunk_type(from, &to->type)) return Status::kInvalid;
  decode::id(from, &to->owner);
  to->number = from.u64();
  return decode::finish(from);
}

void GetMessage::encode(ByteWriter& to) const { write_request_chunk(to, *this); }
Status GetMessage::decode(Bytes body, GetMessage* to) { return read_request_chunk(body, to); }

void DataHead::encode(ByteWriter& to) const { write_request_chunk(to, *this); }
Status DataHead::decode(Bytes head, DataHead* to) { return read_request_chunk(head, to); }

void LessMessage::encode(ByteWriter& to) const { to.u64(damaged); }
Status LessMessage::decode(Bytes body, LessMessage* to) {
  DREY_TRY(decode::check_size<LessMessage>(body));
  ByteReader from(body);
  to->damaged = from.u64();
  return decode::finish(from);
}

void FreedMessage::encode(ByteWriter& to) const { to.u64(records); }
Status FreedMessage::decode(Bytes body, FreedMessage* to) {
  DREY_TRY(decode::check_size<FreedMessage>(body));
  ByteReader from(body);
  to->records = from.u64();
  return decode::finish(from);
}

void DigestMessage::encode(ByteWriter& to) const {
  to.u32(request);
  to.bytes(owner.bytes());
}

Status DigestMessage::decode(Bytes body, DigestMessage* to) {
  DREY_TRY(decode::check_size<DigestMessage>(body));
  ByteReader from(body);
  to->request = from.u32();
  decode::id(from, &to->owner);
  return decode::finish(from);
}

void DigestsMessage::encode(ByteWriter& to) const {
  to.u32(request);
  for (const PinDigest& bucket : buckets) {
    to.u32(bucket.count);
    to.u64(bucket.sum_hi);
    to.u64(bucket.sum_lo);
  }
}

Status DigestsMessage::decode(Bytes body, DigestsMessage* to) {
  DREY_TRY(decode::check_size<DigestsMessage>(body));
  ByteReader from(body);
  to->request = from.u32();
  for (PinDigest& bucket : to->buckets) {
    bucket.count = from.u32();
    bucket.sum_hi = from.u64();
    bucket.sum_lo = from.u64();
  }
  return decode::finish(from);
}

void PinnedListMessage::encode(ByteWriter& to) const {
  to.u32(request);
  to.bytes(owner.bytes());
  to.u8(bucket);
  to.bytes(after.bytes());
}

Status PinnedListMessage::decode(Bytes body, PinnedListMessage* to) {
  DREY_TRY(decode::check_size<PinnedListMessage>(body));
  ByteReader from(body);
  to->request = from.u32();
  decode::id(from, &to->owner);
  to->bucket = from.u8();
  decode::id(from, &to->after);
  return decode::finish(from);
}

void PinnedChunksMessage::encode(ByteWriter& to) const {
  to.u32(request);
  to.u8(bucket);
  to.u8(more ? 1 : 0);
  to.u16(static_cast<uint16_t>(chunks.size()));
  to.bytes(decode::row_bytes(chunks));
}

Status PinnedChunksMessage::decode(Bytes body, PinnedChunksMessage* to) {
  DREY_TRY(decode::check_size<PinnedChunksMessage>(body));
  ByteReader from(body);
  to->request = from.u32();
  to->bucket = from.u8();
  if (!decode::flag(from, &to->more)) return Status::kInvalid;
  size_t count = from.u16();
  if (!from.ok() || count > limits::kPinnedChunksMax) return Status::kInvalid;
  to->chunks = decode::rows<ChunkId>(from, count);
  if (!from.at_end()) return Status::kInvalid;
  if (to->more && count == 0) return Status::kInvalid;  // would ask for the same again, forever
  for (size_t i = 0; i < count; ++i) {
    if (to->chunks[i].raw[0] != to->bucket) return Status::kInvalid;
    if (i > 0 && to->chunks[i] <= to->chunks[i - 1]) return Status::kInvalid;
  }
  return Status::kOk;
}

}  // namespace drey
