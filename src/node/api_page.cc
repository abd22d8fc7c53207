// The page: fills its model from the node, and sends what page/ makes of it.

#include <algorithm>

#include "drey/version.h"
#include "node/access/form.h"
#include "node/node.h"
#include "node/page/page.h"
#include "node/peer_words.h"

namespace drey {
namespace {

std::string_view name_of(const void* membership, const NodeId& id) {
  return member_name(*static_cast<const Membership*>(membership), id);
}

// The client takes gzip: "gzip" in Accept-Encoding, not switched off by q=0.
bool takes_gzip(const Request& request) {
  std::string_view list = request.header("accept-encoding");
  size_t at = list.find("gzip");
  if (at == std::string_view::npos) return false;
  std::string_view rest = list.substr(at + 4, list.find(',', at) - at - 4);
  return rest.find("q=0") == std::string_view::npos || rest.find("q=0.") != std::string_view::npos;
}

constexpr std::string_view kHtml = "text/html; charset=utf-8";

}  // namespace

// What the model's views point to, for the time of one answer.
struct Api::PageSpace {
  static constexpr size_t kEventsMax = 12;
  Verdict verdict;
  PageModel model;
  std::array<PageModel::Device, limits::kMembersMax> devices;
  std::array<PageModel::Set, Config::kSetsMax> sets;
  std::array<Log::Event, kEventsMax> lines;
  std::array<PageModel::Event, kEventsMax> events;
};

void Api::fill_page(const Request& request, PageSpace& space) {
  Mesh& mesh = node_->mesh();
  uint64_t now = node_->ports().clock->up_ns();
  PageModel& m = space.model;
  space.verdict = node_->verdict();
  m.kind = space.verdict.kind;
  m.sentence = space.verdict.sentence();
  m.node = node_->name();
  m.mesh = mesh.membership().mesh_name();
  m.version = kVersion;
  m.board = board_name();
  m.nodes = mesh.membership().active_count();
  m.copies = mesh.membership().settings().copies;
  size_t count = 0;
  for (const Peer& peer : mesh.peers().all()) {
    if (count == space.devices.size()) break;
    const Member* member = mesh.membership().find(peer.id);
    PageModel::Device& device = space.devices[count++];
    device.name = member_name(mesh.membership(), peer.id);
    device.state = peer_state_name(peer.state);
    device.leaving = member != nullptr && member->leaving;
    device.heard = peer.capacity_bytes > 0;
    device.seen_s = last_seen_s(mesh.peers(), peer, now);
    device.free_bytes = peer.free_bytes;
    device.capacity_bytes = peer.capacity_bytes;
  }
  m.devices = std::span(space.devices).first(count);
  const StoreStats& store = node_->store_stats();
  m.records = store.records;
  m.stored_bytes = store.stored_bytes;
  m.capacity_bytes = store.capacity_bytes;
  m.free_bytes = store.free_bytes;
  m.written_bytes = store.written_bytes;
  m.user_bytes = store.user_bytes;
  m.under_replicated = mesh.replication().under_replicated;
  m.missing = mesh.replication().missing;
  m.full = node_->is_full();
  m.backing_up = m.full && node_->backup().backup_running();
  m.scrubbing = node_->scrubber().figures().hurried;
  m.scrub_read_bytes = node_->scrubber().figures().read_bytes;
  m.scrub_all_bytes = store.stored_bytes;
  m.has_users = has_users();
  m.signed_in = request.scope >= Scope::kRead;
  if (m.signed_in) fill_signed_in(request, space);
}

void Api::fill_signed_in(const Request& request, PageSpace& space) {
  PageModel& m = space.model;
  uint64_t now = node_->ports().clock->up_ns();
  m.may_write = request.scope >= Scope::kWrite;
  m.may_admin = request.scope >= Scope::kAdmin;
  m.wall_ns = node_->ports().clock->wall_ns();
  m.member_name = name_of;
  m.context = &node_->mesh().membership();
  if (m.full) {
    const BackupProgress& progress = node_->backup().progress();
    m.backup_files = progress.files;
    m.backup_bytes = progress.bytes;
    m.backup_added_bytes = progress.added_bytes;
    m.history = &history_;
    size_t sets = std::min(node_->scheduler().set_count(), space.sets.size());
    for (size_t i = 0; i < sets; ++i) {
      Scheduler::SetState is = node_->scheduler().set_state(i);
      space.sets[i] = {is.name,   is.state,      is.message != nullptr ? is.message : "",
                       is.next_s, is.last_age_s, is.ran};
    }
    m.sets = std::span(space.sets).first(sets);
  }
  uint64_t last = node_->log().last_event_number();
  uint64_t after = last - std::min<uint64_t>(last, PageSpace::kEventsMax);
  size_t lines = 0;
  while (lines < space.lines.size() && node_->log().next_event(after, &space.lines[lines])) {
    const Log::Event& event = space.lines[lines];
    after = event.number;
    uint64_t age_ns = now - std::min(now, event.up_ns);
    space.events[lines++] = {log_level_name(event.level), event.text(), age_ns / 1'000'000'000};
  }
  m.events = std::span(space.events).first(lines);
}

// One of the buffers that backups use, while none needs it: the answer is made within this call.
class PageScratch {
 public:
  explicit PageScratch(OriginPool& pool) : pool_(pool), slot_(pool.take()) {}
  ~PageScratch() {
    if (slot_ != nullptr) pool_.give(slot_);
  }
  PageScratch(const PageScratch&) = delete;
  PageScratch& operator=(const PageScratch&) = delete;
  MutBytes arena() const { return room(0, kGzipArenaBytes); }
  MutBytes packed() const { return room(kGzipArenaBytes, kPart); }
  std::span<char> plain() const {
    MutBytes bytes = room(kGzipArenaBytes + kPart, kPart);
    return {reinterpret_cast<char*>(bytes.data()), bytes.size()};
  }

 private:
  static constexpr size_t kPart = 128 * 1024;
  MutBytes room(size_t at, size_t size) const {
    if (slot_ == nullptr || slot_->room().size() < kGzipArenaBytes + 2 * kPart) return {};
    return slot_->room().subspan(at, size);
  }
  OriginPool& pool_;
  OriginBuffer* slot_;
};

// Packed where the client takes that and a backup leaves a buffer; else plain, with fewer rows
// where all do not fit.
template <class Write>
void send_page(const Request& request, Responder& responder, int status, OriginPool& pool,
               Write write) {
  TextWriter& out = responder.body();
  PageScratch scratch(pool);
  if (takes_gzip(request) && !scratch.plain().empty()) {
    TextWriter plain{scratch.plain()};
    write(plain, PageRows{});
    Result<size_t> size = gzip(as_bytes(plain.view()), scratch.arena(), scratch.packed());
    if (plain.ok() && size.ok()) {
      out.text(as_text(scratch.packed().first(size.value())));
      if (out.ok())
        return responder.done(status, kHtml, "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n");
    }
  }
  for (PageRows rows; rows.devices > 0;
       rows = {rows.devices / 2, rows.events / 2, rows.snapshots / 2}) {
    out.rewind(0);
    write(out, rows);
    if (out.ok()) break;
  }
  responder.done(status, kHtml, "Vary: Accept-Encoding\r\n");
}

void Api::get_page(const Request& request, Responder& responder) {
  PageSpace space;
  fill_page(request, space);
  bool shown = allows(request.scope, Need::kOpen, request.lan);
  send_page(request, responder, shown ? 200 : 401, node_->scratch(),
            [&](TextWriter& out, const PageRows& rows) {
              if (shown) return write_page(out, space.model, rows);
              write_login(out, space.model.has_users);
            });
}

bool Api::has_users() {
  bool some = false;
  for (const Credentials::User& user : access_.credentials().users())
    some = some || user.scope != Scope::kNone;
  return some;
}

// For who opens a page behind the page and is not signed in, or not any more.
void Api::send_login(Responder& responder) {
  write_login(responder.body(), has_users());
  responder.done(401, kHtml);
}

// The form that a sign-in link opens: nothing changes by opening it.
void Api::get_sign_in(const Request& request, Responder& responder) {
  LoginSessions::Secret room;
  Result<size_t> size = form_value(request.query, "code", room);
  std::string_view code(room.data(), size.ok() ? size.value() : 0);
  write_sign_in(responder.body(), code);
  responder.done(200, kHtml);
}

}  // namespace drey
