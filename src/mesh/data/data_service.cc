#include "mesh/data/data_service.h"

namespace drey {

void DataService::start(const DataOptions& options) {
  context_.options = options;
  context_.changed.set(options.ready, &replication_, &Replication::on_changed);
  context_.members.start(options, &context_.changed);
  context_.peers.start(options);
  claims_.start(&context_);
  push_.start(&context_, &claims_);
  fetch_.start(&context_);
  serve_.start(&context_);
  unpinner_.start(&context_);
  reconciler_.start(&context_, &unpinner_, &cosigning_);
  replication_.start(&context_, &claims_, &push_, &fetch_, &reconciler_);
  auditor_.start(&context_, &fetch_);
}

void DataService::tick(uint64_t now_ns) {
  context_.peers.tick();
  claims_.tick(now_ns);
  push_.tick(now_ns);
  fetch_.tick(now_ns);
  serve_.tick(now_ns);
  unpinner_.tick(now_ns);
  reconciler_.tick(now_ns);
  if (unpinner_.allowed() != allowed_) {
    allowed_ = unpinner_.allowed();
    if (allowed_ != 0) reconciler_.recheck();
  }
  replication_.tick(now_ns);
  auditor_.tick(now_ns);
}

bool DataService::idle() const {
  return push_.idle() && fetch_.idle() && serve_.idle() && reconciler_.idle() &&
         replication_.idle() && auditor_.idle() && claims_.idle() && unpinner_.idle() &&
         !context_.members.is_pending();
}

void DataService::set_members(std::span<const DataMember> members, size_t copies) {
  context_.members.set(members, copies);
}

uint8_t DataService::slot_of(const NodeId& member) const {
  size_t index = context_.members.find(member);
  return index == DataMembers::kNone ? kNoSlot : context_.members.slot(index);
}

void DataService::recheck() {
  reconciler_.recheck();
  serve_.releases().recheck();
  context_.changed.wake();
}

void DataService::approve_unpins(uint64_t number) { unpinner_.approve(number); }

bool DataService::unpins_told() {
  bool allowed = allowed_ != 0 && allowed_ == unpinner_.approved();
  return allowed && reconciler_.idle() && reconciler_.all_reconciled();
}

UnpinSummary DataService::unpins() const {
  UnpinSummary summary;
  summary.told = reconciler_.unpinned_count();
  summary.approved = unpinner_.approved();
  summary.waits_for_members = unpinner_.approved() != 0 && unpinner_.allowed() == 0;
  summary.waiting = serve_.unpins().waiting_count();
  summary.done = serve_.unpins().done_count();
  summary.released = serve_.releases().released_count();
  return summary;
}

void DataService::found_damage(uint64_t damaged) {
  for (DataPeer& peer : context_.peers.all()) {
    if (!peer.is_open() || !peer.member) continue;
    // One that does not get it asks by itself within ten minutes.
    (void)peer.send(LessMessage{damaged});
  }
  recheck();
}

void DataService::push(PushRequest* request) { push_.push(request); }
void DataService::fetch(FetchRequest* request) { fetch_.fetch(request); }
void DataService::flush(FlushRequest* request) { claims_.flush(request); }

bool DataService::handles(MessageType type) {
  uint16_t value = static_cast<uint16_t>(type);
  bool control = value >= static_cast<uint16_t>(MessageType::kPin) &&
                 value <= static_cast<uint16_t>(MessageType::kUnpinNow);
  return control || type == MessageType::kLess || type == MessageType::kPut ||
         type == MessageType::kData;
}

void DataService::closed(DataPeer* peer) {
  if (peer == nullptr) return;
  context_.peers.close(peer);
  push_.on_closed(*peer);
  fetch_.on_closed(*peer);
  serve_.on_closed(*peer);
  reconciler_.on_closed(*peer);
}

namespace {

// Decodes and hands over; a body that cannot be understood ends the session.
template <class M, class F>
void take(DataPeer& peer, Bytes body, F&& handle) {
  M message;
  Status status = M::decode(body, &message);
  if (!ok(status)) return peer.link->close(status);
  handle(message);
}

}  // namespace

void DataService::message(DataPeer& peer, MessageType type, Bytes body) {
  peer.moved_ns = context_.now();
  switch (type) {
    case MessageType::kPin:
      return take<PinMessage>(peer, body, [&](auto& m) { serve_.on_pin(peer, m); });
    case MessageType::kPinned:
      return take<PinnedMessage>(peer, body, [&](auto& m) { push_.on_pinned(peer, m); });
    case MessageType::kStored:
      return take<StoredMessage>(peer, body, [&](auto& m) { push_.on_stored(peer, m); });
    case MessageType::kGet:
      return take<GetMessage>(peer, body, [&](auto& m) { serve_.on_get(peer, m); });
    case MessageType::kMissing:
      return take<MissingMessage>(peer, body, [&](auto& m) { fetch_.on_missing(peer, m); });
    case MessageType::kDigest:
      return take<DigestMessage>(peer, body, [&](auto& m) { serve_.on_digest(peer, m); });
    case MessageType::kDigests:
      return take<DigestsMessage>(peer, body, [&](auto& m) { reconciler_.on_digests(peer, m); });
    case MessageType::kPinnedList:
      return take<PinnedListMessage>(peer, body, [&](auto& m) { serve_.on_list(peer, m); });
    case MessageType::kPinnedChunks:
      return take<PinnedChunksMessage>(peer, body,
                                       [&](auto& m) { reconciler_.on_chunks(peer, m); });
    case MessageType::kAnnounce:
      return take<AnnounceMessage>(peer, body,
                                   [&](auto& m) { serve_.unpins().on_announce(peer, m); });
    case MessageType::kAnnounced:
      return take<AnnouncedMessage>(peer, body, [&](auto& m) { unpinner_.on_announced(peer, m); });
    case MessageType::kUnpin:
      return take<UnpinMessage>(peer, body, [&](auto& m) { serve_.unpins().on_unpin(peer, m); });
    case MessageType::kUnpinNow:
      return take<UnpinNowMessage>(peer, body,
                                   [&](auto& m) { serve_.unpins().on_unpin_now(peer, m); });
    case MessageType::kUnpinned:
      return take<UnpinnedMessage>(peer, body, [&](auto& m) { reconciler_.on_unpinned(peer, m); });
    case MessageType::kKeep:
      return take<KeepMessage>(peer, body, [&](auto& m) { serve_.releases().on_keep(peer, m); });
    case MessageType::kKept:
      return take<KeptMessage>(peer, body, [&](auto& m) { serve_.releases().on_kept(peer, m); });
    case MessageType::kLess:
      return take<LessMessage>(peer, body, [&](auto&) { reconciler_.recheck(peer); });
    default:
      return peer.link->close(Status::kInvalid);
  }
}

MutBytes DataService::bulk_begin(DataPeer& peer, MessageType type, Bytes head, size_t size) {
  peer.moved_ns = context_.now();
  peer.inbound = DataPeer::Inbound::kNone;
  if (size == 0 || size > limits::kRecordBytesMax) return {};
  if (type == MessageType::kPut) {
    PutHead put;
    return ok(PutHead::decode(head, &put)) ? serve_.on_put_begin(peer, put, size) : MutBytes{};
  }
  DataHead data;
  if (type != MessageType::kData || !ok(DataHead::decode(head, &data))) return {};
  return fetch_.on_data_begin(peer, data, size);
}

void DataService::bulk_end(DataPeer& peer, MessageType, Bytes bulk, Status status) {
  peer.moved_ns = context_.now();
  DataPeer::Inbound inbound = peer.inbound;
  peer.inbound = DataPeer::Inbound::kNone;
  if (inbound == DataPeer::Inbound::kReceive) serve_.on_put_end(peer, status);
  if (inbound == DataPeer::Inbound::kFetch) fetch_.on_data_end(peer, bulk.size(), status);
}

// ---- links that are no sessions ----

void DataService::link_ready(DataLink& link, const NodeId& peer, bool member) {
  DataPeer* slot = context_.peers.open(&link, peer, member);
  if (slot == nullptr) return link.close(Status::kBusy);
  slot->link = &link;
}

void DataService::link_closed(const DataLink& link) { closed(context_.peers.find_key(&link)); }

void DataService::link_message(const DataLink& link, MessageType type, Bytes body) {
  DataPeer* peer = context_.peers.find_key(&link);
  if (peer != nullptr) message(*peer, type, body);
}

MutBytes DataService::link_bulk_begin(const DataLink& link, MessageType type, Bytes head,
                                      size_t size) {
  DataPeer* peer = context_.peers.find_key(&link);
  return peer == nullptr ? MutBytes{} : bulk_begin(*peer, type, head, size);
}

void DataService::link_bulk_end(const DataLink& link, MessageType type, Bytes, Bytes bulk,
                                Status status) {
  DataPeer* peer = context_.peers.find_key(&link);
  if (peer != nullptr) bulk_end(*peer, type, bulk, status);
}

}  // namespace drey
