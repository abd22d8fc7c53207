#include "node/files/upload_source.h"

#include <algorithm>

#include "node/node.h"

namespace drey {

Status UploadSource::start_upload(std::string_view name, std::string_view multipart, bool to_page,
                                  uint64_t body_bytes, Connection* connection) {
  to_page_ = to_page;
  form_ = !multipart.empty();
  name_size_ = 0;
  if (!name.empty() && !set_name(name)) return Status::kInvalid;
  if (name.empty() && !form_) return Status::kInvalid;
  if (form_) DREY_TRY(parts_.begin(multipart, body_bytes));
  size_ = body_bytes;
  removes_ = false;
  received_ = 0;
  has_last_ = false;
  state_ = State::kHead;
  attach(connection);
  if (size_ == 0) join_line();
  return Status::kOk;
}

void UploadSource::start_removal(const FileId& id, Connection* connection) {
  id_ = id;
  size_ = received_ = 0;
  name_size_ = 0;
  removes_ = true;
  form_ = to_page_ = false;
  attach(connection);
  join_line();
}

bool UploadSource::set_name(std::string_view name) {
  if (!is_file_name(name)) return false;
  std::copy(name.begin(), name.end(), name_.begin());
  name_size_ = name.size();
  return true;
}

// ---- In line ----

void UploadSource::join_line() {
  state_ = State::kInLine;
  place_ = line_->next_place();
  give_up_ns_ = node_->ports().clock->up_ns() + kWaitNs;
  line_->admit();
}

bool UploadSource::begin() {
  changed_.set(&node_->ready(), this, &UploadSource::changed);
  room_changed_.set(&node_->ready(), this, &UploadSource::room_changed);
  FileChange change;
  if (removes_) {
    change.removed = id_;
  } else {
    change.name = name();
    change.size = size_;
  }
  Status status = node_->backup().change_files(change, &room_changed_, &changed_);
  if (status == Status::kBusy) return false;
  if (!ok(status)) {
    fail(status);
    return true;
  }
  running_ = true;
  state_ = State::kBody;
  check_ns_ = node_->ports().clock->up_ns();
  checked_ = 0;
  return true;
}

void UploadSource::tick(uint64_t now_ns) {
  constexpr uint64_t kMinute = 60'000'000'000;
  if (state_ == State::kInLine && now_ns >= give_up_ns_)
    end(503, "busy", "a backup or other uploads are running; ask again later");
  if (state_ != State::kBody || received_ == size_ || now_ns < check_ns_ + kMinute) return;
  // Slow because of the disk or the other devices is no fault of the client.
  bool waits_for_client = !node_->backup().input_room().empty();
  if (waits_for_client && received_ - checked_ < kBytesPerMinuteMin)
    end(408, "timeout", "the upload came too slowly while others wait; nothing was stored");
  check_ns_ = now_ns;
  checked_ = received_;
}

// ---- The body ----

void UploadSource::room_changed(Status) { wake(); }

// Contents that may go straight on: of a form all but the last byte.
uint64_t UploadSource::direct_left() const {
  uint64_t held = form_ && size_ > 0 ? 1 : 0;
  return size_ - received_ > held ? size_ - received_ - held : 0;
}

MutBytes UploadSource::room() {
  if (state_ != State::kBody) return {};
  MutBytes room = node_->backup().input_room();
  return room.first(static_cast<size_t>(std::min<uint64_t>(room.size(), direct_left())));
}

void UploadSource::filled(size_t size) {
  received_ += size;
  node_->backup().input_filled(size);
}

size_t UploadSource::take(Bytes bytes) {
  if (state_ == State::kEnded) return bytes.size();
  if (state_ == State::kHead && form_ && !parts_.head_done()) {
    Result<size_t> taken = parts_.take_head(bytes);
    bool named =
        taken.ok() && (!parts_.head_done() || name_size_ > 0 || set_name(parts_.file_name()));
    if (!named) {
      end(400, "usage", "not a form with one file in it that has a name");
      return bytes.size();
    }
    if (parts_.head_done()) size_ = parts_.content_bytes();
    return taken.value();
  }
  // An empty file has its end checked before anything begins.
  bool empty_form = form_ && size_ == 0;
  if (state_ == State::kHead && !empty_form) join_line();
  if (state_ != State::kBody && !empty_form) return 0;
  if (direct_left() > 0) {
    MutBytes to = room();
    size_t size = std::min(to.size(), bytes.size());
    if (size > 0) std::copy_n(bytes.begin(), size, to.begin());
    if (size > 0) filled(size);
    return size;
  }
  if (!has_last_ && received_ < size_) {
    last_ = bytes.front();
    has_last_ = true;
    return 1;
  }
  // The change waits for the last byte alone, so there will be room for it.
  if (has_last_ && node_->backup().input_room().empty()) return 0;
  if (!ok(parts_.take_tail(bytes))) {
    end(400, "usage", "the form holds more than one file, or does not end; nothing was stored");
    return bytes.size();
  }
  if (parts_.done() && has_last_) {
    node_->backup().input_room().front() = last_;
    filled(1);
    has_last_ = false;
  }
  if (parts_.done() && empty_form) join_line();
  return bytes.size();
}

// ---- The end ----

void UploadSource::changed(Status status) {
  running_ = false;
  line_->admit();
  if (state_ == State::kBody && attached()) {
    const FileResult& result = node_->backup().file_result();
    id_ = result.id;
    if (ok(status)) {
      status_code_ = to_page_ ? 303 : 200;
      code_ = result.same ? "same" : "";
      state_ = State::kEnded;
      wake();
    } else {
      fail(status);
    }
  } else if (!attached()) {
    state_ = State::kFree;
  }
  if (ok(status)) node_->note_old_tables(node_->backup().file_result().old_tables);
}

void UploadSource::fail(Status status) {
  switch (status) {
    case Status::kInvalid:
      return end(400, "usage", "a name has 1 to 255 bytes without '/', and is not . or ..");
    case Status::kTooLarge:
      return end(413, "too_large", "the file is larger than a table can say");
    case Status::kNotFound:
      return end(404, "not_found",
                 "no version in this device's table has this id; drey files tells which device has "
                 "it, and it is deleted there");
    case Status::kNotEnough:
      return end(503, "not_enough",
                 "the table of files cannot be read in full just now; nothing was changed");
    case Status::kFull:
      return end(507, "full", "there is no space left for it; nothing was stored");
    case Status::kReadOnly:
      return end(507, "read_only", "the disk takes no writes; nothing was stored");
    case Status::kCancelled:
      return end(503, "cancelled", "the device is stopping; nothing was stored");
    default:
      return end(500, "error", "it could not be stored; drey status tells more");
  }
}

void UploadSource::end(int status_code, std::string_view code, std::string_view words) {
  status_code_ = status_code;
  code_ = code;
  words_ = words;
  state_ = State::kEnded;
  if (running_) node_->backup().cancel_change();
  wake();
}

void UploadSource::write_headers(TextWriter& out) {
  if (status_code_ == 303) out.text("Location: /browse\r\n");
}

Status UploadSource::produce(MutBytes room, size_t* size) {
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  if (status_code_ < 400) {
    out.text("{\"file_id\":\"").hex(id_.raw).text("\"");
    if (removes_) {
      out.text(",\"deleted\":true}\n");
    } else {
      out.text(",\"name\":").json_string(name()).text(",\"size\":").decimal(size_);
      out.text(",\"existed\":").text(code_ == "same" ? "true" : "false").text("}\n");
    }
  } else {
    out.text("{\"error\":").json_string(code_).text(",\"message\":").json_string(words_);
    out.text("}\n");
  }
  *size = out.size();
  return Status::kEnd;
}

void UploadSource::on_detach() {
  if (running_) node_->backup().cancel_change();
  if (!running_) state_ = State::kFree;
}

// ---- UploadLine ----

void UploadLine::set_node(Node* node) {
  for (UploadSource& source : sources_) {
    source.set_node(node);
    source.set_line(this);
  }
}

UploadSource* UploadLine::free_source() {
  for (UploadSource& source : sources_)
    if (source.free()) return &source;
  return nullptr;
}

void UploadLine::admit() {
  while (true) {
    UploadSource* first = nullptr;
    for (UploadSource& source : sources_)
      if (source.in_line() && (first == nullptr || source.place() < first->place()))
        first = &source;
    if (first == nullptr || !first->begin()) return;
  }
}

void UploadLine::tick(uint64_t now_ns) {
  for (UploadSource& source : sources_) source.tick(now_ns);
  admit();
}

}  // namespace drey
