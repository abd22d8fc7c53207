// The shared parsers: what they accept, they print and read again as the same.
#include "base/text.h"
#include "drey/check.h"

namespace {

void round_trip_address(std::string_view text) {
  using namespace drey;
  Result<Address> address = parse_address(text);
  if (!address.ok()) return;
  char buffer[kAddressTextMax];
  Result<size_t> size = format_address(address.value(), buffer);
  DREY_CHECK(size.ok());
  Result<Address> again = parse_address({buffer, size.value()});
  DREY_CHECK(again.ok());
  // A scope on an IPv4-mapped address has no written form.
  if (!is_ipv4(address.value())) DREY_CHECK(again.value() == address.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace drey;
  std::string_view text = as_text({data, size});
  round_trip_address(text);
  static_cast<void>(parse_size(text).ok() + parse_seconds(text).ok() + parse_bool(text).ok());
  static char buffer[1 << 16];
  TextWriter writer(std::span<char>(buffer, size * 3));
  writer.json_string(text);
  if (writer.ok()) DREY_CHECK(is_utf8(writer.view()));
  size_t middle = text.find('\n');
  if (middle == std::string_view::npos) middle = size / 2;
  std::string_view pattern = text.substr(0, middle);
  if (path_match(pattern, text.substr(middle))) DREY_CHECK(is_pattern(pattern));
  static_cast<void>(glob_match(pattern, text.substr(middle)));
  return 0;
}
