// Views of bytes, integers of either byte order, and bounded cursors to write and read them.
// A cursor that overruns stays failed: check ok() once at the end. Views never outlive the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace drey {

using Bytes = std::span<const uint8_t>;
using MutBytes = std::span<uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline bool equal(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}
// For secrets and tags: time depends on the sizes only.
bool equal_constant_time(Bytes a, Bytes b);
// Overwrites memory in a way the compiler keeps.
void wipe(MutBytes bytes);

template <class T>
inline void store_le(uint8_t* to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<uint8_t>(value >> (8 * i));
}
template <class T>
inline T load_le(const uint8_t* from) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value | (static_cast<T>(from[i]) << (8 * i)));
  return value;
}
// Big endian: for keys that sort by their number.
template <class T>
inline void store_be(uint8_t* to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    to[i] = static_cast<uint8_t>(value >> (8 * (sizeof(T) - 1 - i)));
}
template <class T>
inline T load_be(const uint8_t* from) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>((static_cast<uint64_t>(value) << 8) | from[i]);
  return value;
}

class ByteWriter {
 public:
  explicit ByteWriter(MutBytes to) : to_(to) {}
  void u8(uint8_t v) { integer(v); }
  void u16(uint16_t v) { integer(v); }
  void u32(uint32_t v) { integer(v); }
  void u64(uint64_t v) { integer(v); }
  void bytes(Bytes v) {
    if (!room(v.size())) return;
    if (!v.empty()) std::memcpy(to_.data() + at_, v.data(), v.size());
    at_ += v.size();
  }
  void text(std::string_view v) { bytes(as_bytes(v)); }
  void zeros(size_t count) {
    if (!room(count)) return;
    std::memset(to_.data() + at_, 0, count);
    at_ += count;
  }
  bool ok() const { return ok_; }
  size_t size() const { return at_; }
  Bytes written() const { return to_.first(at_); }

 private:
  bool room(size_t count) { return ok_ = ok_ && to_.size() - at_ >= count; }
  template <class T>
  void integer(T v) {
    if (!room(sizeof(T))) return;
    store_le(to_.data() + at_, v);
    at_ += sizeof(T);
  }
  MutBytes to_;
  size_t at_ = 0;
  bool ok_ = true;
};

class ByteReader {
 public:
  explicit ByteReader(Bytes from) : from_(from) {}
  uint8_t u8() { return integer<uint8_t>(); }
  uint16_t u16() { return integer<uint16_t>(); }
  uint32_t u32() { return integer<uint32_t>(); }
  uint64_t u64() { return integer<uint64_t>(); }
  // A view of the next `count` bytes, or an empty one (and ok() turns false) when fewer are left.
  Bytes bytes(size_t count) {
    if (!room(count)) return {};
    at_ += count;
    return from_.subspan(at_ - count, count);
  }
  void copy(MutBytes to) {
    Bytes from = bytes(to.size());
    if (ok_ && !to.empty()) std::memcpy(to.data(), from.data(), to.size());
  }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && at_ == from_.size(); }
  size_t left() const { return from_.size() - at_; }
  size_t position() const { return at_; }

 private:
  bool room(size_t count) { return ok_ = ok_ && from_.size() - at_ >= count; }
  template <class T>
  T integer() {
    if (!room(sizeof(T))) return 0;
    at_ += sizeof(T);
    return load_le<T>(from_.data() + at_ - sizeof(T));
  }
  Bytes from_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace drey
