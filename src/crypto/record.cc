#include "crypto/record.h"

namespace drey {

static_assert(kRecordHeaderBytes == 4 + 2 + 1 + 1 + 8 + 12);
// Whatever fits a chunk fits a record, stored raw: the worst case.
static_assert(padme_size(kRecordBytesMin + limits::kChunkBytesMax) <= limits::kRecordBytesMax);

Status inspect_record(Bytes record, RecordInfo* info) {
  if (record.size() > limits::kRecordBytesMax) return Status::kTooLarge;
  if (record.size() < kRecordBytesMin) return Status::kInvalid;
  ByteReader reader(record);
  Bytes magic = reader.bytes(kRecordMagic.size());
  if (!equal(magic, kRecordMagic)) return Status::kInvalid;
  info->version = reader.u16();
  info->algorithm = reader.u8();
  uint8_t type = reader.u8();
  info->epoch = reader.u64();
  if (info->version == 0 || info->algorithm == 0) return Status::kInvalid;
  if (info->version != kRecordVersion || info->algorithm != kRecordAlgorithm)
    return Status::kUnsupported;
  if (padme_size(record.size()) != record.size()) return Status::kInvalid;
  if (type != static_cast<uint8_t>(ChunkType::kData) &&
      type != static_cast<uint8_t>(ChunkType::kPage))
    return Status::kInvalid;
  info->type = static_cast<ChunkType>(type);
  return info->epoch != 0 ? Status::kOk : Status::kInvalid;
}

}  // namespace drey
