#include "backup/stream_maker.h"

#include "drey/check.h"

namespace drey {

Status StreamMaker::start(const StreamRequest& request) {
  request_ = request;
  std::string_view path = request.path;
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.size() > kEntryPathMax) return Status::kTooLarge;
  if (!path.empty() && !is_entry_path(path)) return Status::kInvalid;
  std::copy(path.begin(), path.end(), path_.begin());
  path_size_ = path.size();
  request_.path = {path_.data(), path_size_};
  request_.with_data = request.with_data && !request.one_level;
  result_ = {};
  first_ = true;
  in_file_ = has_chunk_ = wants_chunk_ = false;
  missing_ = Status::kOk;
  present_ = list_lost_ = false;
  parts_ = {};
  ByteWriter writer(head_);
  encode_start(writer);
  frame(writer.written());
  cursor_.start({request.snapshot.root_d, request.snapshot.root_c, request.snapshot.root_level});
  status_ = cursor_.seek({request_.path, 0});
  phase_ = Phase::kRow;
  return Status::kOk;
}

void StreamMaker::frame(Bytes head, Bytes middle, Bytes tail) { parts_ = {head, middle, tail}; }

// Writes what is left of the current frame; false when the sink is full before.
bool StreamMaker::flush(StreamSink& sink) {
  for (Bytes& part : parts_) {
    while (!part.empty()) {
      MutBytes room = sink.room();
      if (room.empty()) return false;
      size_t size = std::min(room.size(), part.size());
      std::memcpy(room.data(), part.data(), size);
      part = part.subspan(size);
      sink.produced(size);
    }
  }
  return true;
}

StreamMaker::Need StreamMaker::run(StreamSink& sink) {
  while (true) {
    if (!flush(sink)) return Need::kRoom;
    if (phase_ == Phase::kOver) return Need::kDone;
    if (phase_ == Phase::kRow && status_ == Status::kAgain) return Need::kPage;
    if (phase_ == Phase::kData && wants_chunk_) return Need::kChunk;
    step();
  }
}

void StreamMaker::step() {
  switch (phase_) {
    case Phase::kRow:
      return on_row();
    case Phase::kListLost:
      return tell_list_lost();
    case Phase::kAdvance:
      return advance();
    case Phase::kExtents:
      return on_extent();
    case Phase::kData:
      return on_data();
    case Phase::kEnd:
      return end(result_.status);
    case Phase::kOver:
      return;
  }
}

// ---- Rows ----

void StreamMaker::on_row() {
  bool over = status_ == Status::kEnd;
  if (!over && !ok(status_)) {  // a malformed tree
    result_.status = Status::kCorrupt;
    over = true;
  }
  if (!over && !is_beneath(cursor_.key().path, request_.path)) over = true;
  if (over) {
    phase_ = Phase::kEnd;
    return;
  }
  const Row& row = cursor_.row();
  // With a lost page an entry may be gone whose further rows are still there: they are not those of
  // the file before it.
  bool other = row.continuation && in_file_ && cursor_.key().path != file_path();
  if (in_file_ && (!row.continuation || other)) {
    close_file();
    if (in_file_) return;  // comes back here when the frame is out
  }
  if (!row.continuation) {
    if (request_.one_level && is_deeper(cursor_.key().path)) return advance();
    return begin_entry();
  }
  // Of a file whose entry was lost, or is not wanted, nothing is shown.
  if (!in_file_ || !request_.with_data) return advance();
  if (cursor_.key().offset != covered_) {
    if (cursor_.key().offset < covered_) return advance();
    return cover(cursor_.key().offset);
  }
  extents_ = ByteReader(row.extents);
  extents_left_ = row.extent_count;
  phase_ = Phase::kExtents;
}

