// Statement sync, the giving side: pages of keys, statements that were asked for, floods.
#include "mesh/sync/sync.h"

#include <algorithm>

#include "store/store.h"

namespace drey {
namespace {

constexpr uint64_t kServeAgainNs = 100'000'000;

}  // namespace

void StatementSync::start(const Options& options) {
  options_ = options;
  turn_.set(options_.ready, this, &StatementSync::turn);
  served_.set(options_.ready, this, &StatementSync::served);
  filtered_.set(options_.ready, this, &StatementSync::filtered);
  serve_.op = &served_;
  serve_.store = options_.store;
  filter_.op = &filtered_;
  filter_.store = options_.store;
}

void StatementSync::tick(uint64_t) { wake(); }

StatementKind StatementSync::kind_at(size_t index) {
  constexpr std::array<StatementKind, kKinds> kOrder = {
      StatementKind::kMembership, StatementKind::kForget, StatementKind::kHead};
  return kOrder[index];
}

size_t StatementSync::index_of(StatementKind kind) {
  size_t index = 0;
  while (index < kKinds && kind_at(index) != kind) ++index;
  return index;
}

StatementSync::Link* StatementSync::link_of(const Session& session) {
  Link& link = links_[session.slot()];
  return link.session == &session ? &link : nullptr;
}

const StatementSync::Link* StatementSync::link_of(const Session& session) const {
  const Link& link = links_[session.slot()];
  return link.session == &session ? &link : nullptr;
}

StatementSync::Link* StatementSync::link_of(SessionNumber number) {
  for (Link& link : links_)
    if (link.session != nullptr && link.session->number() == number) return &link;
  return nullptr;
}

void StatementSync::open(Session& session) {
  Link& link = links_[session.slot()];
  if (link.session == &session) return;
  link = {};
  link.session = &session;
}

void StatementSync::closed(Session& session) {
  if (Link* link = link_of(session); link != nullptr) *link = {};
}

void StatementSync::list(Session& session, bool membership, bool heads) {
  Link* link = link_of(session);
  if (link == nullptr) return;
  link->to_list[0] = link->to_list[0] || membership;
  link->to_list[1] = link->to_list[1] || heads;
  link->to_list[2] = link->to_list[2] || heads;
  wake();
}

void StatementSync::last_word(Session& session, StatementKind kind, const StatementKey& key) {
  open(session);
  Link& link = links_[session.slot()];
  link.last_word = true;
  link.get_kind = kind;
  link.get_count = 1;
  link.get_keys[0] = key;
  wake();
}

bool StatementSync::listing(const Session& session) const {
  const Link* link = link_of(session);
  if (link == nullptr) return false;
  return std::find(link->to_list.begin(), link->to_list.end(), true) != link->to_list.end();
}

void StatementSync::flood(StatementKind kind, const StatementKey&, Bytes statement,
                          SessionNumber from) {
  StatementMessage message;
  message.kind = static_cast<uint8_t>(kind);
  message.bytes = statement;
  for (Link& link : links_) {
    if (link.session == nullptr || link.session->number() == from || link.last_word) continue;
    // No room now: the keys are listed again once there is.
    if (link.session->send(message) == Status::kBusy) link.to_list[index_of(kind)] = true;
  }
  wake();
}

void StatementSync::on_message(Session& session, MessageType type, Bytes body) {
  Link* link = link_of(session);
  if (link == nullptr) return;  // not begun, or already over
  if (type == MessageType::kStatementIds) on_ids(*link, body);
  if (type == MessageType::kStatementGet) on_get(*link, body);
  if (type == MessageType::kStatement) on_bytes(*link, body);
  wake();
}

void StatementSync::turn(Status) {
  uint64_t now_ns = options_.clock->up_ns();
  turn_at_ = (turn_at_ + 1) % links_.size();
  for (size_t i = 0; i < links_.size(); ++i) {
    Link& link = links_[(turn_at_ + i) % links_.size()];
    if (link.session == nullptr || !link.session->is_open()) continue;
    list_on(link);
    serve_on(link, now_ns);
    pull_on(link, now_ns);
  }
}

// ---- Pages ----

void StatementSync::list_on(Link& link) {
  if (link.page_sent) return;
  if (!link.page_active) {
    size_t index = 0;
    while (index < kKinds && !link.to_list[index]) ++index;
    if (index == kKinds) return;
    link.page_kind = kind_at(index);
    link.page_active = true;
    link.next_index = 0;
    link.after = {};
  }
  if (link.page_kind != StatementKind::kMembership) {
    if (serve_busy_) return;
    serve_.page = true;
    serve_.kind = link.page_kind;
    serve_.key = link.after;
    return submit_serve(link);
  }
  std::array<StatementKey, kPageKeys> keys{};
  size_t count = std::min(kPageKeys, options_.membership->count() - link.next_index);
  for (size_t i = 0; i < count; ++i) {
    const StatementId& id = options_.membership->id_at(link.next_index + i);
    std::copy(id.raw.begin(), id.raw.end(), keys[i].begin());
  }
  bool last = link.next_index + count == options_.membership->count();
  if (send_page(link, std::span<const StatementKey>(keys).first(count), last))
    link.next_index += count;
}

bool StatementSync::send_page(Link& link, std::span<const StatementKey> keys, bool last) {
  StatementIdsMessage page;
  page.kind = static_cast<uint8_t>(link.page_kind);
  page.more = !last;
  page.keys = keys;
  if (!ok(link.session->send(page))) return false;
  link.page_sent = true;
  link.page_last = last;
  return true;
}

void StatementSync::served_page(Link& link, Status status) {
  if (!link.page_active || link.page_sent || link.page_kind != serve_.kind) return;
  if (!ok(status)) {
    link.page_active = false;
    link.to_list[index_of(serve_.kind)] = false;  // the disk fails: sessions to come will ask again
    return;
  }
  std::array<StatementKey, kPageKeys> keys{};
  for (size_t i = 0; i < serve_.row_count; ++i) keys[i] = serve_.rows[i].key;
  bool last = serve_.row_count < kPageKeys;
  if (send_page(link, std::span<const StatementKey>(keys).first(serve_.row_count), last) &&
      serve_.row_count > 0)
    link.after = serve_.rows[serve_.row_count - 1].key;
}

// ---- Statements that were asked for ----

void StatementSync::on_get(Link& link, Bytes body) {
  StatementGetMessage get;
  if (!ok(StatementGetMessage::decode(body, &get)) || get.keys.size() > kGetKeysMax)
    return link.session->close(Status::kInvalid);
  StatementKind kind = static_cast<StatementKind>(get.kind);
  if (index_of(kind) == kUnknown) return;  // of no kind that is given out
  if (get.keys.empty()) {
    if (!link.page_sent || kind != link.page_kind) return;
    link.page_sent = false;
    if (!link.page_last) return;
    link.page_active = false;
    link.to_list[index_of(kind)] = false;
    return;
  }
  // A second one while the first is being answered means that the asker has given the first up.
  link.get_kind = kind;
  link.get_count = get.keys.size();
  link.get_at = 0;
  link.get_tries = 0;
  link.get_again_ns = 0;
  std::copy(get.keys.begin(), get.keys.end(), link.get_keys.begin());
}

void StatementSync::serve_on(Link& link, uint64_t now_ns) {
  if (serve_busy_ || link.get_at == link.get_count || now_ns < link.get_again_ns) return;
  serve_.page = false;
  serve_.kind = link.get_kind;
  serve_.key = link.get_keys[link.get_at];
  submit_serve(link);
}

void StatementSync::submit_serve(Link& link) {
  serve_busy_ = true;
  serve_number_ = link.session->number();
  options_.lanes->submit(Lane::kStore, &serve_);
}

Status StatementSync::ServeJob::run() {
  if (page) return store->scan_statements(kind, key, rows, &row_count);
  return store->read_statement(kind, key, bytes, &size);
}

void StatementSync::served(Status status) {
  serve_busy_ = false;
  wake();
  Link* link = link_of(serve_number_);
  if (link == nullptr || !link->session->is_open()) return;
  if (serve_.page) return served_page(*link, status);
  // Another GET may have come meanwhile.
  if (link->get_at == link->get_count || link->get_keys[link->get_at] != serve_.key) return;
  if (ok(status)) {
    StatementMessage message;
    message.kind = static_cast<uint8_t>(serve_.kind);
    message.bytes = Bytes(serve_.bytes).first(serve_.size);
    status = link->session->send(message);
  }
  // What was listed may still be on its way to the disk; a full ring empties.
  if ((status == Status::kNotFound || status == Status::kBusy) && ++link->get_tries < kServeTries) {
    link->get_again_ns = options_.clock->up_ns() + kServeAgainNs;
    return;
  }
  if (link->last_word) return link->session->close_after_sending();
  ++link->get_at;
  link->get_tries = 0;
  link->get_again_ns = 0;
}

}  // namespace drey
