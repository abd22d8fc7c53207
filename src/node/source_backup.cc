// BackupSource, WaitSource, and when copies count as being in place.

#include "node/node.h"
#include "node/peer_words.h"

namespace drey {
namespace {

constexpr uint64_t kProgressNs = 500'000'000;
// How long the last words of a backup wait for the count that makes them true.
constexpr uint64_t kCountNs = 2'000'000'000;

const char* problem_words(Status status) {
  switch (status) {
    case Status::kDenied:
      return "permission denied; it is not in this snapshot";
    case Status::kNotFound:
      return "it vanished while the backup ran";
    case Status::kChanged:
      return "it changed while it was read; what was read is stored";
    case Status::kTooLarge:
      return "its name, attributes or link are beyond a limit; it is not in this snapshot";
    case Status::kIo:
      return "the disk failed while it was read; it is not in this snapshot";
    default:
      return "it could not be read";
  }
}

void write_failure(const BackupResult& result, Status status, TextWriter& out) {
  char words[400];
  TextWriter text{std::span<char>(words)};
  std::string_view root = result.root.path();
  const char* code = "error";
  if (!root.empty() && status == Status::kChanged) {
    text.text("/").text(root).text(
        " has become empty, or its disk is not mounted; nothing was recorded, earlier snapshots "
        "stay");
  } else if (!root.empty() && status == Status::kNotFound) {
    code = "not_found";
    text.text("/").text(root).text(" does not exist; nothing was recorded");
  } else if (!root.empty() && status == Status::kDenied) {
    text.text("/").text(root).text(" cannot be read by the daemon; nothing was recorded");
  } else if (!root.empty() && status == Status::kUnsupported) {
    text.text("/").text(root).text(
        " is never backed up: it is drey's own directory, or a file system without files (such as "
        "/proc); nothing was recorded");
  } else if (status == Status::kExists) {
    text.text(kClonedWords);
  } else if (status == Status::kFull) {
    code = "full";
    text.text(
        "no space: neither this device nor another can take more pieces; earlier snapshots are "
        "safe; free some space");
  } else if (status == Status::kReadOnly) {
    code = "read_only";
    text.text(
        "this device's disk has become read-only; earlier snapshots are safe; check the card");
  } else if (status == Status::kIo) {
    text.text(
        "this device's disk fails or is gone; nothing was recorded, earlier snapshots are safe on "
        "the other devices; check card and cables, then restart drey");
  } else if (status == Status::kTimeout) {
    text.text(
        "a device was cast out, and no new keys came; start another full device, then back up "
        "again");
  } else if (status == Status::kDenied) {
    text.text("this device is not part of the mesh any more; drey status says why");
  } else if (status == Status::kCancelled) {
    code = "cancelled";
    text.text("the backup was interrupted; what was sent is used again by the next one");
  } else {
    text.text("the backup failed: ").text(status_name(status)).text("; earlier snapshots are safe");
  }
  out.text(",\"status\":").json_string(code).text(",\"message\":").json_string(text.view());
}

}  // namespace

bool all_copies_in_place(Node& node) {
  ReplicationSummary r = node.mesh().replication();
  return r.settled && r.pass_number > 0 && r.under_replicated == 0 && r.missing == 0;
}

bool is_protected(Node& node) {
  return all_copies_in_place(node) && node.verdict().kind == VerdictKind::kProtected;
}

Status BackupSource::start(const BackupRequest& request, bool wait, Connection* connection) {
  done_.set(&node_->ready(), this, &BackupSource::done);
  Status status = node_->backup().backup(request, &done_);
  if (!ok(status)) return status;
  running_ = true;
  wait_ = wait;
  finished_ = false;
  told_errors_ = 0;
  next_progress_ns_ = 0;
  attach(connection);
  return Status::kOk;
}

void BackupSource::done(Status status) {
  running_ = false;
  finished_ = true;
  finished_ns_ = node_->ports().clock->up_ns();
  status_ = status;
  wake();
}

void BackupSource::on_detach() {
  // The one who asked went away: stop, as a command that is interrupted does.
  if (running_) node_->backup().cancel_backup();
}

void BackupSource::tick(uint64_t now_ns) {
  if (!attached()) return;
  if (finished_) wake();
  if (now_ns >= next_progress_ns_) {
    next_progress_ns_ = now_ns + kProgressNs;
    progress_due_ = true;
    wake();
  }
}

bool BackupSource::waited_enough() const {
  if (!ok(status_)) return true;
  if (!wait_)
    return node_->mesh().replication().counted ||
           node_->ports().clock->up_ns() - finished_ns_ >= kCountNs;
  return all_copies_in_place(*node_);
}

Status BackupSource::produce(MutBytes room, size_t* size) {
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  std::span<const BackupError> errors = node_->backup().errors();
  for (; told_errors_ < errors.size() && out.room() > 2048; ++told_errors_) {
    const BackupError& error = errors[told_errors_];
    out.text("{\"type\":\"problem\",\"path\":").json_string(error.path());
    out.text(",\"message\":").json_string(problem_words(error.status)).text("}\n");
  }
  bool end = finished_ && told_errors_ == errors.size() && waited_enough();
  if (end) {
    write_summary(out);
  } else if (progress_due_) {
    const BackupProgress& p = node_->backup().progress();
    out.text("{\"type\":\"progress\",\"state\":").json_string(finished_ ? "copying" : "reading");
    out.text(",\"files\":").decimal(p.files).text(",\"bytes\":").decimal(p.bytes);
    out.text(",\"read_bytes\":")
        .decimal(p.read_bytes)
        .text(",\"added_bytes\":")
        .decimal(p.added_bytes)
        .text("}\n");
  }
  progress_due_ = false;
  *size = out.size();
  return end ? Status::kEnd : Status::kAgain;
}

void BackupSource::write_summary(TextWriter& out) {
  const BackupResult& result = node_->backup().result();
  const BackupProgress& p = result.progress;
  out.text("{\"type\":\"summary\",\"snapshot\":\"");
  if (ok(status_)) out.hex(result.snapshot.bytes());
  out.text("\",\"files\":").decimal(p.files).text(",\"bytes\":").decimal(p.bytes);
  out.text(",\"added_bytes\":")
      .decimal(p.added_bytes)
      .text(",\"added_records\":")
      .decimal(p.added_records);
  out.text(",\"unchanged\":").decimal(p.unchanged).text(",\"errors\":").decimal(p.errors);
  bool safe = ok(status_) && is_protected(*node_);
  out.text(",\"protected\":").text(safe ? "true" : "false");
  if (ok(status_)) {
    Verdict verdict = node_->verdict();
    bool short_of = wait_ && !safe;
    out.text(",\"status\":").json_string(short_of ? "not_enough" : p.errors > 0 ? "partly" : "ok");
    out.text(",\"message\":").json_string(verdict.sentence());
  } else {
    write_failure(result, status_, out);
  }
  out.text("}\n");
}

// ---- WaitSource ----

void WaitSource::start(uint64_t timeout_s, Connection* connection) {
  uint64_t now = node_->ports().clock->up_ns();
  deadline_ns_ = timeout_s == 0 ? UINT64_MAX : now + timeout_s * 1'000'000'000;
  attach(connection);
}

void WaitSource::tick(uint64_t) {
  if (attached()) wake();
}

Status WaitSource::produce(MutBytes room, size_t* size) {
  bool settled = all_copies_in_place(*node_);
  if (!settled && node_->ports().clock->up_ns() < deadline_ns_) return Status::kAgain;
  ReplicationSummary r = node_->mesh().replication();
  Verdict verdict = node_->verdict();
  TextWriter out{std::span<char>(reinterpret_cast<char*>(room.data()), room.size())};
  out.text("{\"type\":\"summary\",\"settled\":").text(settled ? "true" : "false");
  out.text(",\"verdict\":")
      .json_string(verdict_name(verdict.kind))
      .text(",\"sentence\":")
      .json_string(verdict.sentence());
  out.text(",\"under_replicated\":")
      .decimal(r.under_replicated)
      .text(",\"missing\":")
      .decimal(r.missing)
      .text("}\n");
  *size = out.size();
  return Status::kEnd;
}

}  // namespace drey
