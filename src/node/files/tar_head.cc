#include "node/files/tar_head.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "drey/check.h"

namespace drey {
namespace {

constexpr uint64_t kOctal11Max = (1ull << 33) - 1;  // what eleven octal digits can say
constexpr uint64_t kOctal7Max = (1ull << 21) - 1;
constexpr size_t kNameField = 100;

// One ustar header (IEEE Std 1003.1, "ustar Interchange Format").
class Header {
 public:
  explicit Header(MutBytes to) : to_(to.first(kTarBlock)) { std::memset(to_.data(), 0, kTarBlock); }
  void text(size_t at, size_t room, std::string_view value) {
    std::copy_n(value.begin(), std::min(room, value.size()), to_.begin() + static_cast<long>(at));
  }
  // `digits` octal digits and a NUL; what does not fit stands in a pax record and is 0 here.
  void octal(size_t at, size_t digits, uint64_t value) {
    if (value >> (3 * digits) != 0) value = 0;
    for (size_t i = digits; i-- > 0; value >>= 3)
      to_[at + i] = static_cast<uint8_t>('0' + (value & 7));
  }
  void fill(std::string_view name, char type, uint16_t mode, uint64_t size, uint64_t mtime_s) {
    text(0, kNameField, name);
    octal(100, 7, mode);
    octal(124, 11, size);
    octal(136, 11, mtime_s);
    to_[156] = static_cast<uint8_t>(type);
    text(257, 8,
         std::string_view("ustar\0"
                          "00",
                          8));
  }
  void seal() {
    std::memset(to_.data() + 148, ' ', 8);
    uint64_t sum = 0;
    for (uint8_t byte : to_) sum += byte;
    octal(148, 6, sum);
    to_[154] = 0;
  }

 private:
  MutBytes to_;
};

// "LENGTH KEY=VALUE\n", where LENGTH counts itself.
void pax_record(TextWriter& out, std::string_view key, std::string_view value) {
  size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  for (size_t digits = 1, ten = 10; length >= ten; ten *= 10) length = rest + ++digits;
  out.decimal(length).text(" ").text(key).text("=").text(value).text("\n");
}

void pax_number(TextWriter& out, std::string_view key, uint64_t value) {
  char text[24];
  TextWriter number{std::span<char>(text)};
  pax_record(out, key, number.decimal(value).view());
}

char type_of(FileKind kind) {
  switch (kind) {
    case FileKind::kFile:
      return '0';
    case FileKind::kSymlink:
      return '2';
    case FileKind::kCharDevice:
      return '3';
    case FileKind::kBlockDevice:
      return '4';
    case FileKind::kDir:
      return '5';
    case FileKind::kFifo:
      return '6';
    default:
      return 0;
  }
}

}  // namespace

size_t write_tar_head(std::string_view path, const Entry& entry, MutBytes to) {
  DREY_CHECK(to.size() >= kTarHeadMax);
  char type = type_of(entry.kind);
  if (type == 0) return 0;
  uint64_t mtime_s = entry.mtime_ns > 0 ? static_cast<uint64_t>(entry.mtime_ns / 1'000'000'000) : 0;
  std::string_view link = as_text(entry.link);
  MutBytes body = to.subspan(kTarBlock);
  TextWriter pax{std::span<char>(reinterpret_cast<char*>(body.data()), body.size())};
  if (path.size() > kNameField) pax_record(pax, "path", path);
  if (link.size() > kNameField) pax_record(pax, "linkpath", link);
  if (entry.size > kOctal11Max) pax_number(pax, "size", entry.size);
  if (entry.uid > kOctal7Max) pax_number(pax, "uid", entry.uid);
  if (entry.gid > kOctal7Max) pax_number(pax, "gid", entry.gid);
  DREY_CHECK(pax.ok());
  size_t at = 0;
  if (pax.size() > 0) {
    size_t padded = (pax.size() + kTarBlock - 1) / kTarBlock * kTarBlock;
    std::memset(body.data() + pax.size(), 0, padded - pax.size());
    Header extended(to);
    extended.fill("pax", 'x', 0600, pax.size(), mtime_s);
    extended.seal();
    at = kTarBlock + padded;
  }
  Header header(to.subspan(at));
  header.fill(path, type, entry.mode, entry.size, mtime_s);
  header.octal(108, 7, entry.uid);
  header.octal(116, 7, entry.gid);
  header.text(157, kNameField, link);
  header.octal(329, 7, entry.rdev_major);
  header.octal(337, 7, entry.rdev_minor);
  header.seal();
  return at + kTarBlock;
}

}  // namespace drey
