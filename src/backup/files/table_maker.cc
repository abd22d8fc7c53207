#include "backup/files/table_maker.h"

#include "drey/check.h"

namespace drey {
namespace {

// Contents are compared by the D of their chunks. C is another under another epoch.
void add_contents(const Row& row, Sha256& to) {
  ByteReader reader(row.extents);
  for (size_t i = 0; i < row.extent_count; ++i) {
    Extent extent = decode_extent(reader);
    std::array<uint8_t, 12> place;
    store_le(place.data(), extent.length);
    store_le(place.data() + 8, extent.offset);
    to.update(extent.d.bytes());
    to.update(place);
  }
}

uint64_t key_of(const FileId& id) { return load_be<uint64_t>(id.raw.data()); }

}  // namespace

Status TableMaker::set_change(const FileChange& change) {
  name_size_ = 0;
  id_ = change.removed;
  size_ = change.size;
  if (change.name.empty()) return Status::kOk;
  if (!is_file_name(change.name)) return Status::kInvalid;
  if (size_ > static_cast<uint64_t>(INT64_MAX)) return Status::kTooLarge;
  std::copy(change.name.begin(), change.name.end(), path_.begin());
  name_size_ = path_size_ = change.name.size();
  return Status::kOk;
}

void TableMaker::start(const TableOptions& options) {
  options_ = options;
  phase_ = Phase::kRow;
  begin();
  name_held_ = name_there_ = added_ = gone_ = same_ = has_older_ = false;
  older_key_ = 0;
  path_size_ = name_size_;
  (void)older_contents_.finish();
  (void)contents_.finish();
  input_.start(options_.chunker, options_.sizes, adds() ? size_ : 0);
  if (!options_.has_previous) {
    previous_status_ = Status::kEnd;
    return;
  }
  previous_.start(options_.previous);
  previous_status_ = previous_.seek({});
}

void TableMaker::stop() {
  input_.stop();
  phase_ = Phase::kDone;
}

void TableMaker::previous_lost(Status) { status_ = Status::kNotEnough; }

Maker::Step TableMaker::step() {
  if (!ok(status_)) return go();
  switch (phase_) {
    case Phase::kRow:
      return next_row();
    case Phase::kHeldName:
      name_held_ = false;
      return push(Phase::kRow);
    case Phase::kCopy: {
      Step pushed = push(Phase::kRow);
      if (phase_ == Phase::kRow) previous_status_ = previous_.next();
      return pushed;
    }
    case Phase::kNewName:
      return push(Phase::kNewVersion);
    case Phase::kNewVersion:
      make_version();
      return go();
    case Phase::kRead:
      return read();
    case Phase::kPartRow: {
      Step pushed = push(Phase::kRead);
      if (phase_ == Phase::kRead) DREY_CHECK(ok(draft_.begin(path(), nullptr, draft_.end())));
      return pushed;
    }
    case Phase::kLastRow:
      return push(Phase::kCompare);
    case Phase::kCompare:
      return compare();
    case Phase::kFinish: {
      Step last = finish_pages();
      if (last.needs && last.need == Need::kDone) phase_ = Phase::kDone;
      return last;
    }
    case Phase::kDone:
      return need(Need::kDone);
  }
  return go();
}

// The draft goes into the queue; as long as there is no room, it is tried again.
Maker::Step TableMaker::push(Phase then) {
  // A file whose extents filled the last row exactly leaves an empty one.
  bool empty = draft_.key().offset != 0 && draft_.extent_count() == 0;
  if (!empty && !queue_.push(draft_)) return need(Need::kWait);
  phase_ = then;
  return go();
}

// ---- Rows of the newest table ----

Maker::Step TableMaker::next_row() {
  if (previous_status_ == Status::kAgain) return need(Need::kPrevious);
  bool end = previous_status_ == Status::kEnd;
  if (!end && !ok(previous_status_)) {
    status_ = Status::kCorrupt;
    return go();
  }
  if (adds() && !added_) {
    // The new version is the last one of its name.
    bool here = end || (compare_paths(previous_.key().path, name()) > 0 &&
                        !is_beneath(previous_.key().path, name()));
    if (here) {
      make_name();
      return go();
    }
  }
  if (!end) return take_row();
  phase_ = not_found() ? Phase::kDone : Phase::kFinish;
  return go();
}

// A name's row is held back until one of its versions is there: with its last version it goes.
Maker::Step TableMaker::take_row() {
  std::string_view path = previous_.key().path;
  bool version = path.find('/') != std::string_view::npos;
  if (version && is_removed(path)) {
    gone_ = true;
    previous_status_ = previous_.next();
    return go();
  }
  if (version && name_held_) {
    name_there_ = name_there_ || draft_.key().path == name();
    phase_ = Phase::kHeldName;
    return go();
  }
  if (version) note_version(path);
  Status status = draft_.copy(previous_.key(), previous_.body());
  DREY_CHECK(ok(status));  // the cursor has decoded it
  phase_ = Phase::kCopy;
  if (version) return go();
  name_held_ = true;
  phase_ = Phase::kRow;
  previous_status_ = previous_.next();
  return go();
}

bool TableMaker::is_removed(std::string_view path) {
  std::string_view name;
  FileId id;
  return !adds() && ok(split_file_path(path, &name, &id)) && id == id_;
}

void TableMaker::note_version(std::string_view path) {
  const Row& row = previous_.row();
  if (!row.continuation) {
    ++progress_.files;
    progress_.bytes += row.entry.size;
  }
  if (!adds() || added_ || !is_beneath(path, name())) return;
  if (!row.continuation) {
    std::string_view name_of;
    has_older_ = ok(split_file_path(path, &name_of, &older_id_));
    if (has_older_) older_key_ = key_of(older_id_);
    older_size_ = row.entry.size;
    (void)older_contents_.finish();
  }
  add_contents(row, older_contents_);
}

// ---- The new version ----

void TableMaker::make_name() {
  bool held = name_held_ && draft_.key().path == name();
  name_held_ = false;
  phase_ = Phase::kNewVersion;
  if (name_there_) return;
  phase_ = Phase::kNewName;
  if (held) return;
  Entry entry;
  entry.kind = FileKind::kDir;
  entry.mode = 0700;
  entry.mtime_ns = entry.ctime_ns = options_.time_ns;
  DREY_CHECK(ok(draft_.begin(name(), &entry, 0)));
}

// Its id lies above those of the name's older versions, whatever the clock says.
void TableMaker::make_version() {
  uint64_t key = options_.time_ns > 0 ? static_cast<uint64_t>(options_.time_ns) : 0;
  if (older_key_ == UINT64_MAX) {
    status_ = Status::kTooLarge;
    return;
  }
  key = std::max(key, older_key_ + 1);
  store_be(id_.raw.data(), key);
  store_le(id_.raw.data() + 8, options_.random);
  path_[name_size_] = '/';
  DREY_CHECK(hex_encode(id_.raw, std::span(path_).subspan(name_size_ + 1)));
  path_size_ = name_size_ + 1 + FileId::kHexSize;
  Entry entry;
  entry.kind = FileKind::kFile;
  entry.mode = 0600;
  entry.size = size_;
  entry.mtime_ns = entry.ctime_ns = options_.time_ns;
  DREY_CHECK(ok(draft_.begin(path(), &entry, 0)));
  phase_ = Phase::kRead;
}

Maker::Step TableMaker::read() {
  switch (input_.read(draft_)) {
    case InputReader::Need::kSlot:
      return need(Need::kSlot);
    case InputReader::Need::kInput:
      return need(Need::kInput);
    case InputReader::Need::kChunkOut:
      return need(Need::kChunk);
    case InputReader::Need::kRowFull:
      phase_ = Phase::kPartRow;
      return go();
    case InputReader::Need::kNothing:
      break;
  }
  phase_ = Phase::kLastRow;
  return go();
}

void TableMaker::row_done(const RowKey& key, Bytes body) {
  if (!adds() || added_ || path_size_ == name_size_ || key.path != path()) return;
  Row row;
  if (ok(decode_row(key, body, &row))) add_contents(row, contents_);
}

Maker::Step TableMaker::compare() {
  if (!queue_.empty()) return need(Need::kWait);
  added_ = true;
  bool equal = older_contents_.finish() == contents_.finish();
  same_ = has_older_ && older_size_ == size_ && equal;
  if (same_) {
    id_ = older_id_;
    phase_ = Phase::kDone;
    return go();
  }
  ++progress_.files;
  progress_.bytes += size_;
  phase_ = Phase::kRow;
  return go();
}

}  // namespace drey
