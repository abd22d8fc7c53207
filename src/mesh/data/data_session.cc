// SessionLink, and the entrances of the data service for Mesh's sessions.
#include "mesh/data/data_service.h"
#include "mesh/session/session.h"

namespace drey {

Status SessionLink::send(MessageType type, Bytes body) { return session_->send(type, body); }

Status SessionLink::send_bulk(MessageType type, Bytes head, Bytes bulk, Op* sent) {
  return session_->send_bulk(type, head, bulk, sent);
}

void SessionLink::drop_bulk() { session_->drop_bulk(); }

void SessionLink::close(Status why) { session_->close(why); }

void DataService::session_ready(Session& session) {
  bool member = session.kind() == SessionKind::kMember;
  DataPeer* peer = context_.peers.open(&session, session.peer(), member);
  if (peer == nullptr) return session.close(Status::kBusy);
  peer->session_link.bind(&session);
  peer->link = &peer->session_link;
}

void DataService::session_closed(Session& session) { closed(context_.peers.find_key(&session)); }

void DataService::on_message(Session& session, MessageType type, Bytes body) {
  DataPeer* peer = context_.peers.find_key(&session);
  if (peer != nullptr) message(*peer, type, body);
}

MutBytes DataService::on_bulk_begin(Session& session, MessageType type, Bytes head, size_t size) {
  DataPeer* peer = context_.peers.find_key(&session);
  return peer == nullptr ? MutBytes{} : bulk_begin(*peer, type, head, size);
}

void DataService::on_bulk_end(Session& session, MessageType type, Bytes, Bytes bulk,
                              Status status) {
  DataPeer* peer = context_.peers.find_key(&session);
  if (peer != nullptr) bulk_end(*peer, type, bulk, status);
}

}  // namespace drey
