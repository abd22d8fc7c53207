// StreamSource: resolves the snapshot, opens a stream of src/backup, and passes its frames on
// through a buffer of its own, so that neither side waits inside the other.

#include <algorithm>

#include "node/node.h"

namespace drey {

Status StreamSource::start(std::string_view snapshot, std::string_view path, bool with_data,
                           bool one_level, const Survivors& survivors, Connection* connection) {
  if (snapshot.size() > snapshot_.size() || path.size() > path_.size()) return Status::kTooLarge;
  std::copy(snapshot.begin(), snapshot.end(), snapshot_.begin());
  std::copy(path.begin(), path.end(), path_.begin());
  snapshot_size_ = snapshot.size();
  path_size_ = path.size();
  with_data_ = with_data;
  one_level_ = one_level;
  survivors_ = survivors;
  begin_ = end_ = 0;
  status_ = Status::kOk;
  has_stream_ = false;
  resolved_.set(&node_->ready(), this, &StreamSource::resolved);
  ended_signal_.set(&node_->ready(), this, &StreamSource::ended);
  state_ = State::kAsking;
  attach(connection);
  ask();
  return Status::kOk;
}

// The catalog answers one question at a time; while it is busy, tick() asks again.
void StreamSource::ask() {
  Status status =
      node_->backup().resolve_snapshot({snapshot_.data(), snapshot_size_}, &info_, &resolved_);
  if (status == Status::kBusy) return;
  if (!ok(status)) return refuse(status);
  state_ = State::kResolving;
}

void StreamSource::tick(uint64_t) {
  if (state_ == State::kAsking) {
    if (!attached()) {
      state_ = State::kIdle;
      return;
    }
    ask();
  } else if (state_ == State::kOpening) {
    open();
  }
}

void StreamSource::refuse(Status status) {
  status_ = status;
  state_ = attached() ? State::kRefused : State::kIdle;
  TextWriter out{std::span<char>(reinterpret_cast<char*>(buffer_.data()), buffer_.size())};
  out.text("{\"error\":")
      .json_string(status == Status::kBusy ? "busy" : "not_found")
      .text(",\"message\":");
  out.json_string(
      status == Status::kExists    ? "several snapshots begin with these digits; give more of them"
      : status == Status::kInvalid ? "no snapshot has that name; a snapshot is its id (or the "
                                     "first digits of it), 'latest', or "
                                     "NODE:latest"
      : status == Status::kBusy    ? "two restores are running already; ask again later"
                                   : "there is no such snapshot; drey snapshots lists them");
  out.text("}\n");
  begin_ = 0;
  end_ = out.size();
  wake();
}

void StreamSource::resolved(Status status) {
  if (!attached()) {
    state_ = State::kIdle;
    return;
  }
  if (!ok(status)) return refuse(status);
  state_ = State::kOpening;
  open();
}

void StreamSource::open() {
  if (!attached()) {
    state_ = State::kIdle;
    return;
  }
  StreamRequest request;
  request.snapshot = info_;
  request.path = {path_.data(), path_size_};
  request.with_data = with_data_;
  request.one_level = one_level_;
  request.survivors = survivors_;
  state_ = State::kStreaming;  // the service may fill the sink at once
  Result<StreamNumber> stream = node_->backup().open_stream(request, this, &ended_signal_);
  if (stream.status() == Status::kBusy) {
    state_ = State::kOpening;  // slots are taken: tick() tries again
    return;
  }
  if (!stream.ok()) return refuse(stream.status());
  stream_ = stream.value();
  has_stream_ = true;
  wake();
}

int StreamSource::http_status() {
  if (state_ == State::kRefused) return status_ == Status::kBusy ? 503 : 404;
  return state_ == State::kStreaming || state_ == State::kEnded ? 200 : 0;
}

MutBytes StreamSource::room() {
  if (begin_ == end_) begin_ = end_ = 0;
  return MutBytes(buffer_).subspan(end_);
}

void StreamSource::produced(size_t size) {
  end_ += size;
  wake();
}

void StreamSource::ended(Status status) {
  status_ = status;
  has_stream_ = false;
  state_ = attached() ? State::kEnded : State::kIdle;
  wake();
}

Status StreamSource::produce(MutBytes room, size_t* size) {
  size_t part = std::min(room.size(), end_ - begin_);
  std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), part, room.begin());
  begin_ += part;
  *size = part;
  if (begin_ == end_ && state_ == State::kRefused) return Status::kEnd;
  if (begin_ == end_ && state_ == State::kEnded) return Status::kEnd;
  if (has_stream_ && begin_ == end_) node_->backup().resume_stream(stream_);
  return part > 0 ? Status::kOk : Status::kAgain;
}

void StreamSource::on_detach() {
  if (has_stream_) {
    // Where it ended, the number may be another's stream already.
    if (!ended_signal_.is_queued()) node_->backup().cancel_stream(stream_);
  } else if (state_ == State::kRefused || state_ == State::kEnded) {
    state_ = State::kIdle;
  }
}

}  // namespace drey
