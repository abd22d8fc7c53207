// SnapshotsSource, InviteSource, EventsSource.

#include <algorithm>

#include "codec/phrase.h"
#include "node/node.h"

namespace drey {

// ---- SnapshotsSource ----

void SnapshotsSource::start(Connection* connection) {
  listed_.set(&node_->ready(), this, &SnapshotsSource::listed);
  skip_ = 0;
  complete_ = false;
  begin_ = 0;
  buffer_[0] = '[';
  end_ = 1;
  attach(connection);
  list();
}

// The catalog delivers everything at once; what does not fit the buffer is asked for again, behind
// the rows that were sent.
void SnapshotsSource::list() {
  seen_ = 0;
  more_ = false;
  listing_ = ok(node_->backup().list_snapshots(this, &listed_));
}

void SnapshotsSource::tick(uint64_t) {
  if (attached() && !listing_ && !complete_ && begin_ == end_) list();
}

bool SnapshotsSource::row(const SnapshotInfo& info) {
  if (seen_++ < skip_) return true;
  TextWriter out{std::span<char>(buffer_).subspan(end_)};
  out.text(skip_ > 0 ? ",{\"id\":\"" : "{\"id\":\"").hex(info.id.bytes());
  const Member* member = node_->mesh().membership().find(info.node);
  out.text("\",\"node\":").json_string(member != nullptr ? member->name() : "?");
  out.text(",\"set\":").json_string(info.set());
  out.text(",\"time\":")
      .decimal(static_cast<uint64_t>(std::max<int64_t>(info.time_ns, 0) / 1'000'000'000));
  out.text(",\"sequence\":").decimal(info.sequence).text(",\"paths\":[");
  std::string_view paths = info.paths();
  for (bool first = true; !paths.empty(); first = false) {
    size_t end = std::min(paths.find('\0'), paths.size());
    out.text(first ? "" : ",").json_string(paths.substr(0, end));
    paths.remove_prefix(std::min(end + 1, paths.size()));
  }
  bool own = info.node == node_->mesh().self();
  out.text("],\"files\":").decimal(info.files).text(",\"bytes\":").decimal(info.bytes);
  out.text(",\"added_bytes\":").decimal(info.added_bytes).text(",\"errors\":").decimal(info.errors);
  out.text(",\"protected\":")
      .text(!own                   ? "null"
            : is_protected(*node_) ? "true"
                                   : "false")
      .text("}\n");
  if (!out.ok()) {
    more_ = true;
    return false;
  }
  end_ += out.size();
  ++skip_;
  return true;
}

void SnapshotsSource::listed(Status) {
  listing_ = false;
  complete_ = !more_;
  wake();
}

Status SnapshotsSource::produce(MutBytes room, size_t* size) {
  if (listing_) return Status::kAgain;
  size_t part = std::min(room.size() - 2, end_ - begin_);
  std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), part, room.begin());
  begin_ += part;
  *size = part;
  if (begin_ < end_) return Status::kOk;
  begin_ = end_ = 0;
  if (complete_) {
    room[part] = ']';
    room[part + 1] = '\n';
    *size = part + 2;
    return Status::kEnd;
  }
  list();
  return Status::kAgain;
}

// ---- InviteSource ----

Status InviteSource::start(Role role, uint8_t uses, bool wait, Connection* connection) {
  PairCode code;
  DREY_TRY(pair_code_generate(*node_->ports().random, &code));
  code_size_ = pair_code_format(code, code_text_).size();
  over_.set(&node_->ready(), this, &InviteSource::over);
  request_ = InviteRequest{};
  request_.room = code.room;
  std::copy(code.secret.raw.begin(), code.secret.raw.end(), request_.code.raw.begin());
  request_.role = role;
  request_.uses = uses;
  request_.op = &over_;
  DREY_TRY(node_->mesh().invite(&request_));
  open_ = true;
  wait_ = wait;
  told_code_ = false;
  told_joined_ = 0;
  attach(connection);
  return Status::kOk;
}

void InviteSource::over(Status status) {
  open_ = false;
  status_ = status;
  wipe(request_.code.mut());
  wake();
}

// Who interrupts a waiting "drey invite" means the invitation: its code is on no screen any more.
void InviteSource::on_detach() {
  if (wait_ && open_) node_->mesh().cancel_invite();
}

void InviteSource::tick(uint64_t) {
  if (attached() && told_joined_ != request_.joined_count) wake();
}

Status InviteSource::produce(MutBytes room, size_t* size) {
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  if (!told_code_) {
    out.text("{\"type\":\"code\",\"code\":")
        .json_string(as_text(Bytes(code_text_).first(code_size_)));
    out.text(",\"expires_s\":").decimal(Inviter::kOpenNs / 1'000'000'000).text("}\n");
    told_code_ = true;
    wipe(code_text_);
  }
  for (; told_joined_ < request_.joined_count; ++told_joined_) {
    const Member* member = node_->mesh().membership().find(request_.joined);
    out.text("{\"type\":\"joined\",\"node\":")
        .json_string(member != nullptr ? member->name() : "?")
        .text("}\n");
  }
  bool end = !wait_ || !open_;
  if (!open_) {
    out.text("{\"type\":\"summary\",\"status\":");
    out.json_string(ok(status_)                  ? "ok"
                    : status_ == Status::kDenied ? "refused"
                                                 : status_name(status_));
    out.text("}\n");
  }
  *size = out.size();
  return end ? Status::kEnd : Status::kAgain;
}

// ---- EventsSource ----

void EventsSource::start(Connection* connection) {
  told_ = 0;
  attach(connection);
}

void EventsSource::tick(uint64_t) {
  if (attached() && node_->log().last_event_number() > told_) wake();
}

Status EventsSource::produce(MutBytes room, size_t* size) {
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  Log::Event event;
  while (out.room() > 2048 && node_->log().next_event(told_, &event)) {
    told_ = event.number;
    out.text("id: ")
        .decimal(event.number)
        .text("\ndata: {\"level\":")
        .json_string(log_level_name(event.level));
    out.text(",\"up_s\":")
        .decimal(event.up_ns / 1'000'000'000)
        .text(",\"text\":")
        .json_string(event.text())
        .text("}\n\n");
  }
  *size = out.size();
  return Status::kAgain;
}

}  // namespace drey
