#include "backup/page.h"

namespace drey {

void PageWriter::begin(MutBytes room, uint8_t level) {
  room_ = room;
  at_ = kPageHeaderBytes;
  count_ = 0;
  level_ = level;
  last_.clear();
}

bool PageWriter::add(const RowKey& key, Bytes body) {
  size_t shared = 0;
  size_t most = std::min(last_.size, key.path.size());
  while (shared < most && last_.data[shared] == key.path[shared]) ++shared;
  std::string_view suffix = key.path.substr(shared);
  size_t need = kPageEntryOverheadBytes + suffix.size() + body.size();
  if (room_.size() - at_ < need) return false;
  DREY_CHECK(count_ == 0 || compare_keys(last_.key(), key) < 0);
  ByteWriter writer(room_.subspan(at_, need));
  writer.u16(static_cast<uint16_t>(shared));
  writer.u16(static_cast<uint16_t>(suffix.size()));
  writer.text(suffix);
  writer.u64(key.offset);
  writer.u32(static_cast<uint32_t>(body.size()));
  writer.bytes(body);
  DREY_CHECK(writer.ok() && writer.size() == need);
  at_ += need;
  ++count_;
  last_.assign(key);
  return true;
}

Bytes PageWriter::finish() {
  ByteWriter writer(room_.first(kPageHeaderBytes));
  writer.u8('P');
  writer.u8(kPageVersion);
  writer.u8(level_);
  writer.u8(0);
  writer.u32(count_);
  return room_.first(at_);
}

Status PageReader::begin(Bytes page, uint8_t level) {
  from_ = ByteReader(page);
  key_.clear();
  body_ = {};
  first_ = true;
  level_ = level;
  uint8_t magic = from_.u8();
  uint8_t version = from_.u8();
  uint8_t found = from_.u8();
  uint8_t reserved = from_.u8();
  left_ = from_.u32();
  if (!from_.ok() || magic != 'P') return Status::kInvalid;
  if (version != kPageVersion)
    return version > kPageVersion ? Status::kUnsupported : Status::kInvalid;
  if (found != level || reserved != 0) return Status::kInvalid;
  if (level != 0 && left_ == 0) return Status::kInvalid;
  return Status::kOk;
}

Status PageReader::next() {
  if (left_ == 0) return from_.at_end() ? Status::kEnd : Status::kInvalid;
  size_t shared = from_.u16();
  Bytes suffix = from_.bytes(from_.u16());
  uint64_t offset = from_.u64();
  Bytes body = from_.bytes(from_.u32());
  if (!from_.ok() || shared > key_.size || shared + suffix.size() > kEntryPathMax)
    return Status::kInvalid;
  // In order: greater than the key before, decided on what follows the shared part.
  if (!first_) {
    std::string_view tail(key_.data.data() + shared, key_.size - shared);
    std::strong_ordering order = compare_paths(tail, as_text(suffix));
    if (order > 0 || (order == 0 && key_.offset >= offset)) return Status::kInvalid;
  }
  if (!suffix.empty()) std::memcpy(key_.data.data() + shared, suffix.data(), suffix.size());
  key_.size = shared + suffix.size();
  key_.offset = offset;
  if (!is_entry_path(key_.key().path)) return Status::kInvalid;
  body_ = body;
  first_ = false;
  --left_;
  return Status::kOk;
}

Status decode_child(Bytes body, PageRef* to) {
  if (body.size() != 64) return Status::kInvalid;
  to->d = ContentId::from(body.first(32));
  to->c = ChunkId::from(body.subspan(32));
  return Status::kOk;
}

}  // namespace drey
