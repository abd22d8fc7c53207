#include "backup/content_reader.h"

#include "backup/cut_hash.h"
#include "drey/check.h"

namespace drey {
namespace {

constexpr uint64_t kBundleSeed = 0x62756e646c65;  // "bundle"
constexpr size_t kBundleHashBytes = 4096;         // of a file's beginning go into the cut
// A file weighs its bytes and its row: bundles of tiny files end by their contents, long before
// their rows fill the queue, which would end them at a place that depends on the length of paths.
constexpr size_t kFilesPerMinimum = 128;  // 512 bytes each where chunks have at least 64 KiB
constexpr size_t kBundleFilesMax = RowQueue::kBytes / 288;

bool same_file(const FileStat& a, const FileStat& b) {
  return a.size == b.size && a.mtime_ns == b.mtime_ns && a.ctime_ns == b.ctime_ns;
}

}  // namespace

void ContentReader::start(Tree* tree, const Chunker* chunker, const ChunkSizes& sizes) {
  tree_ = tree;
  chunker_ = chunker;
  sizes_ = sizes;
  last_number_ = 0;
  spare_ = bundle_ = out_ = {};
  file_ = -1;
  read_bytes_ = 0;
}

void ContentReader::stop() {
  close();
  spare_ = bundle_ = out_ = {};
}

void ContentReader::close() {
  if (file_ >= 0) tree_->close_file(file_);
  file_ = -1;
}

Status ContentReader::open(Tree::Dir dir, std::string_view name, FileStat* stat) {
  Result<Tree::File> file = tree_->open_file(dir, name);
  if (!file.ok()) return file.status();
  file_ = file.value();
  Status status = tree_->stat_file(file_, &stat_);
  if (ok(status) && stat_.kind != FileKind::kFile) status = Status::kChanged;
  if (ok(status) && stat_.size > static_cast<uint64_t>(INT64_MAX)) status = Status::kTooLarge;
  if (!ok(status)) {
    close();
    return status;
  }
  std::memcpy(name_.data(), name.data(), name.size());
  name_size_ = name.size();
  second_ = changed_ = false;
  start_at(0);
  *stat = stat_;
  return Status::kOk;
}

void ContentReader::start_at(uint64_t offset) {
  offset_ = region_end_ = offset;
  first_row_ = offset == 0;
  short_ = false;
  status_ = Status::kOk;
  // Fewer blocks than bytes: holes, or a file system that compresses. Asking costs little.
  sparse_ = stat_.blocks * 512 < stat_.size;
}

ContentReader::Need ContentReader::read(RowDraft& draft) {
  if (has_chunk()) return Need::kChunkOut;
  bool small = stat_.size < sizes_.min && first_row_;
  Need need = small ? read_small(draft) : read_large(draft);
  if (need == Need::kRowFull) first_row_ = false;
  if (ok(status_) || first_row_) return need;
  // Its first rows are on their way: what cannot be read becomes a hole, and it counts as changed.
  status_ = Status::kOk;
  short_ = true;
  return Need::kPause;
}

bool ContentReader::must_read_again(FileStat* stat) {
  FileStat now;
  Status status = tree_->stat_file(file_, &now);
  if (ok(status) && same_file(now, stat_) && !short_) return false;
  changed_ = second_ || !first_row_ || !ok(status);
  if (changed_) return false;
  second_ = true;
  stat_ = now;
  start_at(0);
  *stat = stat_;
  return true;
}

size_t ContentReader::read_up_to(MutBytes to, uint64_t offset) {
  size_t done = 0;
  while (done < to.size()) {
    Result<size_t> got = tree_->read_at(file_, offset + done, to.subspan(done));
    if (!got.ok()) status_ = got.status();
    if (!got.ok() || got.value() == 0) break;
    done += got.value();
  }
  read_bytes_ += done;
  return done;
}

// The file is shorter than it was when it was opened: the missing end is noted as a hole.
void ContentReader::end_short(RowDraft& draft) {
  short_ = true;
  Extent hole;
  hole.hole = true;
  hole.length = stat_.size - draft.end();
  if (hole.length > 0) draft.add(hole);
}

// ---- Small files ----

ContentReader::Need ContentReader::read_small(RowDraft& draft) {
  size_t size = static_cast<size_t>(stat_.size);
  if (size == 0) return Need::kNothing;
  if (bundle_.number != 0 &&
      (bundle_.size + size > sizes_.max || bundle_files_ == kBundleFilesMax)) {
    close_bundle();
    return Need::kChunkOut;
  }
  if (bundle_.number == 0) {
    if (spare_.buffer.empty()) return Need::kSlot;
    bundle_ = open_chunk();
    bundle_files_ = 0;
  }
  ++bundle_files_;
  MutBytes room = bundle_.buffer.subspan(bundle_.size, size);
  size_t got = read_up_to(room, 0);
  if (!ok(status_)) return Need::kNothing;
  if (got > 0) {
    draft.add_pending(bundle_.number, static_cast<uint32_t>(bundle_.size),
                      static_cast<uint32_t>(got));
    bundle_.size += got;
  }
  if (got < size) end_short(draft);
  if (bundle_ends({name_.data(), name_size_}, room.first(got), got)) close_bundle();
  return Need::kNothing;
}

// The border depends on the file before it, not on the bundle's: the same files make the same
// bundles again, and an edit moves at most the borders around it.
bool ContentReader::bundle_ends(std::string_view name, Bytes contents, size_t size) const {
  size_t weight = sizes_.min / kFilesPerMinimum;
  if (bundle_files_ < 2 || bundle_.size + bundle_files_ * weight < sizes_.min) return false;
  CutHash hash(kBundleSeed);
  hash.update(as_bytes(name));
  hash.update(contents.first(std::min(contents.size(), kBundleHashBytes)));
  return hash.hits(size + weight, sizes_.average - sizes_.min);
}

void ContentReader::close_bundle() {
  if (bundle_.number == 0) return;
  DREY_CHECK(!has_chunk());
  out_ = bundle_;
  bundle_ = {};
}

// ---- Large files ----

ContentReader::Need ContentReader::read_large(RowDraft& draft) {
  if (draft.full()) return Need::kRowFull;
  if (short_) {  // after a full row
    end_short(draft);
    return Need::kNothing;
  }
  if (offset_ == region_end_) {
    if (offset_ >= stat_.size) return Need::kNothing;
    if (!next_region(draft)) return ok(status_) ? Need::kPause : Need::kNothing;
  }
  if (spare_.buffer.empty()) return Need::kSlot;
  return fill_chunk(draft);
}

// Finds the next data; what lies before it is a hole when it is worth one. False when there was
// only a hole, or the draft is full now: call again.
bool ContentReader::next_region(RowDraft& draft) {
  region_end_ = stat_.size;
  if (!sparse_) return true;
  uint64_t begin = offset_, end = stat_.size;
  Status status = tree_->next_data(file_, offset_, &begin, &end);
  if (status == Status::kEnd) begin = end = stat_.size;
  if (status != Status::kEnd && !ok(status)) {
    sparse_ = false;
    return true;
  }
  begin = std::min(begin, stat_.size);
  if (begin - offset_ >= sizes_.min) {
    Extent hole;
    hole.hole = true;
    hole.length = begin - offset_;
    draft.add(hole);
    offset_ = region_end_ = begin;
    return false;
  }
  // Small holes are read as zeros: data and holes until the next hole that counts.
  uint64_t data_end = std::min(end, stat_.size);
  while (data_end < stat_.size) {
    status = tree_->next_data(file_, data_end, &begin, &end);
    if (!ok(status) || begin - data_end >= sizes_.min) break;
    data_end = std::max(data_end + 1, std::min(end, stat_.size));
  }
  region_end_ = std::max(data_end, offset_ + 1);
  return true;
}

ContentReader::Need ContentReader::fill_chunk(RowDraft& draft) {
  uint64_t left = region_end_ - offset_;
  size_t most = static_cast<size_t>(std::min<uint64_t>(left, sizes_.max));
  // Most chunks end well before the maximum: what is read beyond the cut is read again.
  size_t want = std::min(most, 2 * sizes_.average);
  MutBytes buffer = spare_.buffer;
  size_t have = read_up_to(buffer.first(want), offset_);
  size_t size = 0;
  if (ok(status_) && have == want) size = chunker_->cut(buffer.first(have), have == left);
  if (ok(status_) && have == want && size == 0) {
    have += read_up_to(buffer.subspan(want, most - want), offset_ + want);
    want = most;
  }
  if (!ok(status_)) return Need::kNothing;
  if (size == 0) size = chunker_->cut(buffer.first(have), have < want || have == left);
  short_ = have < want && size == have;
  if (size == 0) return Need::kPause;
  out_ = open_chunk();
  out_.size = size;
  draft.add_pending(out_.number, 0, static_cast<uint32_t>(size));
  offset_ += size;
  return Need::kChunkOut;
}

// ---- Slots ----

FilledChunk ContentReader::open_chunk() {
  FilledChunk chunk = spare_;
  chunk.number = ++last_number_;
  chunk.size = 0;
  spare_ = {};
  return chunk;
}

void ContentReader::give_slot(uint16_t slot, MutBytes buffer) {
  DREY_CHECK(spare_.buffer.empty());
  spare_.slot = slot;
  spare_.buffer = buffer;
}

FilledChunk ContentReader::take_chunk() {
  FilledChunk chunk = out_;
  out_ = {};
  return chunk;
}

}  // namespace drey
