// Bounded text: a writer that never overflows, and the parsers and formatters everyone shares.
// Objects belong to their caller, any thread, nothing outlives the call, nothing allocates.
// Parsers are strict: the whole input must be used; they return kInvalid (malformed) or kTooLarge
// (well-formed, but beyond 64 bits or the named limit).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "drey/bytes.h"
#include "drey/ports.h"
#include "drey/status.h"

namespace drey {

// Appends to a fixed array. A call that does not fit writes nothing and ok() stays false from then
// on: check it once at the end. No terminating NUL; c_str() adds one where there is room.
class TextWriter {
 public:
  explicit TextWriter(std::span<char> to) : to_(to) {}
  TextWriter& text(std::string_view v);
  TextWriter& character(char c);
  TextWriter& decimal(uint64_t v);
  TextWriter& decimal_signed(int64_t v);
  TextWriter& hex(Bytes v);  // lower case, two digits per byte
  // A JSON string with its quotes. Control bytes, '<', '>' and '&' become \u00XX (so that it may
  // stand inside a page); bytes that are not UTF-8 become U+FFFD, one each.
  TextWriter& json_string(std::string_view v);
  TextWriter& html(std::string_view v);     // & < > " ' escaped, other bytes unchanged
  TextWriter& percent(std::string_view v);  // for a URL: all but letters, digits and .-_ as %xx
  // "1.5 GiB", "0 bytes"; one decimal, rounded down.
  TextWriter& human_bytes(uint64_t v);
  TextWriter& address(const Address& v);  // "192.0.2.1:80", "[::1]:80", "[fe80::1%3]:80"
  TextWriter& format(const char* format, ...) __attribute__((format(printf, 2, 3)));

  bool ok() const { return ok_; }
  size_t size() const { return at_; }
  size_t room() const { return to_.size() - at_; }
  std::string_view view() const { return {to_.data(), at_}; }
  // Terminated text, or "" when even the NUL has no room.
  const char* c_str();
  // Forgets everything after the first `size` bytes and the failure with it.
  void rewind(size_t size);

 private:
  bool take(size_t count) { return ok_ = ok_ && to_.size() - at_ >= count; }
  std::span<char> to_;
  size_t at_ = 0;
  bool ok_ = true;
};

Result<uint64_t> parse_u64(std::string_view text);  // decimal digits only
// Digits and an optional K, M, G or T (powers of 1024), optionally followed by "B" or "iB".
Result<uint64_t> parse_size(std::string_view text);
// Digits and an optional s, m, h, d or w; plain digits are seconds.
Result<uint64_t> parse_seconds(std::string_view text);
Result<bool> parse_bool(std::string_view text);  // yes/no, true/false, on/off, 1/0

// "A.B.C.D:PORT" or "[v6]:PORT", "[v6%3]:PORT"; the port is 1..65535. No names.
Result<Address> parse_address(std::string_view text);
// The address alone, without brackets and port.
Result<Address> parse_ip(std::string_view text);
// The shortest form (RFC 5952); v4-mapped addresses as IPv4. Returns the size written, kTooLarge.
inline constexpr size_t kAddressTextMax = 64;
Result<size_t> format_address(const Address& address, std::span<char> to);
bool is_ipv4(const Address& address);
bool is_loopback(const Address& address);  // 127.0.0.0/8, ::1

// Writes 2 * from.size() lower-case digits; false when `to` is smaller.
bool hex_encode(Bytes from, std::span<char> to);
// Decodes exactly to.size() bytes of either case; anything else is kInvalid.
Status hex_decode(std::string_view text, MutBytes to);

// In a query and a form '+' is a space, in a path it is itself.
enum class PercentIn : uint8_t { kPath, kForm };
// Resolves %XX. Gives the size, at most text.size(); `to` may be `text`'s own bytes. kInvalid: a
// broken escape; kTooLarge.
Result<size_t> percent_decode(std::string_view text, PercentIn where, std::span<char> to);

bool is_utf8(std::string_view text);  // well-formed (RFC 3629), no surrogates
// A name for a node, mesh, set or zone: 1..63 bytes of UTF-8 without control bytes and '/'.
bool is_name(std::string_view text);

// One component against a pattern: `*` any run, `?` one byte, `[a-z]` `[!a]` `[^a]` a class,
// `\c` c itself. Bytes, not characters. A malformed class matches nothing.
// Time is at most pattern size * name size.
bool glob_match(std::string_view pattern, std::string_view name);
// A path against an exclude pattern, as restic does it: a pattern that starts with '/' is anchored
// at the root, any other may start at every component; `**` stands for any number of components;
// what lies beneath a match matches too.
bool path_match(std::string_view pattern, std::string_view path);
// True when glob_match can match something: non-empty, classes closed, no lone '\' at the end.
bool is_pattern(std::string_view pattern);

}  // namespace drey
