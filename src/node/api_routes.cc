// The route table, and who is let in. API.md is written from the table:
//   DREY_WRITE_DOCS=1 node_test --gtest_filter='ApiDocument.*'

#include "node/access/host_rule.h"
#include "node/node.h"

namespace drey {
namespace {

constexpr const char* kRevokeWords = "`{node}`: casts a device out, for good";
constexpr const char* kOneLeftWords =
    "`{node}`: only one device runs with this identity any more; ends the alarm here";
constexpr const char* kForgetWords =
    "`{snapshots, keep_last, keep_daily, keep_weekly, keep_monthly, dry_run}`: removes snapshots; "
    "with `now`, by owner, their pieces too";
constexpr const char* kUnpinNowWords =
    "`{number, signature}` of the phrase, or `{}`: what is to be signed next, so that the other "
    "devices need not wait";
constexpr const char* kRecoveryWords = "the public key of the recovery phrase, and the mesh's id";
constexpr const char* kEventsWords =
    "the log's last lines and what follows, as server-sent events; four listeners at most";
constexpr const char* kBackupWords =
    "`{paths, excludes, set, one_file_system, exclude_caches, wait}`: lines; `paths` by admin";
constexpr const char* kFolderWords =
    "the page of a snapshot's folder, when the path ends in `/`; else as `/api/v1/snapshots`";
constexpr const char* kUploadWords =
    "`?name=`, body: the bytes, or a form with one file; of any size. `{file_id, name, size, "
    "existed}` when it is as durable as a backup; the same bytes again are the same version";

}  // namespace

const char* Api::method_name(http::Method method) {
  switch (method) {
    case http::Method::kGet:
      return "GET";
    case http::Method::kPost:
      return "POST";
    case http::Method::kPut:
      return "PUT";
    case http::Method::kDelete:
      return "DELETE";
    default:
      return "?";
  }
}

std::span<const Api::Route> Api::routes() {
  using M = http::Method;
  using N = Need;
  static constexpr Route kRoutes[] = {
      {M::kGet, "/", N::kAlways, &Api::get_page,
       "the page; on the LAN without a login only its form"},
      {M::kGet, "/healthz", N::kAlways, &Api::get_health, "`ok`: the process runs"},
      {M::kGet, "/readyz", N::kOpen, &Api::get_ready,
       "200 when the verdict is `protected`, else 503; the verdict as text"},
      {M::kGet, "/metrics", N::kOpen, &Api::get_metrics, "figures in Prometheus' text format"},
      {M::kGet, "/api/v1/status", N::kOpen, &Api::get_status,
       "verdict, devices, store, copies, memory: what `drey status --json` prints"},
      {M::kGet, "/api/v1/peers", N::kOpen, &Api::get_peers, "the other devices: an array"},
      {M::kGet, "/api/v1/snapshots", N::kRead, &Api::get_snapshots,
       "all snapshots: an array, one object per line"},
      {M::kGet, "/api/v1/events", N::kRead, &Api::get_events, kEventsWords},
      {M::kGet, "/api/v1/doctor", N::kRead, &Api::get_doctor,
       "why devices do not see each other: a list of findings"},
      {M::kPost, "/api/v1/wait", N::kRead, &Api::post_wait,
       "`{timeout_s}`: answers when every record has its copies"},
      {M::kPost, "/api/v1/stream", N::kRead, &Api::post_stream,
       "`{snapshot, path, data, one_level, lose}`: entries and contents, the frames of STREAM.md"},
      {M::kPost, "/api/v1/backup", N::kWrite, &Api::post_backup, kBackupWords},
      {M::kGet, "/api/v1/snapshots/{id}/files/{path...}", N::kRead, &Api::get_snapshot_path,
       "a file of a snapshot (`Range` of one range is kept), or a folder as tar"},
      {M::kGet, "/browse", N::kRead, &Api::get_files_page, "the page of `/files`"},
      {M::kGet, "/browse/{id}/{path...}", N::kRead, &Api::get_folder_page, kFolderWords},
      {M::kGet, "/files", N::kRead, &Api::get_files,
       "every version of every single file on all devices: an array, one object per line"},
      {M::kGet, "/files/{file_id}", N::kRead, &Api::get_file,
       "the contents of one version; `Range` of one range is kept"},
      {M::kGet, "/files/metadata/{file_id}", N::kRead, &Api::get_file_facts,
       "name, size, time and device of one version"},
      {M::kPost, "/files/upload", N::kWrite, &Api::post_upload, kUploadWords, true},
      {M::kDelete, "/files/{file_id}", N::kWrite, &Api::delete_file,
       "takes one version out of this device's table"},
      {M::kPost, "/api/v1/scrub", N::kWrite, &Api::post_scrub,
       "`{wait}`: reads everything kept here again"},
      {M::kPost, "/api/v1/forget", N::kAdmin, &Api::post_forget, kForgetWords},
      {M::kPost, "/api/v1/invite", N::kAdmin, &Api::post_invite,
       "`{role, uses, wait}`: a pairing code; JSON lines"},
      {M::kPost, "/api/v1/revoke", N::kAdmin, &Api::post_revoke, kRevokeWords},
      {M::kPost, "/api/v1/one-left", N::kAdmin, &Api::post_one_left, kOneLeftWords},
      {M::kPost, "/api/v1/retire", N::kAdmin, &Api::post_retire,
       "`{node, wait}`: lets a device leave once it is not needed"},
      {M::kGet, "/signin", N::kAlways, &Api::get_sign_in, "the form behind a sign-in link"},
      {M::kPost, "/signin", N::kAlways, &Api::post_sign_in,
       "`{code}` of the link that `drey page` prints: a cookie, good for all but owner"},
      {M::kPost, "/login", N::kAlways, &Api::post_login, "`{name, password}` of a user: a cookie"},
      {M::kPost, "/signout", N::kAlways, &Api::post_sign_out, "ends this login"},
      {M::kPost, "/api/v1/link", N::kOwner, &Api::post_link,
       "a one-time sign-in link, good for ten minutes"},
      {M::kGet, "/api/v1/tokens", N::kOwner, &Api::get_tokens, "the bearer tokens, without them"},
      {M::kPost, "/api/v1/tokens", N::kOwner, &Api::post_token,
       "`{scope, name}`: a new token, shown once"},
      {M::kDelete, "/api/v1/tokens/{number}", N::kOwner, &Api::delete_token, "revokes a token"},
      {M::kGet, "/api/v1/users", N::kOwner, &Api::get_users, "who may log in with a password"},
      {M::kPost, "/api/v1/users", N::kOwner, &Api::post_user,
       "`{name, password, scope}`: a new user, or a new password"},
      {M::kDelete, "/api/v1/users/{name}", N::kOwner, &Api::delete_user,
       "removes a user and ends their logins"},
      {M::kGet, "/api/v1/recovery", N::kOwner, &Api::get_recovery, kRecoveryWords},
      {M::kPost, "/api/v1/forget/now", N::kOwner, &Api::post_unpin_now, kUnpinNowWords},
      {M::kPost, "/api/v1/phrase/draft", N::kOwner, &Api::post_phrase_draft,
       "`{unwrap_key}`: the keys, wrapped to a new phrase"},
      {M::kPost, "/api/v1/phrase", N::kOwner, &Api::post_phrase,
       "`{statement}`: puts a new phrase in force"},
  };
  return kRoutes;
}

namespace {

void refuse_caller(const Request& request, Responder& responder) {
  if (request.scope != Scope::kNone)
    return responder.error(403, "denied", "this login may not do that");
  if (request.control)
    return responder.error(403, "denied", "only root and the daemon's own user may ask this");
  responder.error(401, "denied",
                  "this needs a login: drey page, on the device itself, prints a link");
}

}  // namespace

bool Api::is_upload(const Request& request) {
  PathParts parts;
  for (const Route& row : routes())
    if (row.upload && row.method == request.method && match_path(row.path, request.path, &parts))
      return true;
  return false;
}

bool Api::admit(Request& request, Responder& responder) {
  request.scope = access_.scope_of(request);
  bool path_known = false;
  for (const Route& row : routes()) {
    if (!match_path(row.path, request.path, &request.parts)) continue;
    path_known = true;
    if (request.method != row.method) continue;
    if (!allows(request.scope, row.need, request.lan)) {
      bool page = request.path.starts_with("/browse");  // a person's, so is the refusal
      if (page && request.scope == Scope::kNone && !request.control) {
        send_login(responder);
      } else {
        refuse_caller(request, responder);
      }
      return false;
    }
    if (row.method != http::Method::kGet && !access_.origin_allowed(request)) {
      responder.error(403, "origin",
                      "only this page's own script, or a token, may change anything");
      return false;
    }
    request.upload = row.upload;
    request.route = static_cast<size_t>(&row - routes().data());
    return true;
  }
  if (path_known) {
    responder.error(405, "method", "this path has no such method");
  } else {
    responder.error(404, "not_found", "there is nothing at this path");
  }
  return false;
}

void Api::route(const Request& request, Responder& responder) {
  ++asked_[request.route];
  (this->*routes()[request.route].handler)(request, responder);
}

bool Api::host_allowed(std::string_view host, const Address& local) {
  HostRule rule{local, node_->ports().host->host_name(), node_->config()};
  return rule.allows(host);
}

}  // namespace drey
