#include "store/marker.h"

#include "crypto/crc32c.h"
#include "drey/limits.h"

namespace drey {
namespace {

constexpr std::string_view kMagic = "DREYDIR\n";
constexpr std::string_view kNewName = "drey.format.new";
constexpr size_t kMarkerBytes = 64;
constexpr size_t kCrcAt = 60;

}  // namespace

Status read_marker(Disk* disk, StoreId* id) {
  Result<Disk::File> file = disk->open(kMarkerName, Disk::kRead);
  DREY_TRY(file.status());
  std::array<uint8_t, kMarkerBytes> raw{};
  Result<size_t> got = disk->read_at(file.value(), 0, raw);
  disk->close(file.value());
  DREY_TRY(got.status());
  ByteReader in(raw);
  if (got.value() < raw.size() || as_text(in.bytes(8)) != kMagic) return Status::kCorrupt;
  if (crc32c(0, Bytes(raw).first(kCrcAt)) != load_le<uint32_t>(&raw[kCrcAt]))
    return Status::kCorrupt;
  uint32_t version = in.u32();
  if (version > limits::kFormatVersion) return Status::kUnsupported;
  in.copy(*id);
  return version == 0 ? Status::kCorrupt : Status::kOk;
}

Status write_marker(Disk* disk, const StoreId& id) {
  std::array<uint8_t, kMarkerBytes> raw{};
  ByteWriter out(raw);
  out.text(kMagic);
  out.u32(limits::kFormatVersion);
  out.bytes(id);
  store_le<uint32_t>(&raw[kCrcAt], crc32c(0, Bytes(raw).first(kCrcAt)));
  Result<Disk::File> file = disk->open(kNewName, Disk::kWrite | Disk::kCreate);
  DREY_TRY(file.status());
  Status status = disk->write_at(file.value(), 0, raw);
  if (ok(status)) status = disk->sync(file.value());
  disk->close(file.value());
  DREY_TRY(status);
  DREY_TRY(disk->rename(kNewName, kMarkerName));
  return disk->sync_dir("");
}

}  // namespace drey
