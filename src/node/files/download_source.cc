// DownloadSource: finding what was asked for, and turns. Sending it: download_send.cc.
#include "node/files/download_source.h"

#include <algorithm>

#include "node/files/download_line.h"
#include "node/node.h"

namespace drey {

void DownloadSource::begin(What what, Connection* connection) {
  what_ = what;
  state_ = State::kNextTable;
  status_code_ = 0;
  begin_ = end_ = 0;
  found_ = any_table_ = lost_ = tar_ = over_ = had_turn_ = false;
  page_ = may_write_ = page_begun_ = false;
  first_row_ = true;
  data_left_ = zeros_left_ = pad_ = left_ = 0;
  range_ = {};
  asked_.set(&node_->ready(), this, &DownloadSource::asked);
  ended_.set(&node_->ready(), this, &DownloadSource::ended);
  attach(connection);
}

void DownloadSource::start_list(bool page, bool may_write, Connection* connection) {
  begin(What::kList, connection);
  page_ = page;
  may_write_ = may_write;
  status_code_ = 200;
  ask();
}

void DownloadSource::start_file(const FileId& id, bool facts_only, std::string_view range,
                                Connection* connection) {
  begin(facts_only ? What::kFacts : What::kFile, connection);
  id_ = id;
  range_text_ = range;
  ask();
}

void DownloadSource::start_path(std::string_view snapshot, std::string_view path,
                                std::string_view range, bool page, Connection* connection) {
  begin(What::kPath, connection);
  snapshot_ = snapshot;
  path_ = path;
  page_ = page && (path.empty() || path.ends_with('/'));
  while (path_.starts_with('/')) path_.remove_prefix(1);
  while (path_.ends_with('/')) path_.remove_suffix(1);
  range_text_ = range;
  state_ = State::kResolving;
  ask();
}

// ---- The catalog. It answers one question at a time; while it is busy, tick() asks again. ----

void DownloadSource::ask() {
  found_ = false;
  Status status = state_ == State::kResolving
                      ? node_->backup().resolve_snapshot(snapshot_, &draft_, &asked_)
                      : node_->backup().list_snapshots(this, &asked_);
  if (status == Status::kBusy) return;
  asking_ = ok(status);
  if (!ok(status)) not_found();
}

// The table of the next device, in the order of their ids.
bool DownloadSource::row(const SnapshotInfo& info) {
  if (info.set() != kFilesSet || (any_table_ && info.node <= last_owner_)) return true;
  draft_ = info;
  found_ = true;
  return false;
}

void DownloadSource::asked(Status status) {
  asking_ = false;
  if (!attached()) return release();
  if (state_ == State::kResolving) {
    if (!ok(status)) return not_found();
  } else if (!ok(status)) {
    lost_ = true;
    return not_found();
  } else if (!found_) {
    return not_found();  // no further table
  }
  info_ = draft_;
  last_owner_ = info_.node;
  any_table_ = true;
  found_ = false;
  tar_ = what_ == What::kPath && path_.empty() && !page_;
  state_ = tar_ ? State::kOpeningData : State::kOpeningLook;
  open();
}

// ---- Streams ----

void DownloadSource::open() {
  if (tar_ && line_->other_tar(*this)) give_back();
  if (lender_ == nullptr) return join_line();
  begin_ = end_ = 0;
  StreamRequest request;
  request.snapshot = info_;
  bool data = state_ == State::kOpeningData;
  request.with_data = data;
  if (what_ == What::kPath) {
    request.path = path_;
    request.one_level = !data;
  } else if (data) {
    request.path = {found_path_.data(), found_path_size_};
  }
  if (data && !tar_) {
    request.data_offset = range_.first + range_.length - left_;
    request.data_length = left_;
    turn_left_ = ticked_left_ = left_;
  }
  State before = state_;
  bool lists = what_ == What::kList || (page_ && path_.empty());
  state_ = data ? State::kSending : lists ? State::kListing : State::kLooking;
  Result<StreamNumber> stream = node_->backup().open_stream(request, this, &ended_);
  if (stream.status() == Status::kBusy) {
    state_ = before;  // slots are taken: tick() tries again
    return;
  }
  if (!stream.ok()) return refuse(400, "usage", "the path is malformed or too long");
  stream_ = stream.value();
  has_stream_ = true;
  if (tar_ || lists) status_code_ = 200;
  wake();
}

void DownloadSource::tick(uint64_t now_ns) {
  if (!attached() || asking_) return;
  if (turn_is_over(now_ns)) return yield();
  if (has_stream_) return;
  if (state_ == State::kNextTable || state_ == State::kResolving) ask();
  bool opens = state_ == State::kOpeningLook || state_ == State::kOpeningData;
  if (opens && lender_ != nullptr) open();
}

// ---- Turns ----

void DownloadSource::join_line() {
  place_ = line_->next_place();
  line_->admit();
}

void DownloadSource::begin_turn(StreamSource* lender) {
  lender_ = lender;
  buffer_ = lender->lend();
  turn_ns_ = node_->ports().clock->up_ns();
  open();
}

// Not before a whole chunk has come and gone, however slow its holder, or else nothing would ever
// arrive; unless it is the client who is slow.
bool DownloadSource::turn_is_over(uint64_t now_ns) {
  if (state_ != State::kSending || tar_ || over_ || lender_ == nullptr) return false;
  uint64_t left = contents_left();
  bool client_is_slow = left == ticked_left_ && (begin_ < end_ || zeros_left_ > 0);
  ticked_left_ = left;
  bool enough = turn_left_ - left >= limits::kRecordBytesMax || client_is_slow;
  return left > 0 && now_ns >= turn_ns_ + kTurnNs && enough && line_->anybody_waits();
}

// Where ended_ is on its way, the number may be another's stream already.
void DownloadSource::yield() {
  state_ = State::kYielding;
  if (has_stream_ && ended_.is_queued()) return;
  if (has_stream_) return node_->backup().cancel_stream(stream_);
  end_turn();
}

// What waited in the buffer comes again with the next turn.
void DownloadSource::end_turn() {
  left_ = contents_left();
  data_left_ = zeros_left_ = 0;
  had_turn_ = true;
  state_ = State::kOpeningData;
  place_ = line_->next_place();
  give_back();
}

// The next in line begins at once: it may be this one, which has its place by then.
void DownloadSource::give_back() {
  if (lender_ == nullptr) return;
  begin_ = end_ = 0;
  buffer_ = {};
  lender_->take_back();
  lender_ = nullptr;
  line_->admit();
}

void DownloadSource::release() {
  state_ = State::kIdle;
  give_back();
}

MutBytes DownloadSource::room() {
  bool wanted = (state_ == State::kLooking && !found_) || state_ == State::kListing ||
                state_ == State::kSending;
  if (!wanted || !attached()) return {};
  if (begin_ == end_) begin_ = end_ = 0;
  if (begin_ > 0 && buffer_.size() - end_ < buffer_.size() / 2) {
    std::copy(buffer_.begin() + static_cast<ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  return buffer_.subspan(end_);
}

void DownloadSource::produced(size_t size) {
  end_ += size;
  if (state_ == State::kLooking) {
    look();
  } else {
    wake();
  }
}

// A whole frame; of DATA its head is enough.
bool DownloadSource::frame_here(StreamFrameHeader* header) const {
  Bytes waiting = Bytes(buffer_).subspan(begin_, end_ - begin_);
  if (waiting.size() < kFrameHeaderBytes || !ok(decode_frame_header(waiting, header))) return false;
  size_t needed = header->type == FrameType::kData ? 8 : header->size;
  return waiting.size() - kFrameHeaderBytes >= needed;
}

Bytes DownloadSource::frame_body(const StreamFrameHeader& header) const {
  return Bytes(buffer_).subspan(begin_ + kFrameHeaderBytes, header.size);
}

bool DownloadSource::is_wanted(const EntryFrame& frame) const {
  // Where its own page is lost, the first entry to come is another one.
  if (what_ == What::kPath) return frame.path == path_;
  std::string_view name;
  FileId id;
  return frame.entry.kind == FileKind::kFile && ok(split_file_path(frame.path, &name, &id)) &&
         id == id_;
}

void DownloadSource::look() {
  StreamFrameHeader header;
  while (!found_ && frame_here(&header)) {
    Bytes body = frame_body(header);
    EntryFrame frame;
    if (header.type == FrameType::kLost) lost_ = true;
    if (header.type == FrameType::kEntry && ok(decode_entry_frame(body, &frame)) &&
        is_wanted(frame)) {
      found_ = true;
      entry_ = frame.entry;
      entry_.link = entry_.xattrs = {};
      found_path_size_ = std::min(frame.path.size(), found_path_.size());
      std::copy_n(frame.path.begin(), found_path_size_, found_path_.begin());
    }
    begin_ += kFrameHeaderBytes + header.size;
  }
  if (!found_) return;
  if (page_ && entry_.kind == FileKind::kDir) {
    // The same stream goes on with what the folder holds.
    state_ = State::kListing;
    status_code_ = 200;
    return wake();
  }
  page_ = false;
  if (has_stream_) node_->backup().cancel_stream(stream_);
}

void DownloadSource::ended(Status) {
  has_stream_ = false;
  if (!attached()) return release();
  if (state_ == State::kYielding) return end_turn();
  if (state_ == State::kLooking) {
    if (found_) return found_entry();
    if (what_ == What::kPath) return not_found();
    state_ = State::kNextTable;
    return ask();
  }
  wake();
}

void DownloadSource::found_entry() {
  begin_ = end_ = 0;
  if (what_ == What::kFacts) {
    state_ = State::kFacts;
    status_code_ = 200;
    return wake();
  }
  tar_ = entry_.kind != FileKind::kFile;
  if (!tar_) {
    Status ranged = parse_byte_range(range_text_, entry_.size, &range_);
    if (ranged == Status::kInvalid)
      return refuse(416, "range", "the file ends before that range begins");
    status_code_ = ok(ranged) ? 206 : 200;
    left_ = range_.length;
    // Looking was quick; what takes longer waits for those who have only looked or less.
    if (left_ > limits::kRecordBytesMax && line_->anybody_waits()) return end_turn();
  }
  state_ = State::kOpeningData;
  if (tar_ || left_ > 0) return open();
  state_ = State::kSending;
  wake();
}

// ---- Refusals ----

void DownloadSource::not_found() {
  if (what_ == What::kList) {
    over_ = true;  // the list is complete
    state_ = State::kListing;
    return wake();
  }
  if (lost_)
    return refuse(503, "not_enough", "a part of the table is on no device that answers now");
  refuse(404, "not_found",
         what_ == What::kPath ? "no such snapshot, or nothing is at this path in it"
                              : "no file has this id; drey files lists them");
}

void DownloadSource::refuse(int status_code, std::string_view code, std::string_view words) {
  status_code_ = status_code;
  code_ = code;
  words_ = words;
  state_ = State::kRefused;
  wake();
}

void DownloadSource::on_detach() {
  if (has_stream_ && ended_.is_queued()) return;
  if (has_stream_) return node_->backup().cancel_stream(stream_);
  if (!asking_) release();
}

}  // namespace drey
