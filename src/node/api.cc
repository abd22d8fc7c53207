#include "node/api.h"

#include "node/node.h"
#include "node/peer_words.h"
#include "node/set_request.h"

namespace drey {

void Api::start(Node* node) {
  node_ = node;
  access_.start({node->ports().clock, node->ports().random, &node->log()}, *node->ports().disk);
  access_source_.set_node(node);
  access_source_.set_access(&access_);
  if (node->is_full()) history_.start(&node->ready(), &node->backup(), node->mesh().self());
  backup_.set_node(node);
  forget_.set_node(node);
  unpin_now_.set_node(node);
  invite_.set_node(node);
  member_.set_node(node);
  phrase_.set_node(node);
  scrub_.set_node(node);
  for (auto& source : streams_) source.set_node(node);
  uploads_.set_node(node);
  downloads_.set_node(node, streams_);
  for (auto& source : snapshots_) source.set_node(node);
  for (auto& source : waits_) source.set_node(node);
  for (auto& source : events_) source.set_node(node);
}

void Api::tick(uint64_t now_ns) {
  history_.tick(node_->mesh().heads().changes(), node_->ports().clock->wall_ns());
  backup_.tick(now_ns);
  invite_.tick(now_ns);
  unpin_now_.tick(now_ns);
  member_.tick(now_ns);
  scrub_.tick(now_ns);
  for (auto& source : streams_) source.tick(now_ns);
  uploads_.tick(now_ns);
  downloads_.tick(now_ns);
  for (auto& source : snapshots_) source.tick(now_ns);
  for (auto& source : waits_) source.tick(now_ns);
  for (auto& source : events_) source.tick(now_ns);
}

void Api::stop() { node_->mesh().cancel_invite(); }

bool Api::parse(const Request& request, Responder& responder) {
  if (ok(json_.parse(request.body)) && json_.member(json_.root(), "") == http::Json::kNone)
    return true;
  responder.error(400, "usage", "the body must be a JSON object");
  return false;
}

namespace {

// Unescapes strings of one request into a shared buffer, so that views of them can be collected.
class Strings {
 public:
  Strings(const http::Json& json, MutBytes room) : json_(json), room_(room) {}
  // "" when absent or no string; failed() when it does not fit.
  std::string_view take(int value) {
    if (!json_.is_string(value)) return {};
    Result<size_t> size = json_.text(value, room_);
    if (!size.ok()) {
      failed_ = true;
      return {};
    }
    std::string_view text = as_text(Bytes(room_).first(size.value()));
    room_ = room_.subspan(size.value());
    return text;
  }
  template <size_t N>
  size_t list(int array, std::array<std::string_view, N>& to) {
    size_t count = 0;
    if (!json_.is_array(array)) return 0;
    for (int e = json_.first(array); e != http::Json::kNone; e = json_.next(e)) {
      if (count == N) {
        failed_ = true;
        return count;
      }
      to[count++] = take(e);
    }
    return count;
  }
  bool failed() const { return failed_; }

