// Statement sync, the taking side: pages of keys that others list, and what of them we want.
#include <algorithm>

#include "mesh/sync/sync.h"
#include "store/store.h"

namespace drey {

void StatementSync::on_ids(Link& link, Bytes body) {
  StatementIdsMessage page;
  // The next page comes only after our empty GET: who sends it unasked wants our memory.
  if (!ok(StatementIdsMessage::decode(body, &page)) || page.keys.size() > kPageKeys ||
      link.page_open)
    return link.session->close(Status::kInvalid);
  // A kind we do not know is never listed to us: it waits behind the mesh's feature level.
  if (index_of(static_cast<StatementKind>(page.kind)) == kUnknown)
    return link.session->close(Status::kInvalid);
  link.page_open = true;
  link.their_kind = static_cast<StatementKind>(page.kind);
  link.their_last = !page.more;
  link.heard[index_of(link.their_kind)] = false;
  bool member = link.their_kind == StatementKind::kMembership;
  link.page_filtered = link.their_kind != StatementKind::kHead;
  for (const StatementKey& key : page.keys) {
    if (link.their_kind == StatementKind::kForget && is_superseded(key)) continue;
    if (member && options_.membership->has(StatementId::from(Bytes(key).first(32)))) continue;
    if (!member && is_cast_out(link.their_kind, key)) continue;
    want(link, link.their_kind, key);
  }
}

void StatementSync::on_bytes(Link& link, Bytes body) {
  StatementMessage message;
  if (!ok(StatementMessage::decode(body, &message))) return link.session->close(Status::kInvalid);
  StatementKind kind = static_cast<StatementKind>(message.kind);
  StatementKey key{};
  Status status = Status::kOk;
  if (kind == StatementKind::kMembership) {
    Statement statement;
    status = decode_statement(message.bytes, &statement);
    if (ok(status)) {
      StatementId id = statement_id(statement);
      std::copy(id.raw.begin(), id.raw.end(), key.begin());
    }
  } else if (kind == StatementKind::kForget) {
    Forget forget;
    status = decode_forget(message.bytes, &forget);
    if (ok(status)) key = forget_key(forget.owner, forget.number);
  } else if (kind == StatementKind::kHead) {
    Head head;
    status = decode_head(message.bytes, &head);
    if (ok(status)) key = head_key(head.owner, head.sequence);
  } else {
    status = Status::kUnsupported;
  }
  if (status == Status::kUnsupported) return;  // a later version's: not for us
  if (!ok(status)) return link.session->close(Status::kInvalid);
  if (key == link.probe) link.probed = true;
  Wanted* row = find_wanted(link, kind, key);
  if (ok(options_.intake->offer(kind, message.bytes, link.session->number()))) {
    if (row != nullptr) row->progress = Progress::kOffered;
  } else if (row != nullptr) {
    row->progress = Progress::kWaiting;  // no room: ask again
  } else {
    want(link, kind, key);
  }
}

StatementSync::Wanted* StatementSync::find_wanted(Link& link, StatementKind kind,
                                                  const StatementKey& key) {
  for (size_t i = 0; i < link.wanted_count; ++i)
    if (link.wanted[i].kind == kind && link.wanted[i].key == key) return &link.wanted[i];
  return nullptr;
}

void StatementSync::want(Link& link, StatementKind kind, const StatementKey& key) {
  if (find_wanted(link, kind, key) != nullptr) return;
  // A peer that offers faster than we can take; the next session lists what is missing.
  if (link.wanted_count == kWantedMax) return link.session->close(Status::kBusy);
  link.wanted[link.wanted_count++] = {kind, Progress::kWaiting, key};
}

void StatementSync::unwant(Link& link, Wanted* row) {
  std::move(row + 1, link.wanted.data() + link.wanted_count, row);
  --link.wanted_count;
}

// Parents first, then the statement itself.
void StatementSync::want_again(Link& link, StatementKind kind, const StatementKey& key,
                               std::span<const StatementId> missing) {
  // Bounded, so that nobody can lead us along an endless chain of inventions.
  if (++link.backtracks > kBacktracksMax) return link.session->close(Status::kInvalid);
  for (const StatementId& id : missing) {
    StatementKey parent{};
    std::copy(id.raw.begin(), id.raw.end(), parent.begin());
    want(link, kind, parent);
  }
  want(link, kind, key);
}

void StatementSync::on_offer_done(StatementKind kind, const StatementKey& key, Status status,
                                  std::span<const StatementId> missing, SessionNumber from) {
  wake();
  Link* link = link_of(from);
  if (link == nullptr) return;
  if (Wanted* row = find_wanted(*link, kind, key); row != nullptr) unwant(*link, row);
  if (!link->session->is_open()) return;
  if (status == Status::kNotFound && !missing.empty()) return want_again(*link, kind, key, missing);
  if (status == Status::kBusy) return want(*link, kind, key);
  if (!ok(status) && status != Status::kExists && options_.log != nullptr)
    options_.log->warning("statements: one from a peer was refused: %s", status_name(status));
}

void StatementSync::pull_on(Link& link, uint64_t now_ns) {
  if (link.wanted_count == 0) return answer_page(link);
  if (link.page_open && !link.page_filtered) return filter_on(link);
  bool asked = false;
  for (size_t i = 0; i < link.wanted_count; ++i)
    asked = asked || link.wanted[i].progress != Progress::kWaiting;
  if (!asked) return ask_next(link, now_ns);
  if (now_ns - link.asked_ns < kAnswerNs) return;
  // The peer does not have them after all. What was offered is with the intake and comes back.
  for (size_t i = link.wanted_count; i-- > 0;)
    if (link.wanted[i].progress == Progress::kAsked) unwant(link, &link.wanted[i]);
}

void StatementSync::answer_page(Link& link) {
  if (!link.page_open) return;
  StatementGetMessage done;
  done.kind = static_cast<uint8_t>(link.their_kind);
  if (!ok(link.session->send(done))) return;
  link.page_open = false;
  if (!link.their_last) return;
  link.heard[index_of(link.their_kind)] = true;
  if (link.their_kind == StatementKind::kHead) link.comparing = false;
}

void StatementSync::ask_next(Link& link, uint64_t now_ns) {
  size_t room = std::min(kGetKeysMax, options_.intake->offers_free());
  std::array<StatementKey, kGetKeysMax> keys;
  size_t count = 0;
  StatementKind kind = link.wanted[0].kind;
  while (count < room && count < link.wanted_count && link.wanted[count].kind == kind) {
    keys[count] = link.wanted[count].key;
    ++count;
  }
  if (count == 0) return;
  StatementGetMessage get;
  get.kind = static_cast<uint8_t>(kind);
  get.keys = std::span<const StatementKey>(keys).first(count);
  if (!ok(link.session->send(get))) return;
  for (size_t i = 0; i < count; ++i) link.wanted[i].progress = Progress::kAsked;
  link.asked_ns = now_ns;
}

// ---- Which heads of a page are new: only the store knows ----

void StatementSync::filter_on(Link& link) {
  if (filter_busy_) return;
  filter_.count = 0;
  for (size_t i = 0; i < link.wanted_count && filter_.count < kPageKeys; ++i)
    if (link.wanted[i].kind == StatementKind::kHead &&
        link.wanted[i].progress == Progress::kWaiting) {
      NodeId owner;
      uint64_t sequence = 0;
      split_head_key(link.wanted[i].key, &owner, &sequence);
      const HeadTable::Highest* known = options_.heads->find(owner);
      filter_.forget_numbers[filter_.count] = known != nullptr ? known->forget_number : 0;
      filter_.keys[filter_.count++] = link.wanted[i].key;
    }
  filter_busy_ = true;
  filter_number_ = link.session->number();
  options_.lanes->submit(Lane::kStore, &filter_);
}

Status StatementSync::FilterJob::run() {
  NodeId read_of;
  Forget known;
  for (size_t i = 0; i < count; ++i) {
    size_t size = 0;
    Status status = store->read_statement(StatementKind::kHead, keys[i], {}, &size);
    held[i] = status == Status::kTooLarge || status == Status::kOk;
    removed[i] = false;
    NodeId owner;
    uint64_t sequence = 0;
    split_head_key(keys[i], &owner, &sequence);
    if (forget_numbers[i] == 0) continue;
    if (read_of != owner) {
      read_of = NodeId{};
      status = store->read_statement(StatementKind::kForget, forget_key(owner, forget_numbers[i]),
                                     forget, &size);
      if (!ok(status) || !ok(decode_forget(Bytes(forget).first(size), &known))) continue;
      read_of = owner;
    }
    removed[i] = known.contains(sequence);
  }
  return Status::kOk;
}

bool StatementSync::is_superseded(const StatementKey& forget) const {
  NodeId owner;
  uint64_t number = 0;
  split_head_key(forget, &owner, &number);
  const HeadTable::Highest* known = options_.heads->find(owner);
  return known != nullptr && known->forget_number >= number;
}

// What a revoked device said after its revocation, or in the dark: not asked for again and again.
bool StatementSync::is_cast_out(StatementKind kind, const StatementKey& key) const {
  NodeId owner;
  uint64_t sequence = 0;
  split_head_key(key, &owner, &sequence);
  const Member* member = options_.membership->find(owner);
  if (member == nullptr || member->state != MemberState::kRevoked) return false;
  return kind == StatementKind::kForget || sequence > member->heads_until;
}

// Two heads with one key show by their bytes only. The highest of an owner is always fetched: each
// head names the hash of the one before, so a fork of an honest chain shows there. What an owner
// signed that breaks its own chain needs all of them.
bool StatementSync::is_to_compare(const Link& link, const StatementKey& key) const {
  NodeId owner;
  uint64_t sequence = 0;
  split_head_key(key, &owner, &sequence);
  const HeadTable::Highest* highest = options_.heads->find(owner);
  if (highest == nullptr || highest->forked) return false;  // an alarm already
  return link.comparing || highest->sequence == sequence;
}

bool StatementSync::compare_heads(Session& session) {
  Link* link = link_of(session);
  if (link == nullptr || link->compares == kComparesMax) return false;
  if (link->compares++ == 0) link->comparing = true;
  return true;
}

void StatementSync::filtered(Status) {
  filter_busy_ = false;
  wake();
  Link* link = link_of(filter_number_);
  if (link == nullptr) return;
  for (size_t i = 0; i < filter_.count; ++i) {
    bool wanted = !filter_.held[i] || is_to_compare(*link, filter_.keys[i]);
    if (wanted && !filter_.removed[i]) continue;
    Wanted* row = find_wanted(*link, StatementKind::kHead, filter_.keys[i]);
    if (row != nullptr && row->progress == Progress::kWaiting) unwant(*link, row);
  }
  link->page_filtered = true;
}

bool StatementSync::heard_all(const Session& session, StatementKind kind) const {
  const Link* link = link_of(session);
  return link != nullptr && link->heard[index_of(kind)] && link->wanted_count == 0;
}

Status StatementSync::ask(Session& session, StatementKind kind, const StatementKey& key) {
  Link* link = link_of(session);
  if (link == nullptr) return Status::kClosed;
  link->probe = key;
  link->probed = false;
  StatementGetMessage get;
  get.kind = static_cast<uint8_t>(kind);
  get.keys = {&key, 1};
  return session.send(get);
}

void StatementSync::want_lost(Session& session, const LostStatement& lost) {
  Link* link = link_of(session);
  if (link == nullptr || link->wanted_count >= kPageKeys) return;
  want(*link, lost.kind, lost.key);
  wake();
}

bool StatementSync::has_answered(const Session& session, const StatementKey& key) const {
  const Link* link = link_of(session);
  return link != nullptr && link->probe == key && link->probed;
}

}  // namespace drey
