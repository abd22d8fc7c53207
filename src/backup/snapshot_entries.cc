// Entries of a snapshot in the making: which rows are taken over from the previous snapshot and
// which are made anew.
#include "backup/snapshot_maker.h"
#include "crypto/hash.h"
#include "drey/check.h"

namespace drey {
namespace {

// File systems note changes at the pace of the kernel's tick, some in whole seconds: what changed
// so shortly before it was read may change again without a trace.
constexpr int64_t kRecentNs = 2'000'000'000;

}  // namespace

// ---- The previous snapshot ----

SnapshotMaker::Step SnapshotMaker::lookup() {
  found_ = false;
  while (previous_on_) {
    if (previous_status_ == Status::kAgain) return need(Need::kPrevious);
    if (!ok(previous_status_)) {  // its end, or malformed: then everything is read
      previous_on_ = false;
      break;
    }
    RowKey wanted{item_.path, 0};
    std::strong_ordering order = compare_keys(previous_.key(), wanted);
    found_ = order == 0;
    if (order >= 0) break;
    previous_status_ = previous_.seek(wanted);
  }
  phase_ = Phase::kCompare;
  return go();
}

SnapshotMaker::Step SnapshotMaker::compare() {
  if (item_.stat.kind == FileKind::kFile) {
    phase_ = found_ && !item_.root && is_unchanged() && !is_in_sparse_bundle() ? Phase::kCheckHeld
                                                                               : Phase::kOpen;
    held_state_ = Held::kUnknown;
    return go();
  }
  phase_ = Phase::kOther;
  bool was_root = found_ && (previous_.row().entry.flags & Entry::kRoot) != 0;
  if (!item_.root || !was_root) return go();
  // A source that was a mount and is none: the disk is not there. One that held something and is
  // empty: likewise. Neither may look like "everything was deleted".
  if ((previous_.row().entry.flags & Entry::kMount) != 0 && !item_.mount) {
    fail(Status::kChanged, item_.path);
    return go();
  }
  previous_status_ = previous_.next();
  phase_ = Phase::kPeekRoot;
  return go();
}

SnapshotMaker::Step SnapshotMaker::peek_root() {
  if (previous_status_ == Status::kAgain) return need(Need::kPrevious);
  if (!ok(previous_status_)) {
    previous_on_ = false;
  } else if (is_beneath(previous_.key().path, item_.path)) {
    walker_.root_must_not_be_empty();
  }
  phase_ = Phase::kOther;
  return go();
}

bool SnapshotMaker::is_unchanged() const {
  const Entry& was = previous_.row().entry;
  const FileStat& is = item_.stat;
  if (was.kind != FileKind::kFile || (was.flags & (Entry::kRecent | Entry::kChanged)) != 0)
    return false;
  return was.size == is.size && was.mtime_ns == is.mtime_ns && was.ctime_ns == is.ctime_ns &&
         was.inode == is.inode;
}

bool SnapshotMaker::is_in_sparse_bundle() const {
  const Row& row = previous_.row();
  if (options_.sparse == nullptr || row.extent_count != 1) return false;
  ByteReader reader(row.extents);
  Extent extent = decode_extent(reader);
  return !extent.hole && options_.sparse->contains(extent.c);
}

// The records of the row that were not asked about a moment ago.
void SnapshotMaker::gather_held() {
  held_count_ = 0;
  const Row& row = previous_.row();
  ByteReader reader(row.extents);
  for (size_t i = 0; i < row.extent_count; ++i) {
    Extent extent = decode_extent(reader);
    auto known = std::find(checked_.begin(), checked_.end(), extent.c);
    bool again = held_count_ > 0 && held_[held_count_ - 1] == extent.c;
    if (!extent.hole && known == checked_.end() && !again) held_[held_count_++] = extent.c;
  }
}

// While some record is missing: a file is only taken over when each of its records is somewhere.
SnapshotMaker::Step SnapshotMaker::check_held() {
  phase_ = Phase::kCopy;
  if (!options_.check_held) return go();
  if (held_state_ == Held::kUnknown) {
    gather_held();
    if (held_count_ == 0) return go();
    phase_ = Phase::kCheckHeld;
    return need(Need::kHeld);
  }
  if (held_state_ == Held::kNo) {
    if (previous_.key().offset != 0) return read_rest();
    phase_ = Phase::kOpen;
    return go();
  }
  for (const ChunkId& c : held_question()) checked_[checked_at_++ % checked_.size()] = c;
  return go();
}

SnapshotMaker::Step SnapshotMaker::copy_row() {
  Status status = draft_.copy(previous_.key(), previous_.body());
  DREY_CHECK(ok(status));  // the cursor has decoded it
  if (!queue_.push(draft_)) return wait();
  life_.note(previous_.row());
  phase_ = Phase::kCopyNext;
  if (draft_.end() >= item_.stat.size) return end_file(true);
  previous_status_ = previous_.next();
  return go();
}

SnapshotMaker::Step SnapshotMaker::copy_next() {
  if (previous_status_ == Status::kAgain) return need(Need::kPrevious);
  RowKey wanted{item_.path, draft_.end()};
  if (!ok(previous_status_)) previous_on_ = false;
  if (!previous_on_ || compare_keys(previous_.key(), wanted) != 0) return read_rest();
  held_state_ = Held::kUnknown;
  phase_ = Phase::kCheckHeld;
  return go();
}

// A page of the previous snapshot is lost, or a record: the file itself has what they covered.
SnapshotMaker::Step SnapshotMaker::read_rest() {
  uint64_t offset = draft_.end();
  Status status = draft_.begin(item_.path, nullptr, offset);
  DREY_CHECK(ok(status));
  status = reader_.open(item_.dir, item_.name, &stat_);
  if (ok(status) && stat_.size == item_.stat.size) {
    reader_.start_at(offset);
    phase_ = Phase::kRead;
    return go();
  }
  reader_.close();
  failed(item_.path, ok(status) ? Status::kChanged : status);
  Extent hole;
  hole.hole = true;
  hole.length = item_.stat.size - offset;
  draft_.add(hole);
  phase_ = Phase::kLastRow;
  return go();
}

// ---- New rows ----

SnapshotMaker::Step SnapshotMaker::open() {
  opened_wall_ns_ = options_.clock->wall_ns();
  Status status = reader_.open(item_.dir, item_.name, &stat_);
  if (!ok(status)) {
    skip_file(status);
    return go();
  }
  begin_draft();
  return go();
}

void SnapshotMaker::begin_draft() {
  Entry entry;
  Status status = make_entry(stat_, &entry);
  if (ok(status)) status = draft_.begin(item_.path, &entry, 0);
  phase_ = Phase::kRead;
  if (!ok(status)) skip_file(status);
}

// Gone since it was listed is no error.
void SnapshotMaker::skip_file(Status why) {
  if (why != Status::kNotFound) failed(item_.path, why);
  reader_.close();
  phase_ = Phase::kNext;
}

SnapshotMaker::Step SnapshotMaker::read() {
  switch (reader_.read(draft_)) {
    case ContentReader::Need::kSlot:
      return need(Need::kSlot);
    case ContentReader::Need::kChunkOut:
      return need(Need::kChunk);
    case ContentReader::Need::kPause:
      return go();
    case ContentReader::Need::kRowFull:
      phase_ = Phase::kPartRow;
      return go();
    case ContentReader::Need::kNothing:
      break;
  }
  if (!ok(reader_.status())) {
    skip_file(reader_.status());
  } else if (reader_.must_read_again(&stat_)) {
    opened_wall_ns_ = options_.clock->wall_ns();
    begin_draft();
  } else {
    phase_ = Phase::kLastRow;
    if (!reader_.changed()) return go();
    ++progress_.changed;
    failed(item_.path, Status::kChanged);
    if (draft_.key().offset == 0) draft_.add_flags(Entry::kRecent | Entry::kChanged);
  }
  return go();
}

SnapshotMaker::Step SnapshotMaker::end_file(bool unchanged) {
  reader_.close();
  ++progress_.files;
  progress_.bytes += unchanged ? item_.stat.size : draft_.end();
  if (unchanged) ++progress_.unchanged;
  phase_ = Phase::kNext;
  return go();
}

SnapshotMaker::Step SnapshotMaker::make_other() {
  opened_wall_ns_ = options_.clock->wall_ns();
  Entry entry;
  Status status = make_entry(item_.stat, &entry);
  if (ok(status)) status = draft_.begin(item_.path, &entry, 0);
  phase_ = Phase::kLastRow;
  if (!ok(status)) skip_file(status);
  return go();
}

Status SnapshotMaker::make_entry(const FileStat& stat, Entry* entry) {
  *entry = {};
  entry->kind = stat.kind;
  if (stat.ctime_ns > opened_wall_ns_ - kRecentNs) entry->flags |= Entry::kRecent;
  if (item_.root) entry->flags |= Entry::kRoot;
  if (item_.root && item_.mount) entry->flags |= Entry::kMount;
  entry->mode = static_cast<uint16_t>(stat.mode & 07777);
  entry->uid = stat.uid;
  entry->gid = stat.gid;
  entry->size = stat.kind == FileKind::kFile ? stat.size : 0;
  entry->mtime_ns = stat.mtime_ns;
  entry->ctime_ns = stat.ctime_ns;
  entry->inode = stat.inode;
  entry->rdev_major = stat.rdev_major;
  entry->rdev_minor = stat.rdev_minor;
  if (stat.kind != FileKind::kDir && stat.link_count > 1) {
    std::array<uint8_t, 16> identity;
    store_le(identity.data(), stat.device);
    store_le(identity.data() + 8, stat.inode);
    Key32 hash = sha256(identity);
    entry->hardlink = true;
    std::copy_n(hash.begin(), entry->link_id.size(), entry->link_id.begin());
  }
  if (stat.kind == FileKind::kSymlink) {
    Result<size_t> size = options_.tree->read_link(item_.dir, item_.name, link_);
    if (!size.ok()) return size.status();
    entry->link = Bytes(link_).first(size.value());
  }
  Status status = read_xattrs(entry);
  if (ok(status)) return status;
  // Without its attributes rather than not at all; but it is named.
  failed(item_.path, status);
  entry->xattrs = {};
  return Status::kOk;
}

Status SnapshotMaker::read_xattrs(Entry* entry) {
  MutBytes room(reinterpret_cast<uint8_t*>(xattr_names_.data()), xattr_names_.size());
  Result<size_t> size = options_.tree->list_xattrs(item_.dir, item_.name, room);
  if (size.status() == Status::kNotFound) return Status::kOk;
  if (!size.ok()) return size.status();
  std::string_view names(xattr_names_.data(), size.value());
  size_t at = 0;
  while (!names.empty()) {
    std::string_view name = names.substr(0, names.find('\0'));
    if (name.size() == names.size()) return Status::kInvalid;  // not terminated
    names.remove_prefix(name.size() + 1);
    constexpr size_t kHead = 6;
    if (name.empty()) continue;
    if (xattrs_.size() - at <= kHead + name.size()) return Status::kTooLarge;
    MutBytes value = MutBytes(xattrs_).subspan(at + kHead + name.size());
    Result<size_t> got = options_.tree->get_xattr(item_.dir, item_.name, name.data(), value);
    if (got.status() == Status::kNotFound) continue;  // removed meanwhile
    if (!got.ok()) return got.status();
    ByteWriter writer(MutBytes(xattrs_).subspan(at));
    writer.u16(static_cast<uint16_t>(name.size()));
    writer.u32(static_cast<uint32_t>(got.value()));
    writer.text(name);
    at += writer.size() + got.value();
  }
  entry->xattrs = Bytes(xattrs_).first(at);
  return Status::kOk;
}

}  // namespace drey
