// HELLO, PING, statements, pairing: messages about the mesh itself.
#include "wire/decode.h"

namespace drey {
namespace {

void write_name(ByteWriter& to, std::string_view name) {
  to.u8(static_cast<uint8_t>(name.size()));
  to.text(name);
}

void write_keys(ByteWriter& to, std::span<const StatementKey> keys) {
  to.u16(static_cast<uint16_t>(keys.size()));
  to.bytes(decode::row_bytes(keys));
}

bool read_keys(ByteReader& from, std::span<const StatementKey>* keys) {
  size_t count = from.u16();
  if (!from.ok() || count > limits::kStatementKeysMax) return false;
  *keys = decode::rows<StatementKey>(from, count);
  return from.at_end();
}

constexpr uint8_t kStoreStateMax = 3;

}  // namespace

void HelloMessage::encode(ByteWriter& to) const {
  to.u16(protocol);
  to.u16(feature);
  to.bytes(node.bytes());
  to.u64(boot_id);
  to.bytes(store_id);
  to.u16(listen_port);
  to.u32(capacity_gib);
  to.u32(free_gib);
  to.u64(number_known);
  to.bytes(membership_digest);
  to.bytes(heads_digest);
  to.u8(state);
  to.bytes(mesh.bytes());
  write_name(to, name.substr(0, limits::kNameBytesMax));
  write_name(to, board.substr(0, limits::kBoardNameBytesMax));
}

Status HelloMessage::decode(Bytes body, HelloMessage* to) {
  DREY_TRY(decode::check_size<HelloMessage>(body));
  ByteReader from(body);
  to->protocol = from.u16();
  if (to->protocol == 0) return Status::kInvalid;
  to->feature = from.u16();
  decode::id(from, &to->node);
  to->boot_id = from.u64();
  from.copy(to->store_id);
  to->listen_port = from.u16();
  to->capacity_gib = from.u32();
  to->free_gib = from.u32();
  to->number_known = from.u64();
  if (to->number_known > limits::kNumberMax) return Status::kTooLarge;
  from.copy(to->membership_digest);
  from.copy(to->heads_digest);
  to->state = from.u8();
  decode::id(from, &to->mesh);
  if (!decode::text(from, limits::kNameBytesMax, &to->name)) return Status::kInvalid;
  if (!decode::text(from, limits::kBoardNameBytesMax, &to->board)) return Status::kInvalid;
  if (to->state > kStoreStateMax) return Status::kInvalid;
  return decode::finish(from);
}

Status PingMessage::decode(Bytes body, PingMessage* to) {
  DREY_TRY(decode::check_size<PingMessage>(body));
  ByteReader from(body);
  to->nonce = from.u64();
  return decode::finish(from);
}

void StatementIdsMessage::encode(ByteWriter& to) const {
  to.u8(kind);
  to.u8(more ? 1 : 0);
  write_keys(to, keys);
}

Status StatementIdsMessage::decode(Bytes body, StatementIdsMessage* to) {
  DREY_TRY(decode::check_size<StatementIdsMessage>(body));
  ByteReader from(body);
  if (!decode::statement_kind(from, &to->kind)) return Status::kInvalid;
  if (!decode::flag(from, &to->more)) return Status::kInvalid;
  return read_keys(from, &to->keys) ? Status::kOk : Status::kInvalid;
}

void StatementGetMessage::encode(ByteWriter& to) const {
  to.u8(kind);
  to.u8(0);
  write_keys(to, keys);
}

Status StatementGetMessage::decode(Bytes body, StatementGetMessage* to) {
  DREY_TRY(decode::check_size<StatementGetMessage>(body));
  ByteReader from(body);
  if (!decode::statement_kind(from, &to->kind)) return Status::kInvalid;
  if (from.u8() != 0) return Status::kInvalid;
  return read_keys(from, &to->keys) ? Status::kOk : Status::kInvalid;
}

void StatementMessage::encode(ByteWriter& to) const {
  to.u8(kind);
  to.bytes(bytes);
}

Status StatementMessage::decode(Bytes body, StatementMessage* to) {
  DREY_TRY(decode::check_size<StatementMessage>(body));
  ByteReader from(body);
  if (!decode::statement_kind(from, &to->kind)) return Status::kInvalid;
  to->bytes = from.bytes(from.left());
  return decode::finish(from);
}

void PairHelloMessage::encode_signed_part(ByteWriter& to) const {
  to.u16(protocol);
  to.u16(feature);
  to.bytes(sign_key);
  to.bytes(wrap_key);
  to.u32(capacity_gib);
  write_name(to, name.substr(0, limits::kNameBytesMax));
}

void PairHelloMessage::encode(ByteWriter& to) const {
  encode_signed_part(to);
  to.bytes(proof);
}

Status PairHelloMessage::decode(Bytes body, PairHelloMessage* to) {
  DREY_TRY(decode::check_size<PairHelloMessage>(body));
  ByteReader from(body);
  to->protocol = from.u16();
  if (to->protocol == 0) return Status::kInvalid;
  to->feature = from.u16();
  from.copy(to->sign_key);
  from.copy(to->wrap_key);
  to->capacity_gib = from.u32();
  if (!decode::text(from, limits::kNameBytesMax, &to->name)) return Status::kInvalid;
  from.copy(to->proof);
  return decode::finish(from);
}

void PairAcceptMessage::encode_signed_part(ByteWriter& to) const {
  to.u8(role);
  to.bytes(mesh.bytes());
  to.bytes(sign_key);
  to.bytes(add.bytes());
  to.u32(disc_number);
  to.bytes(disc_key.bytes());
}

void PairAcceptMessage::encode(ByteWriter& to) const {
  encode_signed_part(to);
  to.bytes(proof);
}

Status PairAcceptMessage::decode(Bytes body, PairAcceptMessage* to) {
  DREY_TRY(decode::check_size<PairAcceptMessage>(body));
  ByteReader from(body);
  to->role = from.u8();
  if (to->role != 1 && to->role != 2) return Status::kInvalid;
  decode::id(from, &to->mesh);
  from.copy(to->sign_key);
  decode::id(from, &to->add);
  to->disc_number = from.u32();
  from.copy(to->disc_key.mut());
  from.copy(to->proof);
  return decode::finish(from);
}

void PairKeyringMessage::encode(ByteWriter& to) const {
  to.u16(static_cast<uint16_t>(blob.size()));
  to.bytes(blob);
}

Status PairKeyringMessage::decode(Bytes body, PairKeyringMessage* to) {
  DREY_TRY(decode::check_size<PairKeyringMessage>(body));
  ByteReader from(body);
  size_t size = from.u16();
  if (size == 0 || size > limits::kKeyringBlobBytesMax) return Status::kInvalid;
  to->blob = from.bytes(size);
  return decode::finish(from);
}

Status PairDoneMessage::decode(Bytes body, PairDoneMessage* to) {
  DREY_TRY(decode::check_size<PairDoneMessage>(body));
  to->status = body[0];
  return Status::kOk;
}

}  // namespace drey
