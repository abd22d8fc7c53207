#include "store/state_log.h"

#include <algorithm>
#include <cstring>

#include "crypto/crc32c.h"
#include "drey/check.h"
#include "drey/limits.h"

namespace drey {
namespace {

constexpr std::string_view kName = "drey.state";
constexpr std::string_view kNewName = "drey.state.new";
constexpr std::string_view kMagic = "DREYSTA\n";
constexpr size_t kHeaderBytes = 16;  // magic, version u32, CRC-32C of both
// crc u32 (of all that follows), key size u8, flags u8, value size u16; then key, value.
constexpr size_t kEntryHeaderBytes = 8;
constexpr uint8_t kRemoved = 1;
constexpr size_t kEntryBytesMax =
    kEntryHeaderBytes + StateLog::kKeyBytesMax + StateLog::kValueBytesMax;

std::array<uint8_t, kHeaderBytes> encode_header() {
  std::array<uint8_t, kHeaderBytes> raw{};
  ByteWriter out(raw);
  out.text(kMagic);
  out.u32(limits::kFormatVersion);
  out.u32(crc32c(0, out.written()));
  return raw;
}

Status decode_header(Bytes raw) {
  ByteReader in(raw);
  if (as_text(in.bytes(8)) != kMagic) return Status::kCorrupt;
  uint32_t version = in.u32();
  if (in.u32() != crc32c(0, raw.first(12)) || !in.ok()) return Status::kCorrupt;
  return version > limits::kFormatVersion ? Status::kUnsupported : Status::kOk;
}

struct StateEntry {
  std::string_view key;
  Bytes value;
  bool removed = false;
};

size_t encode_state_entry(const StateEntry& entry, MutBytes to) {
  ByteWriter out(to);
  out.u32(0);
  out.u8(static_cast<uint8_t>(entry.key.size()));
  out.u8(entry.removed ? kRemoved : 0);
  out.u16(static_cast<uint16_t>(entry.value.size()));
  out.text(entry.key);
  out.bytes(entry.value);
  DREY_CHECK(out.ok());
  store_le<uint32_t>(to.data(), crc32c(0, out.written().subspan(4)));
  return out.size();
}

// kEnd: nothing that verifies begins here. *size = bytes of the entry.
Status decode_state_entry(Bytes from, StateEntry* entry, size_t* size) {
  ByteReader in(from);
  uint32_t crc = in.u32();
  size_t key_bytes = in.u8();
  uint8_t flags = in.u8();
  size_t value_bytes = in.u16();
  if (!in.ok() || key_bytes == 0 || key_bytes > StateLog::kKeyBytesMax) return Status::kEnd;
  if (value_bytes > StateLog::kValueBytesMax || flags > kRemoved) return Status::kEnd;
  entry->key = as_text(in.bytes(key_bytes));
  entry->value = in.bytes(value_bytes);
  entry->removed = flags == kRemoved;
  *size = in.position();
  if (!in.ok() || crc32c(0, from.subspan(4, *size - 4)) != crc) return Status::kEnd;
  return Status::kOk;
}

}  // namespace

size_t StateLog::lower_bound(std::string_view key) const {
  auto end = order_.begin() + static_cast<std::ptrdiff_t>(count_);
  auto at = std::lower_bound(order_.begin(), end, key, [this](uint16_t slot, std::string_view k) {
    return entries_[slot].name() < k;
  });
  return static_cast<size_t>(at - order_.begin());
}

const StateLog::Entry* StateLog::find(std::string_view key) const {
  size_t at = lower_bound(key);
  bool found = at < count_ && entries_[order_[at]].name() == key;
  return found ? &entries_[order_[at]] : nullptr;
}

void StateLog::apply_put(std::string_view key, Bytes value) {
  size_t at = lower_bound(key);
  if (at == count_ || entries_[order_[at]].name() != key) {
    if (count_ == kEntriesMax) return;
    auto begin = order_.begin() + static_cast<std::ptrdiff_t>(at);
    std::rotate(begin, order_.begin() + static_cast<std::ptrdiff_t>(count_),
                order_.begin() + static_cast<std::ptrdiff_t>(count_) + 1);
    ++count_;
  }
  Entry& entry = entries_[order_[at]];
  entry.key_size = static_cast<uint8_t>(key.size());
  std::memcpy(entry.key.data(), key.data(), key.size());
  entry.value_size = static_cast<uint16_t>(value.size());
  if (!value.empty()) std::memcpy(entry.value.data(), value.data(), value.size());
}

void StateLog::apply_remove(std::string_view key) {
  size_t at = lower_bound(key);
  if (at == count_ || entries_[order_[at]].name() != key) return;
  auto begin = order_.begin() + static_cast<std::ptrdiff_t>(at);
  std::rotate(begin, begin + 1, order_.begin() + static_cast<std::ptrdiff_t>(count_));
  --count_;
}

Status StateLog::open(Disk* disk, Log* log) {
  DREY_CHECK(file_ < 0);
  disk_ = disk;
  log_ = log;
  count_ = 0;
  failed_ = false;
  rewrite_at_ = kFileBytesMax;
  for (size_t i = 0; i < kEntriesMax; ++i) order_[i] = static_cast<uint16_t>(i);
  Status removed = disk->remove(kNewName);  // of a rewrite that was cut short
  if (removed == Status::kIo) return removed;
  Result<Disk::File> file = disk->open(kName, Disk::kRead | Disk::kWrite);
  if (file.status() == Status::kNotFound) return rewrite();
  DREY_TRY(file.status());
  file_ = file.value();
  Status status = load();
  // After damage the table holds what verified; the file is made anew from it.
  if (status == Status::kCorrupt) status = rewrite();
  if (!ok(status)) (void)close();
  return status;
}

Status StateLog::load() {
  Result<uint64_t> size = disk_->size(file_);
  DREY_TRY(size.status());
  std::array<uint8_t, kHeaderBytes> raw{};
  Result<size_t> got = disk_->read_at(file_, 0, raw);
  DREY_TRY(got.status());
  Status header = got.value() == raw.size() ? decode_header(raw) : Status::kCorrupt;
  if (header == Status::kUnsupported) return header;
  uint64_t end = 0;
  DREY_TRY(load_entries(size.value(), &end));
  size_ = end;
  return ok(header) && end == size.value() ? Status::kOk : Status::kCorrupt;
}

// A bad entry in the middle does not hide the next one that verifies: byte by byte onwards.
Status StateLog::load_entries(uint64_t size, uint64_t* end) {
  std::array<uint8_t, kEntryBytesMax> buffer;
  bool damaged = false;
  uint64_t at = kHeaderBytes;
  *end = at;
  while (at < size) {
    Result<size_t> got = disk_->read_at(file_, at, buffer);
    DREY_TRY(got.status());
    StateEntry entry;
    size_t bytes = 0;
    if (ok(decode_state_entry(Bytes(buffer).first(got.value()), &entry, &bytes))) {
      entry.removed ? apply_remove(entry.key) : apply_put(entry.key, entry.value);
      at += bytes;
      if (!damaged) *end = at;
      continue;
    }
    damaged = true;
    ++at;
  }
  if (damaged && log_ != nullptr) log_->warning("state: damaged entries were left out");
  return Status::kOk;
}

Status StateLog::close() {
  if (file_ >= 0) disk_->close(file_);
  file_ = -1;
  return Status::kOk;
}

Status StateLog::put(std::string_view key, Bytes value) {
  if (key.empty() || key.size() > kKeyBytesMax) return Status::kTooLarge;
  if (value.size() > kValueBytesMax) return Status::kTooLarge;
  const Entry* known = find(key);
  if (known != nullptr && equal(known->bytes(), value)) return Status::kOk;
  if (known == nullptr && count_ == kEntriesMax) return Status::kFull;
  return write(key, value, false);
}

Status StateLog::remove(std::string_view key) {
  if (find(key) == nullptr) return Status::kNotFound;
  return write(key, {}, true);
}

// Append, sync, then believe it. A writer that failed stays failed until reopened.
Status StateLog::write(std::string_view key, Bytes value, bool removed) {
  if (failed_ || file_ < 0) return Status::kIo;
  std::array<uint8_t, kEntryBytesMax> buffer;
  size_t bytes = encode_state_entry({key, value, removed}, buffer);
  Status status = disk_->write_at(file_, size_, Bytes(buffer).first(bytes));
  if (ok(status)) status = disk_->sync(file_);
  if (!ok(status)) {
    failed_ = true;
    if (log_ != nullptr) log_->warning("state: a write failed (%s)", status_name(status));
    return status;
  }
  size_ += bytes;
  removed ? apply_remove(key) : apply_put(key, value);
  if (size_ <= rewrite_at_) return Status::kOk;
  // What was written is durable either way: a rewrite that fails only leaves the file long.
  Status rewritten = rewrite();
  if (!ok(rewritten) && log_ != nullptr)
    log_->warning("state: the rewrite failed (%s)", status_name(rewritten));
  return Status::kOk;
}

// Writes the whole table beside, syncs it, renames it over the old file.
Status StateLog::rewrite() {
  uint64_t size = 0;
  DREY_TRY(save(kNewName, &size));
  DREY_TRY(disk_->rename(kNewName, kName));
  // From here on the open file has no name any more: what cannot be finished closes the log.
  failed_ = true;
  DREY_TRY(disk_->sync_dir(""));
  Result<Disk::File> file = disk_->open(kName, Disk::kRead | Disk::kWrite);
  DREY_TRY(file.status());
  failed_ = false;
  if (file_ >= 0) disk_->close(file_);
  file_ = file.value();
  size_ = size;
  // A full table may be larger by itself: then it is rewritten when half of the file is old.
  rewrite_at_ = std::max(kFileBytesMax, 2 * size);
  return Status::kOk;
}

Status StateLog::save(std::string_view name, uint64_t* size) {
  Result<Disk::File> file = disk_->open(name, Disk::kWrite | Disk::kCreate);
  DREY_TRY(file.status());
  Status status = disk_->truncate(file.value(), 0);
  std::array<uint8_t, kHeaderBytes> header = encode_header();
  if (ok(status)) status = disk_->write_at(file.value(), 0, header);
  *size = kHeaderBytes;
  for (size_t i = 0; i < count_ && ok(status); ++i) {
    const Entry& entry = entries_[order_[i]];
    std::array<uint8_t, kEntryBytesMax> buffer;
    size_t bytes = encode_state_entry({entry.name(), entry.bytes(), false}, buffer);
    status = disk_->write_at(file.value(), *size, Bytes(buffer).first(bytes));
    *size += bytes;
  }
  if (ok(status)) status = disk_->sync(file.value());
  disk_->close(file.value());
  return status;
}

Status StateLog::get(std::string_view key, MutBytes to, size_t* size) const {
  const Entry* entry = find(key);
  if (entry == nullptr) return Status::kNotFound;
  *size = entry->value_size;
  if (to.size() < entry->value_size) return Status::kTooLarge;
  if (entry->value_size != 0) std::memcpy(to.data(), entry->value.data(), entry->value_size);
  return Status::kOk;
}

Status StateLog::next_key(std::string_view prefix, std::string_view after,
                          std::string_view* key) const {
  size_t at = lower_bound(std::max(prefix, after));
  if (at < count_ && entries_[order_[at]].name() == after) ++at;
  if (at == count_ || !entries_[order_[at]].name().starts_with(prefix)) return Status::kEnd;
  *key = entries_[order_[at]].name();
  return Status::kOk;
}

}  // namespace drey