 private:
  const http::Json& json_;
  MutBytes room_;
  bool failed_ = false;
};

void refuse_backup(Status status, Responder& responder) {
  switch (status) {
    case Status::kBusy:
      return responder.error(409, "busy",
                             "a backup is running already; wait for it, or ask again later");
    case Status::kExists:
      return responder.error(409, "cloned", kClonedWords);
    case Status::kDenied:
      return responder.error(400, "left",
                             "this device is not part of the mesh any more; drey status says why");
    case Status::kTooLarge:
      return responder.error(400, "usage",
                             "too many paths or patterns: at most 32 paths and 64 patterns");
    case Status::kUnsupported:
      return responder.error(
          400, "vault", "this device is a vault: it keeps the backups of others and makes none");
    default:
      return responder.error(400, "usage", "a path is not absolute, or a pattern is malformed");
  }
}

}  // namespace

// Without paths: the set of that name in drey.conf, as its schedule would run it.
void Api::post_backup(const Request& request, Responder& responder) {
  if (!parse(request, responder)) return;
  Strings strings(json_, text_);
  int root = json_.root();
  SetRoom room;
  BackupRequest backup;
  backup.paths = {room.paths.data(), strings.list(json_.member(root, "paths"), room.paths)};
  backup.excludes = {room.excludes.data(),
                     strings.list(json_.member(root, "excludes"), room.excludes)};
  if (std::string_view set = strings.take(json_.member(root, "set")); !set.empty())
    backup.set = set;
  backup.one_file_system = json_.boolean(json_.member(root, "one_file_system"));
  backup.exclude_caches = json_.boolean(json_.member(root, "exclude_caches"));
  if (strings.failed()) return refuse_backup(Status::kTooLarge, responder);
  // The daemon reads more than its callers may: who names any path could get it back.
  if (!backup.paths.empty() && request.scope < Scope::kAdmin)
    return responder.error(403, "denied",
                           "only admin names paths; write may run a set of drey.conf");
  const Config& config = node_->config();
  for (size_t set = 0; set < config.set_count() && backup.paths.empty(); ++set)
    if (config.set_name(set) == backup.set) fill_set_request(config, set, room, &backup);
  if (!is_name(backup.set))
    return responder.error(400, "usage", "a set's name has 1 to 63 bytes, without '/'");
  if (backup.set == kFilesSet)
    return responder.error(400, "usage",
                           "the set 'files' holds single files; give the backup another name");
  if (!node_->is_full()) return refuse_backup(Status::kUnsupported, responder);
  bool wait = json_.boolean(json_.member(root, "wait"));
  Status status =
      backup_.free() ? backup_.start(backup, wait, responder.connection()) : Status::kBusy;
  if (!ok(status)) return refuse_backup(status, responder);
  responder.stream("application/jsonl", &backup_);
}

namespace {

// False: it is there and no number a rule can have.
bool read_rule(const http::Json& json, const char* name, uint32_t* to) {
  int value = json.member(json.root(), name);
  if (value == http::Json::kNone) return true;
  Result<uint64_t> count = parse_u64(json.is_string(value) ? "" : json.raw(value));
  if (!count.ok() || count.value() > RetentionPolicy::kCountMax) return false;
  *to = static_cast<uint32_t>(count.value());
  return true;
}

void refuse_forget(Status status, Responder& responder) {
  switch (status) {
    case Status::kBusy:
      return responder.error(409, "busy", "too much is running just now; ask again later");
    case Status::kExists:
      return responder.error(409, "cloned", kClonedWords);
    case Status::kTooLarge:
      return responder.error(400, "usage", "at most 32 snapshots at a time; nothing was removed");
    case Status::kNotEnough:
      return responder.error(400, "usage",
                             "neither a snapshot nor a rule was given; nothing was removed");
    default:
      return responder.error(400, "usage",
                             "a snapshot is named by at least 4 digits of its id, or latest; "
                             "nothing was removed");
  }
}

}  // namespace

void Api::post_forget(const Request& request, Responder& responder) {
  if (!parse(request, responder)) return;
  if (!node_->is_full()) return refuse_backup(Status::kUnsupported, responder);
  Strings strings(json_, text_);
  int root = json_.root();
  std::array<std::string_view, ForgetRequest::kSnapshotsMax> snapshots;
  ForgetRequest forget;
  forget.snapshots = {snapshots.data(), strings.list(json_.member(root, "snapshots"), snapshots)};
  if (strings.failed()) return refuse_forget(Status::kTooLarge, responder);
  bool valid = read_rule(json_, "keep_last", &forget.policy.keep_last) &&
               read_rule(json_, "keep_daily", &forget.policy.keep_daily) &&
               read_rule(json_, "keep_weekly", &forget.policy.keep_weekly) &&
               read_rule(json_, "keep_monthly", &forget.policy.keep_monthly);
  if (!valid)
    return responder.error(400, "usage",
                           "a rule is no number from 0 to 100000; nothing was removed");
  forget.dry_run = json_.boolean(json_.member(root, "dry_run"));
  bool now = json_.boolean(json_.member(root, "now"));
  if (now && request.scope != Scope::kOwner)
    return responder.error(403, "denied", "only root and the daemon's own user may ask for now");
  Status status =
      forget_.free() ? forget_.start(forget, now, responder.connection()) : Status::kBusy;
  if (!ok(status)) return refuse_forget(status, responder);
  responder.stream("application/jsonl", &forget_);
}

void Api::post_stream(const Request& request, Responder& responder) {
  if (!parse(request, responder)) return;
  if (!node_->is_full())
    return responder.error(
        400, "vault", "this device is a vault: it keeps sealed pieces and can read none of them");
  Strings strings(json_, text_);
  int root = json_.root();
  std::string_view snapshot = strings.take(json_.member(root, "snapshot"));
  std::string_view path = strings.take(json_.member(root, "path"));
  std::array<std::string_view, limits::kMembersMax> lose;
  size_t lose_count = strings.list(json_.member(root, "lose"), lose);
  if (snapshot.empty() || strings.failed()) return responder.error(400, "usage", "which snapshot?");
  Survivors survivors;
  if (lose_count > 0) {
    size_t at = 0;
    Status status = node_->survivors_without(std::span(lose).first(lose_count), &survivors, &at);
    if (!ok(status))
      return responder.error(status == Status::kNotFound ? 404 : 400, "not_found",
                             "no device, or more than one, has that name; drey peers lists them");
  }
  for (StreamSource& source : streams_) {
    if (!source.free()) continue;
    Status status = source.start(snapshot, path, json_.boolean(json_.member(root, "data")),
                                 json_.boolean(json_.member(root, "one_level")), survivors,
                                 responder.connection());
    if (!ok(status))
      return responder.error(400, "usage", "the snapshot's name or the path is too long");
    return responder.stream("application/octet-stream", &source);
  }
  responder.error(503, "busy", "two restores or listings are running already; ask again later");
}

void Api::get_snapshots(const Request&, Responder& responder) {
  if (!node_->is_full())
    return responder.error(400, "vault",
                           "this device is a vault: it cannot read what its snapshots are");
  for (SnapshotsSource& source : snapshots_) {
    if (!source.free()) continue;
    source.start(responder.connection());
    return responder.stream("application/json", &source);
  }
  responder.error(503, "busy", "a listing is running already; ask again");
}

void Api::post_invite(const Request& request, Responder& responder) {
  if (!parse(request, responder)) return;
  int root = json_.root();
  std::string_view role = json_.raw(json_.member(root, "role"));
  uint64_t uses = json_.number(json_.member(root, "uses"), 1);
  if ((role != "full" && role != "vault") || uses < 1 || uses > 64)
    return responder.error(400, "usage", "role is full or vault, uses 1 to 64");
  Status status = Status::kBusy;
  if (invite_.free()) {
    status = invite_.start(role == "full" ? Role::kFull : Role::kVault, static_cast<uint8_t>(uses),
                           json_.boolean(json_.member(root, "wait")), responder.connection());
  }
  if (status == Status::kBusy)
    return responder.error(409, "busy",
                           "an invitation is open already; use it, or wait ten minutes");
  if (!ok(status)) return responder.error(400, "vault", "only a full device can invite others");
  responder.stream("application/jsonl", &invite_);
}

void Api::post_wait(const Request& request, Responder& responder) {
  if (!parse(request, responder)) return;
  for (WaitSource& source : waits_) {
    if (!source.free()) continue;
    source.start(json_.number(json_.member(json_.root(), "timeout_s")), responder.connection());
    return responder.stream("application/jsonl", &source);
  }
  responder.error(503, "busy", "too many are waiting already");
}

void Api::post_scrub(const Request& request, Responder& responder) {
  if (!parse(request, responder)) return;
  if (!scrub_.free())
    return responder.error(409, "busy", "somebody waits for a scrub already; ask again later");
  scrub_.start(json_.boolean(json_.member(json_.root(), "wait")), responder.connection());
  responder.stream("application/jsonl", &scrub_);
}

void Api::get_events(const Request&, Responder& responder) {
  for (EventsSource& source : events_) {
    if (!source.free()) continue;
    source.start(responder.connection());
    return responder.stream("text/event-stream", &source);
  }
  responder.error(503, "busy", "too many are listening already");
}

}  // namespace drey