void StreamMaker::begin_entry() {
  std::string_view path = cursor_.key().path;
  const Row& row = cursor_.row();
  first_ = false;
  ByteWriter writer(head_);
  encode_frame_header(FrameType::kEntry, 2 + path.size() + row.entry_bytes.size(), writer);
  writer.u16(static_cast<uint16_t>(path.size()));
  frame(writer.written(), as_bytes(path), row.entry_bytes);
  phase_ = list_lost_ ? Phase::kListLost : Phase::kAdvance;
  if (row.entry.kind == FileKind::kFile && list_lost_) ++result_.files;
  if (row.entry.kind != FileKind::kFile || list_lost_) return;
  in_file_ = true;
  file_path_size_ = path.size();
  std::copy(path.begin(), path.end(), file_path_.begin());
  covered_ = 0;
  file_size_ = row.entry.size;
  ++result_.files;
  if (!request_.with_data) return;
  extents_ = ByteReader(row.extents);
  extents_left_ = row.extent_count;
  phase_ = Phase::kExtents;
}

void StreamMaker::tell_list_lost() {
  ++result_.missing;
  ByteWriter writer(head_);
  encode_lost(Status::kNotFound, writer);
  frame(writer.written());
  phase_ = Phase::kAdvance;
}

void StreamMaker::advance() {
  phase_ = Phase::kRow;
  std::string_view path = cursor_.key().path;
  if (request_.one_level && is_deeper(path)) {
    // Behind everything in this child: only '/' sorts before \x01.
    size_t from = path_size_ == 0 ? 0 : path_size_ + 1;
    size_t size = path.find('/', from);
    jump_.assign({path.substr(0, size), 0});
    jump_.data[jump_.size++] = '\x01';
    status_ = cursor_.seek(jump_.key());
    return;
  }
  status_ = cursor_.next();
}

bool StreamMaker::is_deeper(std::string_view path) const {
  size_t from = path_size_ == 0 ? 0 : path_size_ + 1;
  return path.size() > from && path.find('/', from) != std::string_view::npos;
}

void StreamMaker::page_lost(Status why) {
  ++result_.missing;
  ByteWriter writer(head_);
  encode_lost(why, writer);
  frame(writer.written());
  status_ = cursor_.failed();
}

// The file is complete but for what lost rows covered.
void StreamMaker::close_file() {
  if (request_.with_data && covered_ < file_size_) {
    cover(file_size_);
    return;
  }
  in_file_ = false;
}

void StreamMaker::cover(uint64_t until) {
  uint64_t offset = covered_, length = until - covered_;
  covered_ = until;
  if (!clip(&offset, &length)) return;
  ++result_.missing;
  send_range(FrameType::kMissing, offset, length, Status::kNotFound);
}

void StreamMaker::end(Status status) {
  if (in_file_) {
    close_file();
    if (in_file_) return;
  }
  if (ok(status) && first_ && path_size_ > 0)
    status = result_.missing > 0 ? Status::kNotEnough : Status::kNotFound;
  result_.status = status;
  ByteWriter writer(head_);
  encode_end_frame({result_.files, result_.bytes, result_.missing, status}, writer);
  frame(writer.written());
  phase_ = Phase::kOver;
}

// ---- Contents ----

void StreamMaker::send_range(FrameType type, uint64_t offset, uint64_t length, Status why) {
  ByteWriter writer(head_);
  encode_range_frame(type, {offset, length, why}, writer);
  frame(writer.written());
}

// To the byte range that was asked for; false when nothing is left.
bool StreamMaker::clip(uint64_t* offset, uint64_t* length) const {
  uint64_t end = *offset + *length;
  uint64_t last = request_.data_length > UINT64_MAX - request_.data_offset
                      ? UINT64_MAX
                      : request_.data_offset + request_.data_length;
  uint64_t from = std::max(*offset, request_.data_offset);
  uint64_t to = std::min(end, last);
  if (from >= to) return false;
  *offset = from;
  *length = to - from;
  return true;
}

