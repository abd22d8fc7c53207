// Addresses as text: RFC 4291 forms are read, the RFC 5952 form is written.
#include <algorithm>

#include "base/text.h"

namespace drey {

namespace {

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Four decimal numbers without leading zeros (a leading zero would mean octal elsewhere).
bool parse_ipv4(std::string_view text, std::span<uint8_t> to) {
  for (size_t part = 0; part < 4; ++part) {
    size_t end = part < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos || end == 0 || end > 3) return false;
    if (end > 1 && text[0] == '0') return false;
    Result<uint64_t> value = parse_u64(text.substr(0, end));
    if (!value.ok() || value.value() > 255) return false;
    to[part] = static_cast<uint8_t>(value.value());
    text.remove_prefix(part < 3 ? end + 1 : end);
  }
  return text.empty();
}

bool parse_group(std::string_view text, uint8_t* to) {
  if (text.empty() || text.size() > 4) return false;
  char padded[4] = {'0', '0', '0', '0'};
  std::copy(text.begin(), text.end(), padded + 4 - text.size());
  return ok(hex_decode({padded, 4}, {to, 2}));
}

// The groups of one side of "::" (or of the whole address); returns the bytes written or -1.
int parse_groups(std::string_view text, std::span<uint8_t> to) {
  size_t at = 0;
  while (!text.empty()) {
    size_t end = std::min(text.find(':'), text.size());
    std::string_view group = text.substr(0, end);
    if (end == text.size() && group.find('.') != std::string_view::npos) {
      if (at + 4 > to.size() || !parse_ipv4(group, to.subspan(at, 4))) return -1;
      return static_cast<int>(at + 4);
    }
    if (at + 2 > to.size() || !parse_group(group, to.data() + at)) return -1;
    at += 2;
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
    if (text.empty()) return -1;  // a lone colon at the end
  }
  return static_cast<int>(at);
}

bool parse_ipv6(std::string_view text, std::array<uint8_t, 16>* ip) {
  ip->fill(0);
  size_t gap = text.find("::");
  if (gap == std::string_view::npos) return parse_groups(text, *ip) == 16;
  std::array<uint8_t, 16> tail{};
  std::string_view head_text = text.substr(0, gap);
  std::string_view tail_text = text.substr(gap + 2);
  if (head_text.find('.') != std::string_view::npos) return false;
  int head_size = parse_groups(head_text, *ip);
  int tail_size = parse_groups(tail_text, tail);
  if (head_size < 0 || tail_size < 0 || head_size + tail_size > 14) return false;
  std::copy_n(tail.begin(), tail_size, ip->begin() + 16 - tail_size);
  return true;
}

uint16_t group_of(const Address& address, size_t index) {
  return static_cast<uint16_t>(address.ip[2 * index] << 8 | address.ip[2 * index + 1]);
}

// RFC 5952: the longest run of two or more zero groups becomes "::", the first one of equals.
void write_ipv6(const Address& address, TextWriter* writer) {
  size_t best = 8, best_length = 1;
  for (size_t i = 0; i < 8; ++i) {
    size_t length = 0;
    while (i + length < 8 && group_of(address, i + length) == 0) ++length;
    if (length > best_length) {
      best = i;
      best_length = length;
    }
  }
  for (size_t i = 0; i < 8;) {
    if (i == best) {
      writer->text("::");
      i += best_length;
      continue;
    }
    if (i != 0 && i != best + best_length) writer->character(':');
    writer->format("%x", group_of(address, i));
    ++i;
  }
}

}  // namespace

bool is_ipv4(const Address& address) {
  return std::equal(std::begin(kMappedPrefix), std::end(kMappedPrefix), address.ip.begin());
}

bool is_loopback(const Address& address) {
  static constexpr uint8_t kOne[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (is_ipv4(address)) return address.ip[12] == 127;
  return std::equal(std::begin(kOne), std::end(kOne), address.ip.begin());
}

Result<Address> parse_ip(std::string_view text) {
  Address address;
  std::copy(std::begin(kMappedPrefix), std::end(kMappedPrefix), address.ip.begin());
  if (parse_ipv4(text, std::span(address.ip).subspan(12))) return address;
  if (size_t percent = text.find('%'); percent != std::string_view::npos) {
    Result<uint64_t> scope = parse_u64(text.substr(percent + 1));
    if (!scope.ok() || scope.value() == 0 || scope.value() > UINT32_MAX) return Status::kInvalid;
    address.scope = static_cast<uint32_t>(scope.value());
    text = text.substr(0, percent);
  }
  if (text.find(':') == std::string_view::npos || text.size() > 45) return Status::kInvalid;
  if (!parse_ipv6(text, &address.ip)) return Status::kInvalid;
  return address;
}

Result<Address> parse_address(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.size() > kAddressTextMax) return Status::kInvalid;
  std::string_view host = text.substr(0, colon);
  Result<uint64_t> port = parse_u64(text.substr(colon + 1));
  if (!port.ok() || port.value() == 0 || port.value() > 65535) return Status::kInvalid;
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // "1::2:80" would be ambiguous: an IPv6 address stands in brackets, an IPv4 one does not.
  if (bracketed != (host.find(':') != std::string_view::npos)) return Status::kInvalid;
  Result<Address> address = parse_ip(host);
  if (address.ok()) address.value().port = static_cast<uint16_t>(port.value());
  return address;
}

Result<size_t> format_address(const Address& address, std::span<char> to) {
  char buffer[kAddressTextMax];
  TextWriter writer(buffer);
  if (is_ipv4(address)) {
    for (size_t i = 12; i < 16; ++i) {
      if (i > 12) writer.character('.');
      writer.decimal(address.ip[i]);
    }
  } else {
    writer.character('[');
    write_ipv6(address, &writer);
    if (address.scope != 0) writer.character('%').decimal(address.scope);
    writer.character(']');
  }
  writer.character(':').decimal(address.port);
  if (!writer.ok() || writer.size() > to.size()) return Status::kTooLarge;
  std::copy_n(buffer, writer.size(), to.begin());
  return writer.size();
}

}  // namespace drey
