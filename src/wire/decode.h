// Inside src/wire only: what every decoder begins and ends with.
#pragma once

#include "wire/messages.h"

namespace drey::decode {

// Length first: kTooLarge above M's maximum, kInvalid below its minimum.
template <class M>
Status check_size(Bytes body) {
  if (body.size() > M::kBytesMax) return Status::kTooLarge;
  if (body.size() < M::kBytesMin) return Status::kInvalid;
  return Status::kOk;
}

// Every byte read, and no more.
inline Status finish(const ByteReader& from) {
  return from.at_end() ? Status::kOk : Status::kInvalid;
}

template <class T>
void id(ByteReader& from, T* to) {
  from.copy(to->mut());
}

// One length byte, then the text. False when it is longer than `bytes_max` or cut short.
inline bool text(ByteReader& from, size_t bytes_max, std::string_view* to) {
  size_t size = from.u8();
  if (!from.ok() || size > bytes_max) return false;
  *to = as_text(from.bytes(size));
  return from.ok();
}

inline bool flag(ByteReader& from, bool* to) {
  uint8_t value = from.u8();
  *to = value == 1;
  return from.ok() && value <= 1;
}

// An enumeration of single bytes, as a mask of the accepted ones.
inline bool answer(ByteReader& from, uint32_t accepted, Answer* to) {
  uint8_t value = from.u8();
  if (!from.ok() || value > 31 || ((accepted >> value) & 1) == 0) return false;
  *to = static_cast<Answer>(value);
  return true;
}

constexpr uint32_t bit(Answer answer) { return uint32_t{1} << static_cast<uint8_t>(answer); }

// A whole message that is a request and an answer.
template <class M>
void write_answer(ByteWriter& to, const M& message) {
  to.u32(message.request);
  to.u8(static_cast<uint8_t>(message.answer));
}

template <class M>
Status read_answer(Bytes body, uint32_t accepted, M* to) {
  DREY_TRY(check_size<M>(body));
  ByteReader from(body);
  to->request = from.u32();
  if (!answer(from, accepted, &to->answer)) return Status::kInvalid;
  return finish(from);
}

inline bool chunk_type(ByteReader& from, ChunkType* to) {
  uint8_t value = from.u8();
  if (value != static_cast<uint8_t>(ChunkType::kData) &&
      value != static_cast<uint8_t>(ChunkType::kPage)) {
    return false;
  }
  *to = static_cast<ChunkType>(value);
  return from.ok();
}

inline constexpr uint8_t kStatementKindMax = 15;
inline bool statement_kind(ByteReader& from, uint8_t* to) {
  *to = from.u8();
  return from.ok() && *to != 0 && *to <= kStatementKindMax;
}

// A row type of single bytes: any address is aligned for it.
template <class Row>
std::span<const Row> rows(ByteReader& from, size_t count) {
  static_assert(alignof(Row) == 1);
  Bytes bytes = from.bytes(count * sizeof(Row));
  return {reinterpret_cast<const Row*>(bytes.data()), bytes.size() / sizeof(Row)};
}
template <class Row>
Bytes row_bytes(std::span<const Row> rows) {
  static_assert(alignof(Row) == 1);
  return {reinterpret_cast<const uint8_t*>(rows.data()), rows.size() * sizeof(Row)};
}

}  // namespace drey::decode