void StreamMaker::on_extent() {
  if (extents_left_ == 0) {
    phase_ = Phase::kAdvance;
    return;
  }
  --extents_left_;
  extent_ = decode_extent(extents_);
  extent_at_ = covered_;
  covered_ += extent_.length;
  data_at_ = extent_at_;
  data_left_ = extent_.length;
  if (!clip(&data_at_, &data_left_)) return;
  if (extent_.hole) {
    send_range(FrameType::kHole, data_at_, data_left_, Status::kOk);
    result_.bytes += data_left_;
    return;
  }
  ChunkRef wanted{extent_.d, extent_.c, extent_.chunk_bytes};
  phase_ = Phase::kData;
  if (has_chunk_ && wanted == chunk_) return;
  chunk_ = wanted;
  has_chunk_ = false;
  wants_chunk_ = true;
  plain_ = {};
}

void StreamMaker::give_chunk(Bytes plain) {
  DREY_CHECK(wants_chunk_);
  if (plain.size() != chunk_.chunk_bytes) return chunk_missing(Status::kCorrupt);
  wants_chunk_ = false;
  has_chunk_ = true;
  missing_ = Status::kOk;
  plain_ = plain;
}

// It stays the current chunk, so that the next files of a lost bundle need not ask again.
void StreamMaker::chunk_missing(Status why) {
  DREY_CHECK(wants_chunk_);
  wants_chunk_ = false;
  has_chunk_ = true;
  missing_ = why;
  plain_ = {};
}

void StreamMaker::chunk_present() {
  chunk_missing(Status::kOk);
  present_ = true;
}

void StreamMaker::on_data() {
  if (data_left_ == 0) {
    phase_ = Phase::kExtents;
    return;
  }
  if (!ok(missing_)) {
    ++result_.missing;
    send_range(FrameType::kMissing, data_at_, data_left_, missing_);
    data_left_ = 0;
    return;
  }
  if (present_) {
    send_range(FrameType::kHole, data_at_, data_left_, Status::kOk);
    data_left_ = 0;
    return;
  }
  size_t size = static_cast<size_t>(std::min<uint64_t>(data_left_, kFrameDataBytesMax));
  size_t from = extent_.offset + static_cast<size_t>(data_at_ - extent_at_);
  ByteWriter writer(head_);
  encode_frame_header(FrameType::kData, 8 + size, writer);
  writer.u64(data_at_);
  frame(writer.written(), plain_.subspan(from, size), {});
  data_at_ += size;
  data_left_ -= size;
  result_.bytes += size;
}

// Distinct neighbours only: a bundle is asked for once for all its files.
size_t StreamMaker::upcoming(std::span<ChunkRef> to) const {
  constexpr size_t kRowsAhead = 256;
  size_t count = 0;
  ChunkRef last = chunk_;
  auto gather = [&](ByteReader reader, size_t extents, uint64_t at) {
    for (size_t i = 0; i < extents && count < to.size(); ++i) {
      Extent extent = decode_extent(reader);
      ChunkRef ref{extent.d, extent.c, extent.chunk_bytes};
      uint64_t offset = at, length = extent.length;
      at += extent.length;
      if (extent.hole || ref == last || !clip(&offset, &length)) continue;
      to[count++] = last = ref;
    }
  };
  if (!request_.with_data || phase_ == Phase::kOver || phase_ == Phase::kEnd) return 0;
  if (phase_ == Phase::kRow) return 0;
  gather(extents_, extents_left_, covered_);
  PageReader ahead = cursor_.ahead();
  for (size_t i = 0; i < kRowsAhead && count < to.size() && ok(ahead.next()); ++i) {
    Row row;
    if (!is_beneath(ahead.key().path, request_.path)) break;
    if (!ok(decode_row(ahead.key(), ahead.body(), &row))) break;
    gather(ByteReader(row.extents), row.extent_count, ahead.key().offset);
  }
  return count;
}

}  // namespace drey
