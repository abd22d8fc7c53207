#include "backup/head_body.h"

#include <algorithm>

#include "drey/check.h"

namespace drey {
namespace {

constexpr size_t kFixedBytes = 4 + limits::kNameBytesMax + 5 * 8 + 64 + 2;
static_assert(kFixedBytes + SnapshotInfo::kPathsBytesMax <= kHeadBodyBytes);

}  // namespace

void encode_head_body(const SnapshotInfo& info, MutBytes to) {
  DREY_CHECK(to.size() == kHeadBodyBytes);
  ByteWriter writer(to);
  writer.u8(kHeadBodyVersion);
  writer.u8(info.root_level);
  writer.u8(info.paths_cut ? 1 : 0);
  writer.u8(info.set_size);
  writer.text(info.set());
  writer.zeros(limits::kNameBytesMax - info.set_size);
  writer.u64(static_cast<uint64_t>(info.time_ns));
  writer.u64(info.files);
  writer.u64(info.bytes);
  writer.u64(info.added_bytes);
  writer.u64(info.errors);
  writer.bytes(info.root_d.bytes());
  writer.bytes(info.root_c.bytes());
  writer.u16(info.paths_size);
  writer.text(info.paths());
  writer.zeros(kHeadBodyBytes - writer.size());
  DREY_CHECK(writer.ok());
}

Status decode_head_body(Bytes from, SnapshotInfo* info) {
  if (from.size() != kHeadBodyBytes) return Status::kInvalid;
  ByteReader reader(from);
  uint8_t version = reader.u8();
  if (version != kHeadBodyVersion)
    return version > kHeadBodyVersion ? Status::kUnsupported : Status::kInvalid;
  info->root_level = reader.u8();
  uint8_t flags = reader.u8();
  info->set_size = reader.u8();
  Bytes set = reader.bytes(limits::kNameBytesMax);
  if (info->set_size == 0 || info->set_size > set.size() || flags > 1) return Status::kInvalid;
  if (info->root_level >= limits::kPageLevelsMax) return Status::kInvalid;
  info->paths_cut = flags != 0;
  std::copy(set.begin(), set.end(), info->set_data.begin());
  info->time_ns = static_cast<int64_t>(reader.u64());
  info->files = reader.u64();
  info->bytes = reader.u64();
  info->added_bytes = reader.u64();
  info->errors = reader.u64();
  reader.copy(info->root_d.mut());
  reader.copy(info->root_c.mut());
  info->paths_size = reader.u16();
  if (info->paths_size > SnapshotInfo::kPathsBytesMax) return Status::kInvalid;
  Bytes paths = reader.bytes(info->paths_size);
  if (!reader.ok() || (!paths.empty() && paths.back() != 0)) return Status::kInvalid;
  std::copy(paths.begin(), paths.end(), info->paths_data.begin());
  return Status::kOk;
}

}  // namespace drey
